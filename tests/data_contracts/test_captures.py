"""Rules of `waveforms` and `waveforms_truth`: each is broken once, by what would break it in practice."""

import numpy as np
import pytest

SERIES = ("v_a_v", "v_b_v", "v_c_v", "i_a_a", "i_b_a", "i_c_a")
VOLTAGES, CURRENTS = SERIES[:3], SERIES[3:]
GOOD = 4


def change(columns, names, function, row=1):
    for name in names:
        columns[name][row] = function(columns[name][row])


def put(columns, name, place, value, row=1):
    columns[name][row][place] = value


def lose(columns, names, quality, row=1):
    change(columns, names, lambda x: None, row)
    columns["quality"][row] = quality


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("v_b_v.finite", lambda c: put(c, "v_b_v", 7, np.nan)),
        ("i_c_a.finite", lambda c: put(c, "i_c_a", 7, -np.inf)),
        ("v_a_v.range", lambda c: put(c, "v_a_v", 0, 4e6)),
        ("i_a_a.range", lambda c: put(c, "i_a_a", 0, -4e5)),
        ("rate_hz.range", lambda c: c["rate_hz"].__setitem__(1, 6.4)),
        ("quality.allowed", lambda c: c["quality"].__setitem__(1, 3)),
        ("scenario_id_form", lambda c: c["scenario_id"].__setitem__(1, "mumbai.harmonic.1")),
        ("known_point", lambda c: c["point"].__setitem__(1, "DTX9")),
        ("time_grid", lambda c: c["t"].__setitem__(1, c["t"][1] + 417)),
        ("missing_is_invalid", lambda c: lose(c, SERIES, 0)),
        ("missing_is_invalid", lambda c: lose(c, ["i_b_a"], 1)),
        ("equal_lengths", lambda c: change(c, ["v_c_v"], lambda x: x[:-1])),
        ("equal_lengths", lambda c: change(c, CURRENTS, lambda x: x[::2])),
        ("capture_length", lambda c: change(c, SERIES, lambda x: x[:1250])),
        ("capture_length", lambda c: change(c, SERIES, lambda x: np.concatenate([x, x[:128]]))),
        ("capture_length", lambda c: c["rate_hz"].__setitem__(1, 7680.0)),
        ("capture_length", lambda c: change(c, SERIES, lambda x: x[:0])),
        ("waveform_unit", lambda c: change(c, VOLTAGES, lambda x: x / 1e3)),
        ("waveform_unit", lambda c: change(c, VOLTAGES, lambda x: x / 1e6)),
        ("waveform_unit", lambda c: change(c, VOLTAGES, lambda x: x / 19_053)),
        ("waveform_unit", lambda c: change(c, VOLTAGES, lambda x: x * 3**0.5)),
        ("waveform_peak", lambda c: put(c, "v_b_v", 3, 90_000.0)),
        ("waveform_peak", lambda c: change(c, ["v_c_v"], lambda x: 3.5 * x)),
        ("dead_voltage", lambda c: change(c, ["v_a_v"], lambda x: 0 * x)),
        ("dead_voltage", lambda c: change(c, ["v_a_v"], lambda x: 0 * x + 812.5)),
        ("dead_current", lambda c: change(c, ["i_b_a"], lambda x: 0 * x + 4.25)),
    ],
)
def test_waveforms__one_capture_spoilt__is_rejected_by_its_rule(spoilt, rule, spoil):
    assert spoilt("waveforms", spoil) == {rule: 1}


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda c: lose(c, SERIES, 2), id="lost capture"),
        pytest.param(lambda c: lose(c, ["v_b_v", "i_b_a"], 2), id="lost phase"),
        pytest.param(lambda c: change(c, CURRENTS, lambda x: 0 * x), id="feeder without load"),
        pytest.param(lambda c: change(c, ["v_b_v"], lambda x: x / 1000), id="one phase shorted"),
        pytest.param(lambda c: change(c, SERIES, lambda x: x[:1260]), id="within 2 %"),
        pytest.param(lambda c: change(c, VOLTAGES, lambda x: 0.3 * x), id="deep sag"),
        pytest.param(lambda c: put(c, "v_a_v", 9, -79_000.0), id="transient"),
    ],
)
def test_waveforms__what_happens_in_a_grid__is_kept(spoilt, spoil):
    assert spoilt("waveforms", spoil) == {}


