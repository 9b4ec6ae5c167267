"""From measured readings to a version that is judged and proven as it would be served."""

import pytest

from data_contracts.version import CONTRACT_VERSION
from features import catalogue_digest
from flows.job import Job
from flows.stages import observed
from models import registry
from serving.runtime import load_model
from serving.snapshot import PublishedModel, open_snapshot, write_snapshot
from switchyard.home import Home
from tests.models.measured_readings import of_lines, of_phases, voltages, write

pytestmark = pytest.mark.slow

OPPONENTS = {
    "voltage_anomaly": {"statutory_limits", "largest_z", "mahalanobis", "mahalanobis_of_shaped"},
    "phase_imbalance": {"pvur"},
}


@pytest.mark.parametrize("model", OPPONENTS)
def test_train__on_readings__registers_what_reads_phases_and_stands_beside_its_opponents(model, tmp_path):
    job = Job.of("tiny", str(tmp_path))
    v, line = voltages(negative=0.08 if model == "phase_imbalance" else 0.0)
    write(job.home, "plant", {**of_phases(v), **of_lines(line)})
    record, _ = observed.train(job, model, "plant", trials=1)
    made = registry.get(job.home, f"{model}.plant", "champion")
    assert made.tags["algorithm"] == "phase_voltages"
    assert made.tags["contributors"] == "plant"
    assert record.result["parity"] <= 2e-6
    report = observed.evaluate(job, model, "plant")
    assert {one.who for one in report.figures} == {"model", "tree3", *OPPONENTS[model]}
    assert report.learnt
    folder = registry.download_compiled(job.home, made.name, made.version, tmp_path / "got")
    served = Home(tmp_path / "served")
    name = write_snapshot(
        served,
        [PublishedModel(made.name, str(made.version), folder)],
        {},
        catalogue_digest=catalogue_digest(),
        contract_version=CONTRACT_VERSION,
    )
    snapshot = open_snapshot(served, name)
    assert load_model(snapshot, snapshot.manifest.models[0]).version == f"{model}.plant:1"
