"""Captures and the windows that they belong to, from the table to the features and as online."""

from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.tables import TABLES
from data_contracts.wire.request import Item, Reading
from data_contracts.wire.rows import pack
from features import INDEX, FeatureError, compute
from features import channels as ch
from features.build import Readings
from features.captures import COLUMNS, Captures
from features.catalogue import HARMONIC
from features.online import windows_from_rows
from features.table import compute_all, read_features, write_features

START_MS = 1_767_600_000_000
SHARES = {3: 0.01, 5: 0.03, 7: 0.02}


def readings_table(rng, *runs):
    """Readings of (scenario, point, first second, seconds) runs."""
    keys = [(one, point, first + k) for one, point, first, count in runs for k in range(count)]
    columns = {
        "scenario_id": [key[0] for key in keys],
        "point": [key[1] for key in keys],
        "t": pa.array([START_MS + 1000 * key[2] for key in keys], pa.timestamp("ms", tz="UTC")),
    }
    columns |= {name: pa.array(rng.uniform(100.0, 200.0, len(keys))) for name in ch.COLUMNS}
    columns["f_hz"] = pa.array(rng.uniform(49.9, 50.1, len(keys)))
    return pa.table(columns | {"quality": pa.array(np.zeros(len(keys), np.int8))})


def waveform_table(make_wave, nominals, *captures):
    """Captures (scenario, point, second, quality, frequency, samples)."""
    columns = {name: [] for name in ("scenario_id", "point", "t", "rate_hz", *COLUMNS, "quality")}
    for scenario, point, second, quality, f_hz, count in captures:
        wave = make_wave(f_hz, SHARES, count=count)
        own = [*(nominals.v_nom_v * wave), *(0.5 * nominals.i_rated_a * wave)]
        values = [scenario, point, START_MS + 1000 * second, 6400.0, *own, quality]
        for name, value in zip(columns, values, strict=True):
            columns[name].append(value)
    types = {"scenario_id": pa.string(), "point": pa.string(), "t": pa.timestamp("ms", tz="UTC")}
    types |= {"rate_hz": pa.float64(), "quality": pa.int8()}
    types |= dict.fromkeys(COLUMNS, pa.list_(pa.float32()))
    return pa.table({name: pa.array(values, types[name]) for name, values in columns.items()})


@pytest.fixture
def readings(rng):
    return partial(readings_table, rng)


@pytest.fixture
def waveforms(make_wave, nominals):
    return partial(waveform_table, make_wave, nominals)


def good(second, scenario="s1", point="P", f_hz=50.0):
    return (scenario, point, second, 0, f_hz, 1280)


def owners(readings, table, stride_s):
    """The window's scenario, point and last second, and the capture's second, of each window that has one."""
    index = Readings.of(readings).index(stride_s)
    captures = Captures.of(table)
    attached = captures.attach(index)
    assert (np.diff(attached.window) > 0).all()
    return [
        (
            index.scenarios[index.scenario[window]],
            index.points[index.point[window]],
            int(index.t_end[window] - START_MS / 1e3),
            int(captures.t_ms[capture] - START_MS) // 1000,
        )
        for window, capture in zip(attached.window, attached.capture, strict=True)
    ]


def test_columns__of_the_contract__are_all_read():
    contracted = set(TABLES["waveforms"].names)
    assert contracted == {"scenario_id", "point", "t", "rate_hz", "quality", *COLUMNS}


@pytest.mark.parametrize(
    ("second", "stride_s", "ends"),
    [(9, 10, 9), (0, 10, 9), (10, 10, 19), (19, 10, 19), (12, 1, 12), (3, 1, 9), (12, 5, 14), (9, 5, 9)],
)
def test_attach__capture__belongs_to_the_earliest_window_that_holds_it(
    readings, waveforms, second, stride_s, ends
):
    table = readings(("s1", "P", 0, 30))
    assert owners(table, waveforms(good(second)), stride_s) == [("s1", "P", ends, second)]


def test_attach__second_of_no_window__belongs_to_none(readings, waveforms):
    # A gap ends a run; a stride of 15 s leaves seconds between the windows out.
    table = readings(("s1", "P", 0, 12), ("s1", "P", 20, 30))
    seconds = (10, 11, 12, 15, 30, 31, 35, 50, -1)
    assert owners(table, waveforms(*map(good, seconds)), 15) == [("s1", "P", 44, 35)]
    assert owners(table, waveforms(good(15), good(-1), good(50)), 1) == []