def test_waveforms__dead_voltage_of_quality_invalid__is_kept(spoilt):
    def spoil(columns):
        change(columns, VOLTAGES, lambda x: 0 * x)
        columns["quality"][1] = 2

    assert spoilt("waveforms", spoil) == {}


def test_waveforms__several_captures_of_a_scenario__are_told_apart_by_point(spoilt):
    def spoil(columns):
        columns["scenario_id"] = ["mumbai.test.1.harmonic.000000"] * GOOD
        columns["t"] = [columns["t"][0] + 1000 * (k == 3) for k in range(GOOD)]

    assert spoilt("waveforms", spoil) == {}


def test_waveforms__same_capture_twice__keeps_the_first(spoilt):
    def spoil(columns):
        for name in ("scenario_id", "point", "t"):
            columns[name][2] = columns[name][1]

    assert spoilt("waveforms", spoil) == {"unique_key": 1}


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("v_a_h_pct.length", lambda c: change(c, ["v_a_h_pct"], lambda x: x[:39])),
        ("i_b_h_deg.length", lambda c: change(c, ["i_b_h_deg"], lambda x: x[1:])),
        ("v_a_h_pct.finite", lambda c: put(c, "v_a_h_pct", 4, np.nan)),
        ("v_a_h_pct.range", lambda c: put(c, "v_a_h_pct", 4, -1.0)),
        ("i_c_h_deg.range", lambda c: put(c, "i_c_h_deg", 4, 700.0)),
        ("missing_together", lambda c: change(c, ["v_b_h_pct"], lambda x: None)),
        ("fundamental", lambda c: put(c, "i_c_h_pct", 0, 1.0)),
        ("fundamental", lambda c: change(c, ["v_a_h_pct", "v_a_h_deg"], lambda x: np.append(x[1:], 0))),
        ("thd_agrees", lambda c: change(c, ["thd_v_a_pct"], lambda x: x * (1 + 3e-6))),
        ("thd_agrees", lambda c: change(c, ["thd_i_c_pct"], lambda x: x / 100)),
        ("thd_agrees", lambda c: put(c, "i_b_h_pct", 12, 40.0)),
        ("missing_together", lambda c: change(c, ["thd_i_a_pct"], lambda x: np.nan)),
        ("known_point", lambda c: c["point"].__setitem__(1, "DTX9")),
    ],
)
def test_waveforms_truth__one_row_spoilt__is_rejected_by_its_rule(spoilt, rule, spoil):
    def change_it(columns):
        spoil(columns)
        for name, values in columns.items():
            if name.startswith("thd_"):
                columns[name] = [None if np.isnan(value) else value for value in values]

    assert spoilt("waveforms_truth", change_it) == {rule: 1}


def test_waveforms_truth__current_without_fundamental__is_null_throughout(spoilt):
    def spoil(columns):
        columns["thd_i_a_pct"] = [None, *columns["thd_i_a_pct"][1:]]
        change(columns, ["i_a_h_pct", "i_a_h_deg"], lambda x: None, row=0)
        columns["i1_a_a"][0] = 0.0

    assert spoilt("waveforms_truth", spoil) == {}


def test_waveforms_truth__sine_without_harmonics__has_no_distortion(spoilt):
    def spoil(columns):
        change(columns, ["v_a_h_pct"], lambda x: np.where(np.arange(40) == 0, 100.0, 0.0))
        columns["thd_v_a_pct"][1] = 0.0

    assert spoilt("waveforms_truth", spoil) == {}
