"""Rules of `dispatch`: each is broken once."""

import pytest


def put(columns, name, value, row=0):
    columns[name] = list(columns[name])
    columns[name][row] = value


def scale(columns, name, factor):
    columns[name] = [None if value is None else factor * value for value in columns[name]]


def shed(columns):
    columns["status"] = ["load_shed"] * 3 + list(columns["status"][3:])


def swap(columns):
    for one, other in (("merit_order_mw", "lossless_mw"), ("merit_cost", "lossless_cost")):
        columns[one], columns[other] = columns[other], columns[one]


def more(columns, name, by):
    """Move `by` MW of the first hour's output from the second unit to the third."""
    put(columns, name, columns[name][1] - by, row=1)
    put(columns, name, columns[name][2] + by, row=2)


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("unique_key", lambda c: put(c, "unit", "b08-wind", row=1)),
        ("time_grid", lambda c: put(c, "t", c["t"][0] + 60_000)),
        ("within_offer", lambda c: put(c, "available_mw", 90.0)),
        ("within_offer", lambda c: put(c, "minimum_mw", 690.0, row=1)),
        ("renewable_is_free", lambda c: put(c, "cost_per_mwh", 5.0)),
        ("status_agrees", lambda c: put(c, "status", "ok", row=-1)),
        ("status_agrees", lambda c: put(c, "ac_loss_mw", None)),
        ("status_agrees", shed),
        ("status.allowed", lambda c: put(c, "status", "infeasible")),
        ("congested_named", lambda c: put(c, "limiting_branch", None)),
        ("congested_named", lambda c: put(c, "congested", False)),
        ("hour_agrees", lambda c: put(c, "limiting_branch", "line-b06-b11", row=4)),
        ("hour_agrees", lambda c: put(c, "ac_loading_pct", 99.0, row=4)),
        ("hour_agrees", lambda c: put(c, "merit_cost", None, row=4)),
        ("system_load", lambda c: scale(c, "system_load_mw", 1.001)),
        ("power_balance", lambda c: put(c, "ac_opf_mw", c["ac_opf_mw"][2] + 0.01, row=2)),
        ("power_balance", lambda c: put(c, "lossless_mw", c["lossless_mw"][2] + 0.01, row=2)),
        ("power_balance", lambda c: scale(c, "loss_estimate_mw", 1.1)),
        ("power_balance", lambda c: scale(c, "ac_loss_mw", 1e-3)),
        ("cost_identity", lambda c: more(c, "ac_opf_mw", 0.5)),
        ("cost_identity", lambda c: scale(c, "ac_opf_cost", 1.001)),
        ("merit_order_cheapest", swap),
        ("ac_loading_pct.range", lambda c: scale(c, "ac_loading_pct", 1.01)),
        ("ac_v_max_pu.range", lambda c: scale(c, "ac_v_max_pu", 1.01)),
        ("available_mw.range", lambda c: put(c, "available_mw", 6e8, row=1)),
    ],
)
def test_dispatch__broken_rule__is_found(spoilt, rule, spoil):
    assert rule in spoilt("dispatch", spoil)


def test_dispatch__hour_with_a_missing_unit__is_rejected_whole(spoilt):
    def lose(columns):
        for name in columns:
            columns[name] = [value for k, value in enumerate(columns[name]) if k != 4]

    found = spoilt("dispatch", lose)

    assert found["power_balance"] == 2


def test_dispatch__good_table__keeps_every_rule(spoilt):
    assert spoilt("dispatch", lambda _: None) == {}
