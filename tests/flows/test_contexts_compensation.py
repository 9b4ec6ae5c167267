"""The topic `compensation`: the meters of a whole station in an episode's last ten seconds."""

import json
from datetime import UTC, datetime

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import substations
from data_contracts.dataset import Dataset
from data_contracts.ranges import INVALID
from data_contracts.wire import Context
from flows.contexts import CONTEXTS
from substations.station import station_facts
from switchyard.profiles import load_profile

MUMBAI = substations.read("mumbai")
START = load_profile("tiny").simulation.start
T0 = int(datetime(START.year, START.month, START.day, 6, tzinfo=UTC).timestamp())
SECONDS = 12
METERS = [*(feeder.point for feeder in MUMBAI.feeders), MUMBAI.infeeds[0].point]
NAMES = [f"mumbai.tiny.7.normal.{k:06d}" for k in range(2)]


def stamps(seconds):
    return pa.array(np.asarray(seconds, dtype=np.int64) * 1000, pa.timestamp("ms", tz="UTC"))


@pytest.fixture
def told(tmp_path):
    """Two episodes of twelve seconds; in the second one feeder's meter says nothing valid."""
    rows = [(name, point, k) for name in NAMES for point in METERS for k in range(SECONDS)]
    second = np.array([k for *_, k in rows])
    blind = np.array([name == NAMES[1] and point == METERS[0] for name, point, _ in rows])
    # The first two seconds are not among the last ten.
    value = np.where(second < 2, 1e9, 1000.0 + second)
    measured = {f"v_{x}_v": value for x in "abc"} | {f"p_{x}_w": 2 * value for x in "abc"}
    measured |= {f"q_{x}_var": 0.5 * value for x in "abc"}
    key = {
        "scenario_id": [name for name, *_ in rows],
        "point": [point for _, point, _ in rows],
        "t": stamps(T0 + second),
    }
    tables = {
        "scenarios": {
            "scenario_id": NAMES,
            "t_start": stamps([T0] * 2),
            "seconds": [SECONDS] * 2,
            "parameters": [json.dumps({})] * 2,
        },
        "readings": {**key, "quality": np.where(blind, INVALID, 0), **measured},
        "readings_truth": {
            **key,
            "taps": [f"AT1:{5 + k // 11},DTX1:3" for *_, k in rows],
            "capacitor_steps": ["C1:1,C2:0"] * len(rows),
        },
        "load": {
            "point": [METERS[0]] * 2,
            "t": stamps([T0, T0 + 900]),
            "ambient_c": [31.254, 40.0],
        },
    }
    for table, content in tables.items():
        (tmp_path / table).mkdir()
        pq.write_table(pa.table(content), tmp_path / table / "normal-00000.parquet")
    Dataset.write_manifest(
        tmp_path, substation="mumbai", profile="tiny", seed=7, circuit_digest=MUMBAI.digest
    )
    return CONTEXTS["compensation"](Dataset.open(tmp_path), MUMBAI, START, NAMES)


def test_compensation__last_ten_seconds__are_what_the_gateway_sends(told):
    found = told[NAMES[0]]
    context = msgspec.convert(found.context, Context)
    mean = 1000.0 + np.arange(2, SECONDS).mean()
    assert found.point in station_facts(MUMBAI).banks[0].points
    assert set(context.station.feeders) == {feeder.id for feeder in MUMBAI.feeders}
    assert context.station.feeders["F331"].p_w == pytest.approx(6 * mean)
    assert context.station.feeders["F331"].q_var == pytest.approx(1.5 * mean, abs=0.1)
    assert context.station.v_infeed_v == pytest.approx(mean)
    assert (context.ambient_c, context.tap, context.capacitor_steps) == (
        31.25,
        {"AT1": 6, "DTX1": 3},
        {"C1": 1, "C2": 0},
    )


def test_compensation__meter_without_a_valid_reading__episode_is_left_out(told):
    assert set(told) == {NAMES[0]}
