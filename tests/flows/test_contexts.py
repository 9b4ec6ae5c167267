"""Context of episodes from the tables of a campaign: what a gateway knew, and what came."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import substations
from data_contracts.dataset import Dataset
from data_contracts.wire import Context
from features.context import day_ago, loading
from flows.contexts import CONTEXTS, Told
from flows.truths import truth_of
from models import columns
from models.splits import TEST, day_of, split_of_day
from models.thermal_rows import AHEAD_MIN
from simulation.tables.thermal import write_thermal
from switchyard.profiles import load_profile

MUMBAI = substations.read("mumbai")
START = load_profile("tiny").simulation.start
ASSET, BAY = "DTX1", "DTX1.LV"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two days out of every three, so that one episode is of the test split."""
    tiny = load_profile("tiny")
    sizes = msgspec.structs.replace(tiny.simulation.thermal, episodes=7, days=2)
    simulation = msgspec.structs.replace(tiny.simulation, thermal=sizes, load_days=21)
    folder = tmp_path_factory.mktemp("campaign") / "tiny.mumbai"
    write_thermal(
        folder / "thermal" / "thermal-00000.parquet",
        MUMBAI,
        msgspec.structs.replace(tiny, simulation=simulation),
    )
    return folder


@pytest.fixture(scope="module")
def minutes(folder):
    """Minutes of the asset in a test episode and in a training episode: (name, t, columns)."""
    table = pq.read_table(folder / "thermal")
    episode, asset = (columns.names(table, name).array() for name in ("scenario_id", "asset"))
    t = columns.seconds(table)
    found = {}
    for name in np.unique(episode):
        mine = np.flatnonzero((episode == name) & (asset == ASSET))
        split = int(split_of_day(day_of(t[mine[:1]].astype(float), START, MUMBAI.utc_offset_s))[0])
        values = ("load_metered_pu", "top_oil_measured_c", "ambient_c", "hot_spot_c")
        found.setdefault(split, (str(name), t[mine], {v: columns.floats(table, v)[mine] for v in values}))
    return found


@pytest.fixture
def told(folder, minutes):
    """Context of an episode of the kind `overload` in the given minute of a split's episode."""

    def ask(minute, split=TEST):
        name, t, _ = minutes[split]
        drawing = {"asset": ASSET, "thermal": name, "t_thermal": int(t[minute])}
        scenarios = pa.table(
            {
                "scenario_id": ["mumbai.tiny.7.overload.000001"],
                "kind": ["overload"],
                "parameters": [json.dumps(drawing)],
            }
        )
        (folder / "scenarios").mkdir(exist_ok=True)
        pq.write_table(scenarios, folder / "scenarios" / "overload-00000.parquet")
        Dataset.write_manifest(
            folder, substation="mumbai", profile="tiny", seed=7, circuit_digest=MUMBAI.digest
        )
        known = CONTEXTS["overload"](
            Dataset.open(folder), MUMBAI, START, ["mumbai.tiny.7.overload.000001", "another"]
        )
        return known.get("mumbai.tiny.7.overload.000001")

    return ask


def test_overloads__second_day__the_request_holds_what_was_known_until_then(told, minutes):
    _, t, values = minutes[TEST]
    now = 2000

    found = told(now)

    assert found.point == BAY
    context = msgspec.convert(found.context, Context)
    assert context.loading_history.end == datetime.fromtimestamp(int(t[now]), UTC)
    wanted = values["load_metered_pu"][now - day_ago.REACH_MIN : now]
    assert context.loading_history.pu == wanted.tolist()
    assert context.top_oil_c == values["top_oil_measured_c"][now - 1]
    assert context.ambient_c == pytest.approx(values["ambient_c"][now - 1], abs=0.005)


def test_overloads__hour_behind_it__is_the_truth(told, minutes):
    found = told(2000)

    np.testing.assert_array_equal(found.truth["hot_spots_c"], minutes[TEST][2]["hot_spot_c"][2000:2060])


def test_overloads__first_morning__has_the_history_that_there_is(told):
    assert len(told(600).context["loading_history"]["pu"]) == 600


@pytest.mark.parametrize("minute", [loading.MINUTES - 1, 2 * 1440 - AHEAD_MIN + 1])
def test_overloads__too_near_to_the_beginning_or_the_end__is_left_out(told, minute):
    assert told(minute) is None


def test_overloads__episode_that_was_trained_on__is_left_out(told):
    assert told(2000, split=0) is None


@pytest.mark.parametrize(
    ("hot_spots_c", "truth"),
    [
        ([90.0, 97.9], {"risk_level": "low"}),
        ([110.0, 119.0], {"risk_level": "medium"}),
        ([110.0, 119.0, 121.0, 130.0], {"risk_level": "high", "time_to_overload": 3.0}),
        ([121.0, 141.0], {"risk_level": "critical", "time_to_overload": 1.0}),
    ],
)
def test_truth_of__overload_risk__is_that_of_the_hottest_minute(hot_spots_c, truth):
    known = Told(BAY, {}, {"hot_spots_c": np.array(hot_spots_c)})

    assert truth_of("overload_risk", SimpleNamespace(window=SimpleNamespace(told=known))) == truth


def test_truth_of__nothing_told__is_not_known():
    assert truth_of("overload_risk", SimpleNamespace(window=SimpleNamespace(told=None))) == {}
