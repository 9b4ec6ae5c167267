"""Rules of `transfers`: each is broken once."""

import numpy as np
import pytest


def put(columns, row=0, **values):
    for name, value in values.items():
        columns[name] = np.asarray(columns[name]).tolist() if name == "t" else list(columns[name])
        columns[name][row] = value


def test_transfers__sound_rows__are_kept(spoilt):
    assert spoilt("transfers", lambda columns: None) == {}


@pytest.mark.parametrize(
    ("found", "spoil"),
    [
        ({"scenario_id_form": 3}, lambda c: c.update(scenario_id=["transfer.0"] * 3 + c["scenario_id"][3:])),
        ({"unique_key": 1}, lambda c: put(c, 2, transfer=1)),
        ({"time_grid": 1}, lambda c: put(c, t=int(c["t"][0]) + 1)),
        ({"solved_or_null": 1}, lambda c: put(c, 1, cost=None)),
        ({"solved_or_null": 1}, lambda c: put(c, 5, loss_w=1e6)),
        ({"reason_agrees": 1}, lambda c: put(c, 5, reason="")),
        ({"present_once": 3}, lambda c: put(c, 1, present=True)),
        ({"same_served": 3}, lambda c: put(c, p_served_w=2.1e8)),
        ({"moves_agree": 1}, lambda c: put(c, 1, moves="")),
        ({"moves_agree": 1}, lambda c: put(c, operations=2)),
        ({"moves_agree": 1}, lambda c: put(c, 1, feeders_moved=0)),
        ({"voltage_order": 1}, lambda c: put(c, v_min_pu=1.04)),
        ({"overloads_agree": 1}, lambda c: put(c, 1, overloads=1)),
        ({"extremes_agree": 1}, lambda c: put(c, 1, loading_max_pct=64.0)),
        ({"extremes_agree": 1}, lambda c: put(c, 1, vuf_max_pct=1.2)),
        ({"permitted_agrees": 1}, lambda c: put(c, 1, permitted=False)),
        ({"permitted_agrees": 1}, lambda c: put(c, 1, violations=1)),
        ({"permitted_agrees": 1}, lambda c: put(c, 1, unbalanced=1)),
        ({"reduction_agrees": 1}, lambda c: put(c, 1, reduction_pct=21.0)),
        ({"reduction_agrees": 1}, lambda c: put(c, 1, reduction_pct=None)),
        ({"reduction_agrees": 1}, lambda c: put(c, 5, reduction_pct=40.0)),
        ({"metered_with_present": 1}, lambda c: put(c, p_metered_w=None)),
        ({"metered_with_present": 1}, lambda c: put(c, 1, v_metered_v=[19e3])),
        ({"residual_p_pu.range": 1}, lambda c: put(c, residual_p_pu=1.1e-6)),
        ({"loading_pct.range": 1}, lambda c: put(c, loading_pct=[40.0, -1.0, 65.0, 52.0])),
    ],
)
def test_transfers__one_row_spoilt__is_rejected_by_its_rule(spoilt, found, spoil):
    assert spoilt("transfers", spoil) == found
