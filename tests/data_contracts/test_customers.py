"""Rules of `customers`: each is broken once."""

import pytest


def put(columns, name, value, row=0):
    columns[name] = list(columns[name])
    columns[name][row] = value


def put_all(columns, row=0, **values):
    for name, value in values.items():
        put(columns, name, value, row)


def with_quarter(columns, value, name="working_w", quarter=40):
    shape = list(columns[name][0])
    shape[quarter] = value
    return shape


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("this_substation", lambda c: put(c, "substation", "delhi")),
        ("known_point", lambda c: put(c, "point", "F999")),
        ("unique_key", lambda c: put(c, "customer", c["customer"][0], row=1)),
        ("sector.allowed", lambda c: put(c, "sector", "traction")),
        ("true_class.allowed", lambda c: put(c, "true_class", "prosumer")),
        ("working_w.length", lambda c: put(c, "working_w", list(c["working_w"][0])[:95])),
        ("working_w.range", lambda c: put(c, "working_w", with_quarter(c, -1e-5))),
        ("weekend_w.finite", lambda c: put(c, "weekend_w", with_quarter(c, float("nan"), "weekend_w"))),
        (
            "mean_agrees",
            lambda c: put_all(c, mean_w=1.1 * c["mean_w"][0], load_factor=1.1 * c["load_factor"][0]),
        ),
        (
            "peak_agrees",
            lambda c: put_all(c, peak_w=2 * c["peak_w"][0], load_factor=0.5 * c["load_factor"][0]),
        ),
        ("peak_agrees", lambda c: put(c, "load_factor", 0.99)),
        ("shares_agree", lambda c: put(c, "night_share", 0.9)),
        ("shares_agree", lambda c: put(c, "peak_hours_share", 0.9)),
        ("shares_agree", lambda c: put(c, "weekend_ratio", 1.4)),
        ("flexible_possible", lambda c: put(c, "flexible_w", 3.0 * c["peak_w"][0])),
        ("ramp_pu.range", lambda c: put(c, "ramp_pu", -0.1)),
        ("price_response_pct.range", lambda c: put(c, "price_response_pct", 130.0)),
        ("temperature_pct_per_k.finite", lambda c: put(c, "temperature_pct_per_k", float("inf"))),
        ("variability_pct.range", lambda c: put(c, "variability_pct", -1.0)),
        ("standby_pct.range", lambda c: put(c, "standby_pct", 101.0)),
    ],
)
def test_customers__one_row_spoilt__is_rejected_by_its_rule(spoilt, rule, spoil):
    assert spoilt("customers", spoil) == {rule: 1}


def test_customers__good_rows__are_kept(spoilt):
    assert spoilt("customers", lambda columns: None) == {}
