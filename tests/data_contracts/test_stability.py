"""Rules of `stability`: each is broken once."""

import pytest


def put(columns, row=0, **values):
    for name, value in values.items():
        columns[name] = list(columns[name])
        columns[name][row] = value


def test_stability__sound_rows__are_kept(spoilt):
    assert spoilt("stability", lambda columns: None) == {}


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("scenario_id_form", lambda c: put(c, scenario_id="contingency.0")),
        ("unique_key", lambda c: put(c, 1, scenario_id=c["scenario_id"][0])),
        ("time_grid", lambda c: put(c, t=c["t"][0] + 900_000)),
        ("status.allowed", lambda c: put(c, 3, status="lost")),
        ("solved_or_null", lambda c: put(c, v_bus_metered_pu=None)),
        ("solved_or_null", lambda c: put(c, 3, nadir_hz=49.7)),
        ("reason_agrees", lambda c: put(c, reason="no reason")),
        ("balance", lambda c: put(c, generation_mw=5050.01)),
        ("unsolved_limits", lambda c: put(c, severity=None)),
        ("unsolved_limits", lambda c: put(c, 2, severity=1.5)),
        ("unsolved_limits", lambda c: put(c, 2, nose_after_pct=3.0)),
        ("score_is_least", lambda c: put(c, 1, score=66.0)),
        ("limited_by_least", lambda c: put(c, limited_by="frequency")),
        ("class_agrees", lambda c: put(c, stability_class="marginal")),
        ("class_agrees", lambda c: put(c, 2, stability_class="marginal")),
        ("stability_class.allowed", lambda c: put(c, stability_class="good")),
        ("residual_q_pu.range", lambda c: put(c, residual_q_pu=2e-6)),
        ("score.range", lambda c: put(c, score=101.0)),
    ],
)
def test_stability__one_row_spoilt__is_rejected_by_its_rule(spoilt, rule, spoil):
    assert rule in spoilt("stability", spoil)
