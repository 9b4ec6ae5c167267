"""Windows of measured readings, what is planted in them, and what a dataset must have for that."""

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from features import INDEX, PointNominals, compute
from features.build import Readings
from models import observed_readings, observed_training, planted
from models.catalogue import definition
from models.errors import DataError
from models.monitoring.phase_imbalance import class_of, line_vuf_pct
from models.splits import TEST, TRAIN, VALIDATION
from switchyard.home import Home
from tests.models.measured_readings import (
    FACTS,
    NOMINAL_V,
    ROWS,
    START,
    STEP_S,
    of_lines,
    of_phases,
    split_of,
    voltages,
    write,
)


@pytest.fixture
def plant(tmp_path):
    """Phase voltages alone: a reading lost at row 300, and an interruption in rows 600 to 604."""
    v, _ = voltages()
    v[600:605] = 0.2
    there = np.ones(ROWS, dtype=bool)
    there[300] = False
    return write(Home(tmp_path), "plant", of_phases(v), there=there), v


def row_of(rows):
    return np.rint((rows.t - START) / STEP_S).astype(np.int64)


def test_windows__at_gaps_and_events__are_left_out(plant):
    dataset, _ = plant
    built = definition("voltage_anomaly", "phase_voltages").observed_rows(dataset, split_of(dataset))
    read = built.rows.select(~np.asarray(built.rows.truth["anomaly"], dtype=bool))
    last = row_of(read)
    # The windows of nine rows behind either end of the gap are not whole, nor is that of the lost row.
    assert not np.isin(last, np.arange(300, 310)).any()
    assert {299, 310} <= set(last.tolist())
    assert not np.isin(last, np.arange(600, 614)).any()
    assert {599, 614} <= set(last.tolist())
    assert built.without_truth == 14
    assert built.without_features == 0


def test_windows__of_either_split__read_nothing_of_the_other(plant):
    dataset, _ = plant
    split = split_of(dataset)
    rows = definition("voltage_anomaly", "phase_voltages").observed_rows(dataset, split).rows
    assert set(rows.split.tolist()) == {TRAIN, VALIDATION, TEST}
    np.testing.assert_array_equal(split.split(rows.t), rows.split)
    np.testing.assert_array_equal(split.split(rows.t - 9 * STEP_S), rows.split)
    # An episode lies in one split and lasts half an hour at most.
    for code in np.unique(rows.episode.codes):
        of = rows.episode.codes == code
        assert np.unique(rows.split[of]).size == 1
        assert np.ptp(rows.t[of]) <= 1800.0


