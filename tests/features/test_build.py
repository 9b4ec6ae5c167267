"""Windows cut from a table of readings: never across a boundary, with the features of the same samples."""

import numpy as np
import pyarrow as pa
import pytest

from data_contracts.tables import TABLES
from features import FeatureError, PointNominals, Windows, compute
from features import channels as ch
from features.build import Readings
from features.table import compute_all

START_MS = 1_767_600_000_000


@pytest.fixture
def table(rng):
    """Rows of (scenario, point, first second, seconds) runs as a contracted table, channels drawn freely."""

    def make(*runs, drop=()):
        columns = {"scenario_id": [], "point": [], "t": []}
        for scenario, point, first, seconds in runs:
            columns["scenario_id"] += [scenario] * seconds
            columns["point"] += [point] * seconds
            columns["t"] += [START_MS + 1000 * (first + k) for k in range(seconds)]
        rows = len(columns["t"])
        arrays = {
            "scenario_id": pa.array(columns["scenario_id"], pa.string()),
            "point": pa.array(columns["point"], pa.string()),
            "t": pa.array(columns["t"], pa.timestamp("ms", tz="UTC")),
        }
        for name in ch.COLUMNS:
            arrays[name] = pa.array(rng.uniform(100.0, 200.0, rows))
        arrays["quality"] = pa.array(np.zeros(rows, np.int8))
        return pa.table({name: column for name, column in arrays.items() if name not in drop})

    return make


def ends(readings, stride_s):
    index = readings.index(stride_s)
    seconds = np.rint(index.t_end - START_MS / 1e3).astype(int)
    names = zip(index.scenario, index.point, strict=True)
    return [(index.scenarios[s], index.points[p], int(t)) for (s, p), t in zip(names, seconds, strict=True)]


def test_columns__of_the_contract__are_all_read():
    contracted = {
        name for name in TABLES["readings"].names if name not in ("scenario_id", "point", "t", "quality")
    }
    assert set(ch.COLUMNS) == contracted


def test_index__runs_of_points_and_scenarios__keep_windows_inside(table):
    readings = Readings.of(
        table(("s1", "P", 0, 12), ("s1", "Q", 12, 10), ("s2", "Q", 22, 9), ("s2", "P", 0, 11))
    )
    assert ends(readings, 1) == [
        ("s1", "P", 9), ("s1", "P", 10), ("s1", "P", 11), ("s1", "Q", 21), ("s2", "P", 9), ("s2", "P", 10),
    ]  # fmt: skip


def test_index__gap_or_step_back_in_time__starts_a_new_run(table):
    readings = Readings.of(table(("s", "P", 0, 10), ("s", "P", 11, 10), ("s", "P", 15, 10)))
    assert [t for _, _, t in ends(readings, 1)] == [9, 20, 24]


@pytest.mark.parametrize("stride", [1, 3, 10, 100])
def test_index__stride__counts_from_each_run(table, stride):
    readings = Readings.of(table(("s", "P", 0, 30), ("s", "Q", 0, 15)))
    expected = [*range(9, 30, stride), *range(9, 15, stride)]
    assert [t for _, _, t in ends(readings, stride)] == expected


def test_index__no_rows_or_stride_of_zero__is_empty_or_refused(table):
    assert len(Readings.of(table()).index(1)) == 0
    with pytest.raises(FeatureError, match="stride_s is 0"):
        Readings.of(table(("s", "P", 0, 10))).index(0)


def test_windows__cut_from_the_table__hold_its_rows(table, nominals, rng):
    source = table(("s", "P", 0, 25), ("s", "Q", 0, 14))
    readings = Readings.of(source)
    index = readings.index(2)
    other = PointNominals(110e3, 100.0, 10e6, 60.0, -3600.0)
    windows = readings.windows(index, {"P": nominals, "Q": other})

    for row, last in enumerate(index.last_row):
        for place, name in enumerate(ch.COLUMNS):
            column = source.column(name).to_numpy()[last - 9 : last + 1]
            np.testing.assert_array_equal(windows.samples[:, place, row], column)
        one = nominals if index.points[index.point[row]] == "P" else other
        assert windows.v_nom_v[row] == one.v_nom_v
        assert windows.utc_offset_s[row] == one.utc_offset_s


def test_compute_all__in_batches__is_compute_of_the_windows(table, nominals):
    readings = Readings.of(table(("s", "P", 0, 60)))
    index = readings.index(1)
    everywhere = {"P": nominals}
    rows = compute_all(readings, index, everywhere)
    np.testing.assert_array_equal(rows, compute(readings.windows(index, everywhere)))
    parts = [rows[where] for where, _ in readings.batches(index, everywhere, size=7)]
    np.testing.assert_array_equal(np.concatenate(parts), rows)


def test_readings__nulls_codes_and_strings__are_taken(table, nominals):
    source = table(("s", "P", 0, 10), ("s", "Q", 0, 10))
    v = source.column("v_a_v").to_pylist()
    v[4] = None
    source = source.set_column(source.column_names.index("v_a_v"), "v_a_v", pa.array(v, pa.float64()))
    point = source.column("point").dictionary_encode()
    source = source.set_column(1, "point", point)
    source = pa.concat_tables([source.slice(0, 13), source.slice(13)]).unify_dictionaries()
    readings = Readings.of(source)
    windows = readings.windows(readings.index(1), dict.fromkeys("PQ", nominals))
    assert np.isnan(windows.channel("v")[0, 4, 0])
    assert isinstance(windows, Windows)
    assert readings.points == ("P", "Q")


def test_readings__optional_column_absent__is_missing_and_required_is_refused(table, nominals):
    readings = Readings.of(table(("s", "P", 0, 10), drop=("pst", "v_ab_v")))
    assert np.isnan(readings.values[ch.PST]).all()
    with pytest.raises(FeatureError, match="column q_b_var is missing"):
        Readings.of(table(("s", "P", 0, 10), drop=("q_b_var",)))


def test_windows__point_without_nominals__is_named(table, nominals):
    readings = Readings.of(table(("s", "P", 0, 10), ("s", "X9", 0, 10)))
    with pytest.raises(FeatureError, match="point X9 has no nominals"):
        readings.windows(readings.index(1), {"P": nominals})