def test_attach__other_episode_or_point__belongs_to_none(readings, waveforms):
    table = readings(("s1", "P", 0, 10), ("s1", "Q", 0, 10), ("s2", "P", 100, 10))
    captures = waveforms(
        good(5, "s2"), good(5, "s1", "R"), good(5, "s3"), good(104, "s2"), good(4, "s1", "Q"), good(101)
    )
    assert owners(table, captures, 10) == [("s1", "Q", 9, 4), ("s2", "P", 109, 104)]


def test_attach__several_in_a_window__the_latest_that_is_valid_counts(readings, waveforms):
    table = readings(("s1", "P", 0, 20))
    invalid = ("s1", "P", 8, ch.INVALID, 50.0, 1280)
    questionable = ("s1", "P", 14, ch.QUESTIONABLE, 50.0, 1280)
    captures = waveforms(good(7), good(2), invalid, good(12), questionable)
    assert owners(table, captures, 10) == [("s1", "P", 9, 7), ("s1", "P", 19, 14)]


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), stride_s=st.integers(1, 17))
def test_attach__any_runs_and_captures__is_the_declared_rule(seed, stride_s):
    rng = np.random.default_rng(seed)
    keys = [(f"s{one}", f"P{point}") for one in range(3) for point in range(3)]
    rows = [(*key, t) for key in keys for t in range(40) if rng.random() < 0.97]
    table = pa.table(
        {
            "scenario_id": [row[0] for row in rows],
            "point": [row[1] for row in rows],
            "t": pa.array([START_MS + 1000 * row[2] for row in rows], pa.timestamp("ms", tz="UTC")),
        }
        | {name: np.ones(len(rows)) for name in ch.COLUMNS}
        | {"quality": np.zeros(len(rows), np.int8)}
    )
    taken = sorted({(*keys[rng.integers(9)], int(rng.integers(-2, 45))) for _ in range(25)})
    quality = rng.integers(0, 3, len(taken))
    captures = pa.table(
        {
            "scenario_id": [row[0] for row in taken],
            "point": [row[1] for row in taken],
            "t": pa.array([START_MS + 1000 * row[2] for row in taken], pa.timestamp("ms", tz="UTC")),
            "rate_hz": np.full(len(taken), 6400.0),
            "quality": quality.astype(np.int8),
        }
        | {name: pa.array([[0.0]] * len(taken), pa.list_(pa.float32())) for name in COLUMNS}
    )
    index = Readings.of(table).index(stride_s)
    windows = [
        (index.scenarios[s], index.points[p], int(t - START_MS / 1e3))
        for s, p, t in zip(index.scenario, index.point, index.t_end, strict=True)
    ]
    expected = {}
    for (one, point, t), code in zip(taken, quality, strict=True):
        holds = [w for w in windows if w[:2] == (one, point) and w[2] - 9 <= t <= w[2]]
        if code != ch.INVALID and holds:
            expected[min(holds)] = max(t, expected.get(min(holds), t))
    found = owners(table, captures, stride_s)
    assert found == [(*window, expected[window]) for window in windows if window in expected]


def test_compute_all__captures_across_batches__are_in_the_rows_of_their_windows(
    readings, waveforms, nominals, monkeypatch
):
    table = readings(("s1", "P", 0, 40), ("s1", "Q", 0, 40))
    monkeypatch.setattr(Readings.batches, "__defaults__", (3,))
    captures = waveforms(good(9), good(25, f_hz=49.6), ("s1", "Q", 39, 0, 50.4, 1536))
    columns = Readings.of(table)
    index = columns.index(5)
    rows = compute_all(columns, index, dict.fromkeys("PQ", nominals), Captures.of(captures))
    f_hz, fifth = rows[:, INDEX["f_wave_hz"]], rows[:, INDEX["h5_v_pct"]]
    known = np.flatnonzero(np.isfinite(f_hz))
    seconds = np.rint(index.t_end - START_MS / 1e3).astype(int)
    owned = [(int(index.point[k]), int(seconds[k]), round(float(f_hz[k]), 3)) for k in known]
    assert owned == [(0, 9, 50.0), (0, 29, 49.6), (1, 39, 50.4)]
    np.testing.assert_allclose(fifth[known], 3.0, rtol=1e-4)


