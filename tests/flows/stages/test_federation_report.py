from __future__ import annotations

import msgspec
import pytest

from federation.comparison import Comparison, FederationRow, SiteFigures
from federation.result import FederationResult
from flows.job import Job
from flows.stages import learning
from models.reports import Footprint
from switchyard.files import read_json, write_json_atomic
from switchyard.steps import StepRecord


def record(model: str, figure: float, profile: str = "quick") -> StepRecord:
    row = FederationRow(model, "any", "exact", "f1", "higher", 1.0, figure, None, 0.5, None, None, 9, 3)
    result = FederationResult(
        model=model,
        version=None,
        rows=(),
        footprint=Footprint(model, None, 0, 0.0, 0.0, 10, 0),
        params={},
        parity=0.0,
        comparison=Comparison(row, (SiteFigures("delhi", 1.0, figure, 0.5),), None),
        n={"delhi": 10},
        refused={"mumbai": "lost: site mumbai was lost (exit code -9)"},
        ledger_head="0" * 64,
        seconds={},
    )
    name = f"federate.{profile}.{model}"
    return StepRecord(name, "k", "d", msgspec.to_builtins(result), (), 1.0, "2026-01-01T00:00:00+00:00")


@pytest.fixture
def job(tmp_path) -> Job:
    job = Job.of("quick", str(tmp_path / "home"))
    for one in (
        record("phase_imbalance", 0.9),
        record("energy_loss", 0.8),
        record("voltage_sag", 0.1, "tiny"),
    ):
        write_json_atomic(job.home.state / one.step / f"{one.key}.json", msgspec.to_builtins(one))
    strange = msgspec.structs.replace(record("load_forecast", 0.7), result={"of": "another release"})
    write_json_atomic(job.home.state / strange.step / "k.json", msgspec.to_builtins(strange))
    return job


def test_report_federation__one_model_anew__those_federated_before_stay(job):
    given = learning.report_federation(job, {"energy_loss": record("energy_loss", 0.85)})
    assert [one.model for one in given] == ["energy_loss"]
    written = read_json(job.home.reports / "federation.json")
    assert {row["model"]: row["federated"] for row in written} == {
        "phase_imbalance": 0.9,
        "energy_loss": 0.85,
    }
    told = (job.home.reports / "federation.md").read_text()
    assert "- **delhi** gains by the federation: 0.85 by the global model, 0.5 by its own (f1)." in told
    assert "mumbai was left out: lost: site mumbai was lost (exit code -9)." in told
