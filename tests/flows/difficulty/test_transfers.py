"""The target of transfers: permitted arrangements only, and opponents that choose one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import substations
from data_contracts.dataset import Dataset
from features.rearrangement.arrangements import reach
from flows.difficulty.cases import Campaign
from flows.difficulty.targets.transfers import BestTransfer
from models.transfer_rows import bays, moves_text
from substations.movable import movable_facts
from switchyard.profiles import load_profile

STATES = 3
MUMBAI = substations.read("mumbai")


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """Three states: F331 is the largest feeder and leaves the fuller transformer; one move is forbidden."""
    facts = movable_facts(MUMBAI)
    assert facts is not None
    within = reach(len(facts.feeders), len(facts.supplies))
    side, pair = np.zeros(len(facts.feeders), dtype=np.int64), np.zeros(2, dtype=np.int64)
    texts = [moves_text(code, facts) for code in within.codes(side, pair)]
    points = [point.id for point in MUMBAI.points]
    v, p = np.ones((len(points), 3)), np.zeros((len(points), 3))
    for unit, fed in zip(facts.units, (60e6, 60e6, 9e6, 4e6), strict=True):
        at = points.index(bays(MUMBAI)[unit.name])
        v[at], p[at] = unit.v_nom_v, -fed / 3.0
    for k, feeder in enumerate((*facts.feeders, *facts.others)):
        p[points.index(feeder.name)] = (6e6 - 1e6 * k) / 3.0 if k < 4 else 10e6
    rows: list[dict[str, Any]] = []
    for state in range(STATES):
        for k, text in enumerate(texts):
            rows.append(
                {
                    "scenario_id": f"mumbai.tiny.7.transfer.{state:06d}",
                    "moves": text,
                    "present": k == 0,
                    "sections": "F331:lv1,F332:lv1,F333:lv2,F334:lv2",
                    "traction": "TR1:ab,TR2:ab",
                    "imbalance_pct": 40.0 - (10.0 if text == "F331:lv1>lv2" else 0.1 * k),
                    "permitted": text != "F332:lv1>lv2",
                    "operations": int(within.operations[k]),
                    "feeders_moved": int(within.moved[k].sum()),
                    "supplies_moved": int((within.turned[k] > 0).sum()),
                    "v_metered_v": v.ravel().tolist() if k == 0 else None,
                    "p_metered_w": p.ravel().tolist() if k == 0 else None,
                    "q_metered_var": (0.3 * p).ravel().tolist() if k == 0 else None,
                    "p_traction_metered_w": [2e6, 1e6] if k == 0 else None,
                    "q_traction_metered_var": [1e6, 5e5] if k == 0 else None,
                }
            )
    (tmp_path / "transfers").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "transfers" / "transfer-00000.parquet")
    Dataset.write_manifest(
        tmp_path, substation="mumbai", profile="tiny", seed=7, circuit_digest=MUMBAI.digest
    )
    return Campaign(Dataset.open(tmp_path), MUMBAI, load_profile("tiny"))


def test_best_transfer__forbidden_arrangement__is_no_choice_and_the_present_one_comes_first(
    campaign: Campaign,
) -> None:
    cases = BestTransfer().read(campaign)
    assert cases is not None
    assert len(cases.y) == STATES * 98
    assert cases.choice is not None
    first = np.flatnonzero(np.diff(cases.choice, prepend=-1))
    assert cases.y[first].tolist() == [0.0] * STATES
    assert cases.X[first, cases.columns.index("operations")].tolist() == [0.0] * STATES
    assert np.isfinite(cases.X).all()


def test_best_transfer__largest_feeder__is_the_one_of_the_fuller_transformer(campaign: Campaign) -> None:
    cases = BestTransfer().read(campaign)
    assert cases is not None
    (opponent,) = cases.opponents.values()
    answer = opponent(np.arange(0))
    assert answer.sum() == STATES
    assert cases.y[answer > 0].tolist() == pytest.approx([10.0] * STATES)
