"""Rules of `sag_events`: each is broken once."""

import pytest


def put(columns, name, value, row=0):
    columns[name] = list(columns[name])
    columns[name][row] = value


def put_all(columns, row=0, **values):
    for name, value in values.items():
        put(columns, name, value, row)


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("event_named", lambda c: put(c, "event_id", " ")),
        ("scenario_id_form", lambda c: put(c, "scenario_id", "")),
        ("scenario_id_form", lambda c: put(c, "scenario_id", "delhi.test.1.sag.000000")),
        ("known_point", lambda c: put(c, "point", "DTX9")),
        ("unique_key", lambda c: put(c, "t", c["t"][2], row=3)),
        ("time_increasing", lambda c: put(c, "t", c["t"][0] - 1, row=3)),
        ("kind.allowed", lambda c: put(c, "kind", "dip")),
        ("kind_agrees", lambda c: put(c, "kind", "interruption")),
        ("kind_agrees", lambda c: put(c, "kind", "rapid_voltage_change")),
        ("kind_agrees", lambda c: put_all(c, residual_pu=0.95, depth_pct=5.0)),
        ("kind_agrees", lambda c: put_all(c, 5, residual_pu=1.08, depth_pct=8.0)),
        ("cause_agrees", lambda c: put_all(c, cause="load_rejection", cleared_by="")),
        ("cause_agrees", lambda c: put_all(c, 1, cause="motor_starting", cleared_by="")),
        ("cause_agrees", lambda c: put(c, "cause", "motor_starting", row=5)),
        ("depth_agrees", lambda c: put(c, "depth_pct", 60.0)),
        ("depth_agrees", lambda c: put(c, "depth_pct", 0.4)),
        ("depth_agrees", lambda c: put(c, "depth_pct", 115.0, row=5)),
        ("residual_pu.range", lambda c: put(c, "residual_pu", 60.0)),
        ("duration_ms.range", lambda c: put(c, "duration_ms", 0.0)),
        ("duration_ms.range", lambda c: put(c, "duration_ms", 0.09)),
        ("phases.allowed", lambda c: put(c, "phases", "cba")),
        ("cleared_by_agrees", lambda c: put_all(c, cleared_by="", duration_ms=70.0)),
        ("cleared_by_agrees", lambda c: put(c, "cleared_by", "main", row=3)),
        ("intensity_per_h.range", lambda c: put(c, "intensity_per_h", -0.1)),
        ("total_intensity", lambda c: put(c, "total_intensity_per_h", 0.19)),
        ("total_intensity_per_h.finite", lambda c: put(c, "total_intensity_per_h", float("nan"))),
    ],
)
def test_sag_events__one_row_spoilt__is_rejected_by_its_rule(spoilt, rule, spoil):
    assert spoilt("sag_events", spoil) == {rule: 1}


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda c: put_all(c, kind="swell", residual_pu=1.6, depth_pct=60.0), id="earth fault"),
        pytest.param(lambda c: put_all(c, 2, depth_pct=3.4), id="change counted from the voltage before"),
        pytest.param(lambda c: put_all(c, residual_pu=0.0, depth_pct=100.0), id="sag of one phase to zero"),
        pytest.param(lambda c: put_all(c, cleared_by="", duration_ms=25.0), id="arc that dies by itself"),
        pytest.param(lambda c: put_all(c, total_intensity_per_h=0.2), id="no other cause at work"),
    ],
)
def test_sag_events__what_happens_in_a_grid__is_kept(spoilt, spoil):
    assert spoilt("sag_events", spoil) == {}