def test_write_features__with_waveforms__holds_their_content(tmp_path, readings, waveforms, nominals):
    table, path = readings(("s1", "P", 0, 30)), tmp_path / "harmonic-00000.parquet"
    assert write_features(path, table, {"P": nominals}, 10, waveforms(good(14, f_hz=49.7))) == 3
    with_wave = read_features([path]).values
    write_features(path, table, {"P": nominals}, 10)
    without = read_features([path]).values
    place = INDEX["thd_v_wave_pct"]
    assert np.isnan(without[:, place]).all()
    np.testing.assert_array_equal(np.isnan(with_wave[:, place]), [True, False, True])
    assert with_wave[1, place] == pytest.approx(100.0 * np.sqrt(0.01**2 + 0.03**2 + 0.02**2), rel=1e-4)
    np.testing.assert_array_equal(with_wave[:, : HARMONIC.start], without[:, : HARMONIC.start])


def wire(table, wave_table, row):
    """The readings of a table as an item's window, with the capture in `row` as its waveform."""
    readings = []
    for one in table.to_pylist():
        fields = {
            name: tuple(one[column] for column in ch.COLUMNS[rows])
            for name, rows in ch.CHANNEL_ROWS.items()
            if isinstance(rows, slice)
        }
        moment = datetime.fromtimestamp(one["t"].timestamp(), UTC)
        readings.append(Reading(t=moment, f=one["f_hz"], pst=one["pst"], **fields))
    capture = wave_table.slice(row, 1).to_pylist()[0]
    phases = [capture[name] for name in COLUMNS]
    wave = SimpleNamespace(rate_hz=capture["rate_hz"], v=phases[:3], i=phases[3:])
    return pack([Item(substation="mumbai", point="P", readings=readings)]), {0: wave}


@settings(max_examples=10)
@given(f_hz=st.floats(49.0, 51.0), second=st.integers(0, 9), count=st.sampled_from([1280, 1000, 2560]))
def test_features__same_capture_by_table_and_by_wire__are_the_same(make_wave, nominals, f_hz, second, count):
    rng = np.random.default_rng(count + second)
    table = readings_table(rng, ("s1", "P", 0, 10))
    captures = waveform_table(make_wave, nominals, ("s1", "P", second, 0, f_hz, count))
    columns = Readings.of(table)
    by_table = compute_all(columns, columns.index(10), {"P": nominals}, Captures.of(captures))
    rows, waves = wire(table, captures, 0)
    windows = windows_from_rows(rows, [nominals], waves)
    by_wire = compute(windows)
    assert np.isfinite(by_wire).all()
    np.testing.assert_allclose(by_table, by_wire, rtol=0.0, atol=1e-12)


def test_captures__what_does_not_fit__is_refused(readings, waveforms, nominals):
    table = waveforms(good(3), good(4))
    with pytest.raises(FeatureError, match="column rate_hz is missing"):
        Captures.of(table.drop_columns(["rate_hz"]))
    short = pa.array([list(range(1280)), list(range(1279))], pa.list_(pa.float32()))
    place = table.column_names.index("i_b_a")
    with pytest.raises(FeatureError, match=r"row 1 have \[1279, 1280\] samples"):
        Captures.of(table.set_column(place, "i_b_a", short))


def test_captures__lost_one__is_null_and_belongs_to_no_window(readings, waveforms, nominals):
    table = waveforms(good(3), ("s1", "P", 14, ch.INVALID, 50.0, 1280), good(25))
    for name in COLUMNS:
        samples = table.column(name).to_pylist()
        samples[1] = None
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(samples, pa.list_(pa.float32())))
    assert [second for *_, second in owners(readings(("s1", "P", 0, 30)), table, 10)] == [3, 25]


def test_captures__part_of_a_larger_table__are_its_own(readings, waveforms):
    whole = waveforms(good(3, f_hz=49.5), good(14, f_hz=50.5), good(25))
    table = readings(("s1", "P", 0, 30))
    index = Readings.of(table).index(10)
    group = Captures.of(whole.slice(1, 1)).attach(index).part(slice(0, 3))[0]
    expected = Captures.of(whole).attach(index).part(slice(1, 2))[0]
    np.testing.assert_array_equal(group.rows, [1])
    np.testing.assert_array_equal(expected.rows, [0])
    np.testing.assert_array_equal(group.v, expected.v)
    np.testing.assert_array_equal(group.i, expected.i)
    assert Captures.of(whole.slice(0, 0)).attach(index).part(slice(0, 3)) == ()