def test_features__of_rows_at_thirty_seconds__are_those_of_the_same_readings_at_one(plant):
    dataset, _ = plant
    declared = definition("voltage_anomaly", "phase_voltages")
    rows = declared.observed_rows(dataset, split_of(dataset)).rows
    read = rows.select(~np.asarray(rows.truth["anomaly"], dtype=bool))
    table = dataset.read("readings")
    t = table.column("t").cast(pa.int64()).to_numpy()
    seconds = pa.array((t - t[0]) // int(STEP_S), pa.timestamp("ms", tz="UTC"))
    readings = Readings.of(table.set_column(table.column_names.index("t"), "t", seconds))
    index = readings.index(1)
    nominals = PointNominals(
        v_nom_v=NOMINAL_V, i_rated_a=1000.0, s_rated_va=7e5, f_nom_hz=50.0, utc_offset_s=0.0
    )
    windows = readings.windows(index, {"board": nominals})
    expected = compute(windows)[:, [INDEX[name] for name in declared.columns]]
    place = np.searchsorted(np.rint(index.t_end).astype(np.int64), row_of(read))
    np.testing.assert_array_equal(read.X, expected[place])


def test_window_ends__where_run_point_or_time_break__begin_anew():
    run, point = np.repeat([0, 1, 1], [12, 14, 14]), np.repeat([0, 0, 1], [12, 14, 14])
    t = 30.0 * np.arange(40)
    found = observed_readings.window_ends((run, point), t, 30.0)
    np.testing.assert_array_equal(found, [*range(9, 12), *range(21, 26), *range(35, 40)])
    t[5:] += 10.0
    assert observed_readings.window_ends((run, point), t, 30.0)[0] == 9
    t[5:] += 10.0
    assert observed_readings.window_ends((run, point), t, 30.0)[0] == 21


def drawn(plant, name, n=400):
    """Factors of one kind planted in the first windows, their sizes and the windows."""
    dataset, _ = plant
    windows = observed_readings.measured(dataset, ("v",), split_of(dataset)).take(np.arange(20, 20 + n) % 250)
    rng = np.random.default_rng(3)
    kind = np.full(n, planted.KINDS.index(name))
    severity = rng.uniform(1.0, 20.0, n)
    return planted.gains(windows, kind, severity, rng), severity * 0.005, windows


@pytest.mark.parametrize("name", ["sag", "swell", "unbalance", "drift", "spike", "dead"])
def test_gains__of_a_kind__reach_the_size_that_was_asked_for(plant, name):
    gain, size, _ = drawn(plant, name)
    np.testing.assert_allclose(np.abs(gain - 1.0).max(axis=(1, 2)), size)
    touched = (gain != 1.0).any(axis=1).sum(axis=1)
    signs = set(np.unique(np.sign(gain - 1.0)).tolist())
    assert set(touched.tolist()) == {"sag": {1, 2, 3}, "swell": {1, 2, 3}, "unbalance": {3}}.get(name, {1})
    assert signs == {"sag": {-1, 0}, "dead": {-1, 0}, "swell": {0, 1}}.get(name, {-1, 0, 1})
    if name == "spike":
        assert ((gain != 1.0).sum(axis=(1, 2)) == 1).all()
    if name == "unbalance":
        np.testing.assert_allclose(gain.sum(axis=2), 3.0)
    if name == "drift":
        moved = np.abs(gain - 1.0).max(axis=2)
        np.testing.assert_allclose(np.diff(moved, n=2, axis=1), 0.0, atol=1e-12)
        assert (np.diff(moved, axis=1) > 0).all()


def test_gains__of_registers_that_stand_still__hold_one_value(plant):
    gain, size, windows = drawn(plant, "stuck")
    v = windows.channels["v"]
    held = (v * gain)[:, 5:]
    stands = (np.ptp(held, axis=1) < 1e-9).sum(axis=1)
    assert set(stands.tolist()) == {1, 3}
    begun = np.argmax((gain != 1.0).any(axis=2), axis=1)
    first = np.abs(gain[np.arange(len(gain)), begun] - 1.0).max(axis=1)
    np.testing.assert_allclose(first, size)


def test_applied__to_line_voltages_and_extremes__follows_the_phases(tmp_path):
    v, line = voltages()
    extremes = {f"v_{end}_{phase}_v": v[:, k] * factor for end, factor in (("min", 0.99), ("max", 1.01))
                for k, phase in enumerate("abc")}  # fmt: skip
    dataset = write(Home(tmp_path), "full", {**of_phases(v), **of_lines(line), **extremes})
    assert observed_training.suited(dataset, "voltage_anomaly") == ""
    channels = observed_readings.channels_of(definition("voltage_anomaly").columns)
    windows = observed_readings.measured(dataset, channels, split_of(dataset)).take(np.arange(3))
    gain = np.ones((3, 10, 3))
    gain[1] = 0.9
    gain[2, :, 0] = 0.8
    found = planted.applied(windows, gain)
    for name in channels:
        np.testing.assert_allclose(found[name][0], windows.channels[name][0])
        np.testing.assert_allclose(found[name][1], 0.9 * windows.channels[name][1])
    np.testing.assert_allclose(found["v_min"][2], gain[2] * windows.channels["v_min"][2])
    # 0.8∠0° − 1∠−120° is √(0.64 + 1 + 0.8) long; the line voltage that phase a does not touch stays.
    shrunk = found["v_ll"][2] / windows.channels["v_ll"][2]
    expected = [np.sqrt((0.64 + 1 + 0.8) / 3), 1.0, np.sqrt((0.64 + 1 + 0.8) / 3)]
    np.testing.assert_allclose(shrunk, np.tile(expected, (10, 1)), atol=0.002)


def test_planted_rows__beside_those_that_were_read__are_told_by_truth(plant):
    dataset, _ = plant
    rows = definition("voltage_anomaly", "phase_voltages").observed_rows(dataset, split_of(dataset)).rows
    is_so = np.asarray(rows.truth["anomaly"], dtype=bool)
    assert is_so.sum() == (~is_so).sum()
    np.testing.assert_array_equal(rows.t[is_so], rows.t[~is_so])
    assert not np.asarray(rows.truth["severity"])[~is_so].any()
    severity = np.asarray(rows.truth["severity"])[is_so]
    assert severity.min() >= 1.0
    assert severity.max() <= 20.0
    assert np.bincount(np.asarray(rows.truth["kind"])[is_so]).tolist()[0] == 0
    assert not np.array_equal(rows.X[is_so], rows.X[~is_so])


def test_imbalance__of_phase_and_line_voltages__is_told_by_lines_that_the_model_does_not_read(tmp_path):
    v, line = voltages(negative=0.08)
    home = Home(tmp_path)
    dataset = write(home, "lines", {**of_phases(v), **of_lines(line)})
    assert observed_training.suited(dataset, "phase_imbalance") == "phase_voltages"
    declared = definition("phase_imbalance", "phase_voltages")
    rows = declared.observed_rows(dataset, split_of(dataset)).rows
    windows = row_of(rows)[:, None] + np.arange(-9, 1)
    vuf = line_vuf_pct(line[windows].mean(axis=1))
    np.testing.assert_allclose(rows.truth["vuf_pct"], vuf)
    np.testing.assert_array_equal(rows.truth["code"], class_of(vuf))
    assert np.unique(np.asarray(rows.truth["code"])).size >= 3
    # Other line voltages change the target and nothing that is read.
    other = write(home, "other", {**of_phases(v), **of_lines(np.roll(line, 7, axis=0))})
    same = declared.observed_rows(other, split_of(other)).rows
    both = np.intersect1d(row_of(rows), row_of(same))
    one, two = (one.select(np.isin(row_of(one), both)) for one in (rows, same))
    np.testing.assert_array_equal(one.X, two.X)
    assert not np.array_equal(one.truth["code"], two.truth["code"])
    # Nobody knows the true state, and no second instrument tells the phase.
    assert declared.oracle_answer(rows) is None
    assert not np.asarray(rows.truth["unbalanced"]).any()


def test_dataset__that_cannot_train__is_refused_with_the_reason(tmp_path, plant):
    dataset, v = plant
    home = Home(tmp_path)
    with pytest.raises(DataError, match="dataset plant has no line voltages, and phase voltages do not tell"):
        observed_training.suited(dataset, "phase_imbalance")
    with pytest.raises(DataError, match=r"voltage_anomaly reads v_ab_v, .* leaves empty"):
        definition("voltage_anomaly").check_observed(dataset)
    line = voltages()[1]
    with pytest.raises(DataError, match="these are all that tells the unbalance"):
        definition("phase_imbalance").observed_rows(dataset, split_of(dataset))
    level = write(home, "level", {**of_phases(voltages()[0]), **of_lines(line)})
    with pytest.raises(DataError, match=r"every window before .* is balanced"):
        definition("phase_imbalance", "phase_voltages").observed_rows(level, split_of(level))
    declared = definition("voltage_anomaly", "phase_voltages")
    unknown = msgspec.structs.replace(FACTS, nominal_kv=0.0)
    for name, change, match in (
        ("nameless", {"facts": unknown}, "nominal voltage of board is not known"),
        ("unsteady", {"step_s": 1800.0}, "a step of 1800 s"),
        ("brief", {"there": np.arange(ROWS) < 300}, r"4 stretches of 30 min .* 10 are needed"),
    ):
        wrong = write(home, name, of_phases(v), **change)
        with pytest.raises(DataError, match=match):
            declared.observed_rows(wrong, split_of(wrong))
