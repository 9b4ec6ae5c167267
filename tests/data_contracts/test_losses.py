"""Rules of `losses` and `controls`: each is broken once."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from data_contracts.arrow import schema
from data_contracts.block import Block
from data_contracts.seen import SeenKeys
from data_contracts.tables import TABLES


def put(columns, row=0, **values):
    for name, value in values.items():
        columns[name] = np.asarray(columns[name]).tolist() if name == "t" else list(columns[name])
        columns[name][row] = int(value) if name == "t" else value


@pytest.mark.parametrize("table", ["losses", "controls"])
def test_station_tables__sound_rows__are_kept(spoilt, table):
    assert spoilt(table, lambda columns: None) == {}


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("scenario_id_form", lambda c: put(c, scenario_id="delhi.test.1.state.000000")),
        ("time_grid", lambda c: put(c, t=c["t"][0] + 60_000)),
        ("time_increasing", lambda c: put(c, 1, t=c["t"][0] - 900_000)),
        ("status.allowed", lambda c: put(c, 3, status="lost")),
        ("solved_or_null", lambda c: put(c, taps=None)),
        ("solved_or_null", lambda c: put(c, 3, core_w=4e5)),
        ("reason_agrees", lambda c: put(c, reason="no reason")),
        ("reason_agrees", lambda c: put(c, 3, reason=" ")),
        ("balance", lambda c: put(c, p_supplied_w=c["p_supplied_w"][0] + 101.0)),
        ("causes_sum", lambda c: put(c, core_w=0.0)),
        ("classes_sum", lambda c: put(c, lines_w=0.0)),
        ("harmonic_part", lambda c: put(c, harmonic_w=9.1e5)),
        ("design_sum", lambda c: put(c, design_core=0.31)),
        ("residual_p_pu.range", lambda c: put(c, residual_p_pu=1.1e-6)),
        ("winding_max_c.range", lambda c: put(c, winding_max_c=343.0)),
    ],
)
def test_losses__one_row_spoilt__is_rejected_by_its_rule(spoilt, rule, spoil):
    assert spoilt("losses", spoil) == {rule: 1}


def test_losses__one_time_twice_in_a_scenario__is_rejected(spoilt):
    assert spoilt("losses", lambda c: put(c, 1, t=c["t"][0])) == {"unique_key": 1}


@pytest.mark.parametrize(
    ("found", "spoil"),
    [
        ({"scenario_id_form": 3}, lambda c: c.update(scenario_id=["state.0"] * 3 + c["scenario_id"][3:])),
        ({"unique_key": 1}, lambda c: put(c, 2, setting=0)),
        ({"time_grid": 1}, lambda c: put(c, t=c["t"][0] + 1)),
        ({"solved_or_null": 1}, lambda c: put(c, loading_pct=None)),
        ({"solved_or_null": 1}, lambda c: put(c, 5, loss_w=1e6)),
        ({"present_once": 3}, lambda c: put(c, 1, present=False)),
        ({"present_once": 3}, lambda c: put(c, 3, present=True)),
        ({"same_served": 3}, lambda c: put(c, p_served_w=2.1e8)),
        ({"voltage_order": 1}, lambda c: put(c, v_min_pu=1.02)),
        ({"overloads_agree": 1}, lambda c: put(c, overloads=1)),
        ({"overloads_agree": 1}, lambda c: put(c, loading_pct=[40.0, 40.0, 100.5, 52.0])),
        ({"loading_pct.range": 1}, lambda c: put(c, loading_pct=[40.0, -1.0, 65.0, 52.0])),
    ],
)
def test_controls__spoilt__is_rejected_by_its_rule(spoilt, found, spoil):
    assert spoilt("controls", spoil) == found


@pytest.mark.parametrize("name", ["losses", "controls", "load"])
def test_seen_keys__same_rows_in_another_file__are_found_again(facts, small_tables, name):
    table = TABLES[name]
    wanted = schema(table)
    columns = {field.name: pa.array(small_tables[name][field.name], field.type) for field in wanted}
    block = Block(table, pa.table(columns, schema=wanted), facts)
    keys = SeenKeys(table)

    assert not keys.repeated(block).any()
    assert keys.repeated(block).all()


def test_seen_keys__number_before_the_last_part__tells_rows_apart(facts, small_tables):
    table = replace(TABLES["controls"], key=("setting", "scenario_id"))
    wanted = schema(table)
    columns = {field.name: pa.array(small_tables["controls"][field.name], field.type) for field in wanted}
    data = pa.table(columns, schema=wanted)
    keys = SeenKeys(table)

    keys.remember(Block(table, data.slice(0, 2), facts))

    assert keys.holds(Block(table, data, facts)).tolist() == [True, True, False, False, False, False]
