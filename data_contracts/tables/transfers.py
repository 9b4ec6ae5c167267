"""`transfers`: one state with feeders and traction supplies moved in one way a row, solved."""

from __future__ import annotations

from data_contracts.columns import SCENARIO_ID, time
from data_contracts.contract import Column, Table
from data_contracts.ranges import P_MAX_W, V_MAX_PU, V_MAX_V
from data_contracts.rules.controls import OVERLOADS_AGREE, PRESENT_ONCE, SAME_SERVED, VOLTAGE_ORDER
from data_contracts.rules.identity import SCENARIO_ID_FORM
from data_contracts.rules.losses import REASON_AGREES
from data_contracts.rules.order import on_grid, unique_key
from data_contracts.rules.transfers import (
    EXTREMES_AGREE,
    METERED_WITH_PRESENT,
    MOVES_AGREE,
    PERMITTED_AGREES,
    REDUCTION_AGREES,
    SOLVED_OR_NULL,
)
from data_contracts.tables.load import STEP_MS
from data_contracts.tables.losses import LOADING_MAX_PCT, STATUSES
from data_contracts.tables.readings_truth import RESIDUAL_GATE_PU

_VUF_MAX_PCT = 200.0
_COST_MAX = 1e9


def _pct(name: str, description: str, maximum: float = LOADING_MAX_PCT, minimum: float = 0.0) -> Column:
    return Column(name, "float64", "%", description, nullable=True, minimum=minimum, maximum=maximum)


def _pcts(name: str, description: str, maximum: float = LOADING_MAX_PCT) -> Column:
    return Column(name, "float64[]", "%", description, nullable=True, minimum=0, maximum=maximum)


def _voltage(name: str, description: str) -> Column:
    return Column(name, "float64", "pu", description, nullable=True, minimum=0, maximum=V_MAX_PU)


def _count(name: str, description: str, *, nullable: bool = False) -> Column:
    return Column(name, "int64", "", description, nullable=nullable, minimum=0, maximum=10_000)


def _powers(name: str, unit: str, description: str) -> Column:
    return Column(name, "float64[]", unit, description, nullable=True, minimum=-P_MAX_W, maximum=P_MAX_W)


TRANSFERS = Table(
    name="transfers",
    description=(
        "One state with feeders moved between busbar sections and traction supplies between phase pairs, "
        "solved at the same served power and the same voltage behind the grid's impedance."
    ),
    key=("scenario_id", "transfer"),
    columns=(
        SCENARIO_ID,
        Column("transfer", "int64", "", "Number of the arrangement in its state", minimum=0, maximum=1e9),
        time("t", "Beginning of the 15 minutes"),
        Column("present", "bool", "", "The arrangement in which the state was found"),
        Column("status", "string", "", "Whether it has a solution", allowed=STATUSES),
        Column("reason", "string", "", "Why it has none; empty where it has one"),
        Column("moves", "string", "", "What is moved, F331:lv1>lv2,TR2:ab>bc; empty for nothing"),
        Column("sections", "string", "", "Busbar of each feeder that can be moved, F331:lv2,F332:lv1"),
        Column("traction", "string", "", "Phase pair of each traction supply, TR1:bc,TR2:bc"),
        Column("running", "string", "", "Traction supplies in operation, TR1,TR2"),
        Column("taps", "string", "", "Tap positions, AT1:9,DTX1:10", nullable=True),
        Column("capacitor_steps", "string", "", "Capacitor steps in service, C1:1,C2:0", nullable=True),
        _count("feeders_moved", "Feeders that are moved"),
        _count("supplies_moved", "Traction supplies that are moved"),
        _count("operations", "Operations of switchgear"),
        Column(
            "p_served_w",
            "float64",
            "W",
            "Active power of all feeders at their far ends and of traction",
            minimum=-P_MAX_W,
            maximum=P_MAX_W,
        ),
        Column("price_per_mwh", "float64", "1/MWh", "Marginal price at the bus", minimum=-1e6, maximum=1e6),
        Column(
            "loss_w",
            "float64",
            "W",
            "Loss between the grid and the loads",
            nullable=True,
            minimum=-1.0,
            maximum=P_MAX_W,
        ),
        Column(
            "cost",
            "float64",
            "1",
            "Cost of the operations, and of the loss while the arrangement lasts, in the price's currency",
            nullable=True,
            minimum=-_COST_MAX,
            maximum=_COST_MAX,
        ),
        _pcts("loading_pct", "Load of each transformer, of its strongest rating, in the description's order"),
        _pct("loading_max_pct", "Largest of them"),
        _pcts(
            "phase_loading_pct",
            "Current of each phase of each transformer's second winding, of its current at that rating",
        ),
        _pct(
            "loading_imbalance_pct",
            "Largest deviation from the mean, over the mean, of parallel transformers' load; the worst group",
        ),
        _pct("imbalance_pct", "The same of all their phases' currents; the mean of the groups"),
        _pct(
            "reduction_pct",
            "Share of the present arrangement's imbalance_pct that is gone",
            maximum=100.0,
            minimum=-1e6,
        ),
        _pcts("vuf_pct", "Unbalance 100·|V2|/|V1| at each section, in the description's order", _VUF_MAX_PCT),
        _pct("vuf_max_pct", "Largest of them", _VUF_MAX_PCT),
        _voltage("v_min_pu", "Lowest phase voltage of a bus, tertiary windings left out"),
        _voltage("v_max_pu", "Highest of them"),
        _count("violations", "Buses with a phase outside of their level's limits", nullable=True),
        _count("overloads", "Transformers above their strongest rating", nullable=True),
        _count("unbalanced", "Sections above their level's limit of unbalance", nullable=True),
        Column("permitted", "bool", "", "No overload, and no more limits exceeded than now", nullable=True),
        *(
            Column(
                f"residual_{part}_pu",
                "float64",
                "pu",
                f"{word} power-balance residual of the solution, on 100 MVA",
                nullable=True,
                minimum=-RESIDUAL_GATE_PU,
                maximum=RESIDUAL_GATE_PU,
            )
            for part, word in (("p", "Active"), ("q", "Reactive"))
        ),
        Column(
            "v_metered_v",
            "float64[]",
            "V",
            "Phase voltages of all points in the description's order as their instruments have them",
            nullable=True,
            minimum=0,
            maximum=V_MAX_V,
        ),
        _powers("p_metered_w", "W", "Active power of each phase there"),
        _powers("q_metered_var", "var", "Reactive power of each phase there"),
        _powers("p_traction_metered_w", "W", "Active power of each traction supply as its meter has it"),
        _powers("q_traction_metered_var", "var", "Reactive power of each as its meter has it"),
    ),
    rules=(
        SCENARIO_ID_FORM,
        unique_key("scenario_id", "transfer"),
        on_grid(STEP_MS, "15 minutes"),
        SOLVED_OR_NULL,
        REASON_AGREES,
        PRESENT_ONCE,
        SAME_SERVED,
        MOVES_AGREE,
        VOLTAGE_ORDER,
        OVERLOADS_AGREE,
        EXTREMES_AGREE,
        PERMITTED_AGREES,
        REDUCTION_AGREES,
        METERED_WITH_PRESENT,
    ),
)
