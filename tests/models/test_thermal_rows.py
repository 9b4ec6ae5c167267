"""Minutes of the simulator's table `thermal` become rows whose inputs serving can compute from a request."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

import substations
from data_contracts.dataset import Dataset
from data_contracts.wire.request import Item
from data_contracts.wire.rows import pack
from features import CONTEXT_NAMES, NAMES, compute, context_block
from features.context import GROUP_OF, day_ago, loading
from features.online import windows_from_rows
from models import columns
from models.errors import DataError
from models.hot_spot_levels import OVER_C
from models.maintenance.overload_risk import DEFINITION
from models.overload_rows import DAY_AGO
from models.thermal_rows import AHEAD_MIN, STRIDE_MIN
from serving.sites import Sites
from simulation.tables.thermal import write_thermal
from switchyard.profiles import load_profile


def dataset(folder, days):
    tiny = load_profile("tiny")
    sizes = msgspec.structs.replace(tiny.simulation.thermal, episodes=2, days=days)
    profile = msgspec.structs.replace(
        tiny, simulation=msgspec.structs.replace(tiny.simulation, thermal=sizes, load_days=10)
    )
    mumbai = substations.read("mumbai")
    write_thermal(folder / "thermal" / "thermal-00000.parquet", mumbai, profile)
    Dataset.write_manifest(folder, substation="mumbai", profile="tiny", seed=7, circuit_digest=mumbai.digest)
    return Dataset.open(folder)


@pytest.fixture(scope="module")
def two_days(tmp_path_factory):
    return dataset(tmp_path_factory.mktemp("thermal") / "tiny.mumbai", 2)


@pytest.fixture(scope="module")
def built(two_days):
    return DEFINITION.rows(two_days, load_profile("tiny").simulation.start)


NUMBERS = ("load_metered_pu", "ambient_c", "top_oil_measured_c", "hot_spot_c")


@pytest.fixture(scope="module")
def minutes(two_days):
    """The table's columns of one transformer in one episode, by both names."""
    table = two_days.read("thermal")
    keys = [columns.names(table, name).array() for name in ("scenario_id", "asset")]
    values = {name: columns.floats(table, name) for name in NUMBERS} | {"t": columns.seconds(table)}

    def own(episode, asset):
        mine = np.flatnonzero((keys[0] == episode) & (keys[1] == asset))
        return {name: column[mine] for name, column in values.items()}

    return own


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def own_minutes(minutes, rows, at):
    own = minutes(rows.episode.array()[at], rows.point.array()[at].split(".")[0])
    return own, int(np.searchsorted(own["t"], rows.t[at]))


def test_build__every_row__is_told_from_the_future_of_its_own_minutes(built, minutes, rng):
    rows = built.rows
    for at in rng.integers(len(rows), size=25):
        own, place = own_minutes(minutes, rows, at)
        ahead = own["hot_spot_c"][place + 1 : place + 1 + AHEAD_MIN]
        assert ahead.size == AHEAD_MIN
        assert rows.truth["hottest_c"][at] == ahead.max()
        assert rows.truth["exceeds"][at] == (ahead > OVER_C).any()
        if (ahead > OVER_C).any():
            assert rows.truth["minutes"][at] == np.argmax(ahead > OVER_C) + 1


def test_build__neighbours__are_a_stride_apart_and_have_four_hours_before_them(built):
    rows = built.rows
    one = (rows.episode.codes == rows.episode.codes[0]) & (rows.point.codes == rows.point.codes[0])
    t = np.sort(rows.t[one])
    assert (np.diff(t) % (60 * STRIDE_MIN) == 0).all()
    assert np.diff(t).min() == 60 * STRIDE_MIN


def test_build__second_day__knows_the_day_before(built, minutes):
    rows = built.rows
    known = np.isfinite(rows.column(DAY_AGO[0]))
    np.testing.assert_array_equal(known, rows.truth["day_known"])
    assert 0.2 < known.mean() < 0.7
    at = int(np.flatnonzero(known)[0])
    _, place = own_minutes(minutes, rows, at)
    assert place >= day_ago.REACH_MIN - 1


def test_build__row__has_the_inputs_of_the_request_that_a_gateway_would_post(built, minutes, rng):
    rows, sites = built.rows, Sites.read(["mumbai"])
    groups = {GROUP_OF[name] for name in DEFINITION.features if name in GROUP_OF}
    for at in rng.choice(np.flatnonzero(rows.truth["day_known"]), 4, replace=False):
        own, place = own_minutes(minutes, rows, at)
        pu = own["load_metered_pu"][place + 1 - day_ago.REACH_MIN : place + 1]
        end = datetime.fromtimestamp(float(rows.t[at]), UTC)
        item = msgspec.convert(
            {
                "substation": "mumbai",
                "point": str(rows.point.array()[at]),
                "readings": [
                    {"t": end, "v": [1e4] * 3, "i": [1e2] * 3, "p": [0.0] * 3, "q": [0.0] * 3, "f": 50.0}
                ],
                "context": {
                    "loading_history": {"step_s": 60, "end": end, "pu": pu.tolist()},
                    "top_oil_c": float(own["top_oil_measured_c"][place]),
                    "ambient_c": float(own["ambient_c"][place]),
                },
            },
            Item,
        )
        windows = windows_from_rows(pack([item]), [sites.find(item).nominals])
        context = dict(zip(CONTEXT_NAMES, context_block([item], windows, groups)[0], strict=True))
        of_window = dict(zip(NAMES, compute(windows)[0], strict=True))
        for name in DEFINITION.features:
            value = (context if name in context else of_window)[name]
            assert value == pytest.approx(rows.column(name)[at], rel=1e-9, abs=1e-9), name


def test_build__days_too_short_for_an_hour_ahead__says_so(tmp_path):
    found = dataset(tmp_path / "tiny.mumbai", 1)
    table = pq.read_table(found.files("thermal")[0])
    path = tmp_path / "short.mumbai"
    (path / "thermal").mkdir(parents=True)
    first = table.filter(np.arange(table.num_rows) < loading.MINUTES)
    pq.write_table(first, path / "thermal" / "thermal-00000.parquet")
    Dataset.write_manifest(
        path, substation="mumbai", profile="tiny", seed=7, circuit_digest=substations.read("mumbai").digest
    )

    with pytest.raises(DataError, match="simulate longer"):
        DEFINITION.rows(Dataset.open(path), load_profile("tiny").simulation.start)
