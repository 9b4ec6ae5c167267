"""`controls`: one state under one setting of taps and capacitor steps a row, solved."""

from __future__ import annotations

from data_contracts.columns import SCENARIO_ID, time
from data_contracts.contract import Column, Table
from data_contracts.ranges import P_MAX_W, V_MAX_PU
from data_contracts.rules.controls import (
    OVERLOADS_AGREE,
    PRESENT_ONCE,
    SAME_SERVED,
    SOLVED_OR_NULL,
    VOLTAGE_ORDER,
)
from data_contracts.rules.identity import SCENARIO_ID_FORM
from data_contracts.rules.order import on_grid, unique_key
from data_contracts.tables.load import STEP_MS
from data_contracts.tables.losses import LOADING_MAX_PCT, STATUSES


def _voltage(name: str, description: str) -> Column:
    return Column(name, "float64", "pu", description, nullable=True, minimum=0, maximum=V_MAX_PU)


def _count(name: str, description: str) -> Column:
    return Column(name, "int64", "", description, nullable=True, minimum=0, maximum=10_000)


CONTROLS = Table(
    name="controls",
    description=(
        "One state of `losses` under one setting of taps and capacitor steps, solved at the same served "
        "power and the same voltage behind the grid's impedance."
    ),
    key=("scenario_id", "setting"),
    columns=(
        SCENARIO_ID,
        Column("setting", "int64", "", "Number of the setting in its state", minimum=0, maximum=1e9),
        time("t", "The state's t in `losses`"),
        Column("present", "bool", "", "The setting in which the state was found"),
        Column("status", "string", "", "Whether it has a solution", allowed=STATUSES),
        Column("taps", "string", "", "Tap positions, AT1:9,DTX1:10"),
        Column("capacitor_steps", "string", "", "Capacitor steps in service, C1:1,C2:0"),
        Column(
            "p_served_w",
            "float64",
            "W",
            "Active power of all feeders at their far ends",
            minimum=-P_MAX_W,
            maximum=P_MAX_W,
        ),
        Column(
            "loss_w",
            "float64",
            "W",
            "Loss between the grid and there",
            nullable=True,
            minimum=-1.0,
            maximum=P_MAX_W,
        ),
        Column(
            "q_supplied_var",
            "float64",
            "var",
            "Reactive power that the grid delivers",
            nullable=True,
            minimum=-P_MAX_W,
            maximum=P_MAX_W,
        ),
        _voltage("v_min_pu", "Lowest phase voltage of a bus, tertiary windings left out"),
        _voltage("v_max_pu", "Highest of them"),
        _count("violations", "Buses with a phase outside of their level's limits"),
        _count("overloads", "Transformers above their strongest rating"),
        Column(
            "loading_pct",
            "float64[]",
            "%",
            "Load of each transformer, of its strongest rating, in the description's order",
            nullable=True,
            minimum=0,
            maximum=LOADING_MAX_PCT,
        ),
    ),
    rules=(
        SCENARIO_ID_FORM,
        unique_key("scenario_id", "setting"),
        on_grid(STEP_MS, "15 minutes"),
        SOLVED_OR_NULL,
        PRESENT_ONCE,
        SAME_SERVED,
        VOLTAGE_ORDER,
        OVERLOADS_AGREE,
    ),
)
