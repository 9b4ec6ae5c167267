"""The topic `balancing`: a state of the table `transfers` as a gateway would send it."""

import json
from datetime import UTC, datetime

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import substations
from data_contracts.dataset import Dataset
from data_contracts.wire import Context
from flows.contexts import CONTEXTS
from models.splits import TEST, split_of_day
from models.transfer_rows import bays
from switchyard.profiles import load_profile

MUMBAI = substations.read("mumbai")
START = load_profile("tiny").simulation.start
MIDNIGHT = int(datetime(START.year, START.month, START.day, tzinfo=UTC).timestamp()) - MUMBAI.utc_offset_s
DAYS = np.arange(40)
POINTS = [point.id for point in MUMBAI.points]


def stamps(seconds):
    return pa.array(np.asarray(seconds, dtype=np.int64) * 1000, pa.timestamp("ms", tz="UTC"))


@pytest.fixture
def told(tmp_path):
    """Two episodes beside one state a day, each in its present arrangement and in another one."""
    n = 2 * DAYS.size
    metered = [
        None if k % 2 else (1000.0 * (k // 2) + np.arange(3.0 * len(POINTS))).tolist() for k in range(n)
    ]
    names = [f"mumbai.tiny.7.normal.{k:06d}" for k in range(2)]
    tables = {
        "scenarios": {
            "scenario_id": names,
            "t_start": stamps([MIDNIGHT] * 2),
            "seconds": [20] * 2,
            "parameters": [json.dumps({})] * 2,
        },
        "transfers": {
            "scenario_id": [f"mumbai.tiny.7.transfer.{k // 2:06d}" for k in range(n)],
            "t": stamps(MIDNIGHT + 86_400 * np.repeat(DAYS, 2) + 3600),
            "status": ["ok"] * n,
            "present": [k % 2 == 0 for k in range(n)],
            "sections": ["F331:lv2,F332:lv1,F333:lv2,F334:lv1"] * n,
            "traction": ["TR1:bc,TR2:ca"] * n,
            **dict.fromkeys(("v_metered_v", "p_metered_w", "q_metered_var"), metered),
            "p_traction_metered_w": [None if k % 2 else [1e6, 0.0] for k in range(n)],
            "q_traction_metered_var": [None if k % 2 else [2e5, 0.0] for k in range(n)],
            "imbalance_pct": np.arange(n, dtype=float),
            "moves": ["", "F331:lv2>lv1,TR1:bc>ab"] * (n // 2),
            "reduction_pct": [0.0, 40.0] * (n // 2),
            "permitted": [True, False] * (n // 2),
        },
    }
    for table, content in tables.items():
        (tmp_path / table).mkdir()
        pq.write_table(pa.table(content), tmp_path / table / "kind-00000.parquet")
    Dataset.write_manifest(
        tmp_path, substation="mumbai", profile="tiny", seed=7, circuit_digest=MUMBAI.digest
    )
    found = CONTEXTS["balancing"](Dataset.open(tmp_path), MUMBAI, START, names)
    return [found[name] for name in names]


def test_balancing__two_episodes__get_the_first_two_states_of_test_days(told):
    tested = [int(day) for day in DAYS if split_of_day(np.array([day]))[0] == TEST][:2]
    assert [one.truth["imbalance_pct"] for one in told] == [2.0 * day for day in tested]


def test_balancing__every_arrangement__is_told_with_what_it_does(told):
    assert told[0].truth["arrangements"] == {"": (0.0, True), "F331:lv2>lv1,TR1:bc>ab": (40.0, False)}


def test_balancing__context__is_what_the_meters_say_and_decodes(told):
    context = msgspec.convert(told[0].context, Context)
    station = context.station
    assert told[0].point == MUMBAI.infeeds[0].point
    assert station.feeders["F331"].bus == "lv2"
    assert station.feeders["F221"].bus == "mv1"
    at = POINTS.index(bays(MUMBAI)["DTX1"])
    first = station.transformers["DTX1"].v[0] % 1000
    assert first == 3 * at
    assert (station.traction["TR1"].phases, station.traction["TR2"].p_w) == ("bc", 0.0)
