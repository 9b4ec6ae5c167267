"""`stability`: one state of the transmission grid a row: what its control centre knows, how stable it is."""

from __future__ import annotations

from data_contracts.columns import SCENARIO_ID, time
from data_contracts.contract import Column, Table
from data_contracts.rules.identity import SCENARIO_ID_FORM
from data_contracts.rules.losses import REASON_AGREES, solved_or_null
from data_contracts.rules.order import on_grid, unique_key
from data_contracts.rules.stability import (
    BALANCE,
    CLASS_AGREES,
    LIMITED_BY,
    SCORE_IS_LEAST,
    SOLVED,
    UNSOLVED_LIMITS,
)
from data_contracts.tables.readings_truth import RESIDUAL_GATE_PU
from data_contracts.transmission import BUSES, LINES, PLANTS, TRANSFORMERS, UNITS

STATUSES = ("ok", "not_converged", "islanded", "infeasible")
CLASSES = ("stable", "marginal", "unstable")
MARGINS = ("voltage", "outages", "frequency")
STEP_MS = 3_600_000
_MOST_MW = 1e5
_BRANCHES = len(LINES) + len(TRANSFORMERS)


def _number(name: str, unit: str, description: str, low: float, high: float) -> Column:
    return Column(name, "float64", unit, description, nullable=True, minimum=low, maximum=high)


def _mw(name: str, description: str, low: float = 0.0) -> Column:
    return _number(name, "Mvar" if name.endswith("mvar") else "MW", description, low, _MOST_MW)


def _v(name: str, description: str) -> Column:
    return _number(name, "pu", description, 0, 2)


def _share(name: str, description: str, high: float = 1e4) -> Column:
    return _number(name, "%", description, 0, high)


def _count(name: str, description: str) -> Column:
    return _number(name, "", description, 0, 1000)


def _score(name: str, description: str) -> Column:
    return _number(name, "", description, 0, 100)


_KNOWN = (
    _mw("load_metered_mw", "Load of the grid"),
    _mw("load_metered_mvar", "Its reactive part", -_MOST_MW),
    _mw("generation_metered_mw", "Output of all plants and parks"),
    _number("renewable_share_metered", "", "Wind and sun, of the load", 0, 5),
    _mw("solar_metered_mw", "Output of solar parks"),
    _mw("wind_metered_mw", "Output of wind parks"),
    *(_mw(f"{fuel}_metered_mw", f"Output of {fuel} plants") for fuel in ("hydro", "gas", "coal", "nuclear")),
    _mw("import_metered_mw", "Import over the interconnection", -_MOST_MW),
    _mw("neighbour_load_metered_mw", "Load of the neighbour behind it, as the neighbour says"),
    _number("inertia_estimate_s", "s", "Inertia constant on the load of both, of scheduled units", 0, 50),
    _mw("primary_reserve_declared_mw", "Primary reserve of running units if all governors answered"),
    _mw("spinning_reserve_metered_mw", "Rated power of running units less their output"),
    _mw("largest_infeed_metered_mw", "Output of the unit, or half of the park, that gives most"),
    _count("units_running", "Units that run"),
    _count("units_out", "Units that are out"),
    _mw("reactive_output_metered_mvar", "Reactive power of all stations", -_MOST_MW),
    _mw("reactive_reserve_declared_mvar", "What they can give more by nameplate", -_MOST_MW),
    _count("stations_near_limit", "Stations above 85 % of their largest reactive power by nameplate"),
    _v("v_bus_metered_pu", "Voltage of the substation's bus"),
    _v("v_min_metered_pu", "Lowest voltage of the grid"),
    _v("v_mean_metered_pu", "Mean voltage of the grid"),
    _v("v_set_mean_pu", "Mean of the voltages that stations are told to hold"),
    _number("angle_spread_metered_deg", "°", "Largest difference of two buses' angles", 0, 720),
    _number("angle_bus_metered_deg", "°", "Angle of the substation's bus to the interconnection", -360, 360),
    _mw("bus_load_metered_mw", "Load of the substation"),
    _mw("bus_load_metered_mvar", "Its reactive part", -_MOST_MW),
    _share("loading_max_metered_pct", "Current of the most loaded line, of its rating"),
    _share("loading_third_metered_pct", "Current of the third most loaded line"),
    _share("loading_mean_metered_pct", "Mean over the lines in service"),
    _count("lines_heavy", "Lines above 80 % of their rating"),
    _mw("loss_metered_mw", "Losses of the grid"),
    _count("lines_out", "Lines and transformers that are out"),
    _count("branches_at_bus", "Branches in service at the substation's bus"),
    _count("loops", "Independent loops of the grid"),
    _number("out_near_hops", "", "Branches from the bus to the nearest that is out; 10 for none", 0, 40),
)

KNOWN = tuple(column.name for column in _KNOWN)
"""Columns that a control centre knows of the whole; a model may read these."""


def _each(
    name: str, unit: str, description: str, length: int, *, low: float = -1e4, high: float = 1e4
) -> Column:
    return Column(
        name, "float64[]", unit, description, nullable=True, minimum=low, maximum=high, length=length
    )


_ELEMENTS = (
    _each("branch_in_service", "", "1 where it is in service, 0 where not", _BRANCHES, low=0, high=1),
    _each("branch_metered_mw", "MW", "Active power into a branch at its first bus", _BRANCHES),
    _each("branch_metered_mvar", "Mvar", "Its reactive power", _BRANCHES),
    _each("unit_metered_mw", "MW", "Output of each park and station", len(UNITS)),
    _each("plant_metered_mvar", "Mvar", "Reactive power of each station", len(PLANTS)),
    _each("plant_units_in_service", "", "Units of each station that run", len(PLANTS), low=0, high=100),
    _each("plant_v_set_pu", "pu", "Voltage that it is told to hold", len(PLANTS), low=0.5, high=1.5),
    _each("bus_v_metered_pu", "pu", "Voltage of each bus", BUSES, low=0, high=2),
    _each("bus_metered_mw", "MW", "Load of each bus", BUSES),
    _each("bus_metered_mvar", "Mvar", "Its reactive part", BUSES),
)

ELEMENTS = tuple(column.name for column in _ELEMENTS)
"""Columns that it knows of every element; a model may read these too, and of the others none.

Branches, stations with parks before them, stations and buses are in the order of `BRANCH_NAMES`, `UNITS`,
`PLANTS` and `BUS_NAMES` in `data_contracts.transmission` and `data_contracts.transmission_ac`.
"""

STABILITY = Table(
    name="stability",
    description="One state of the transmission grid around the substation: what its control centre knows of "
    "it, and by simulation its distance to the nose, its worst failures, its frequency nadir and its score.",
    key=("scenario_id",),
    columns=(
        SCENARIO_ID,
        time("t", "Beginning of the hour"),
        Column("status", "string", "", "Whether the state has a solution", allowed=STATUSES),
        Column("reason", "string", "", "Why it has none; empty where it has one"),
        *_KNOWN,
        *_ELEMENTS,
        _mw("load_mw", "Load"),
        _mw("generation_mw", "Output of all plants and parks"),
        _mw("loss_mw", "Losses"),
        _v("v_bus_pu", "Voltage of the substation's bus"),
        _share("loading_max_pct", "Current of the most loaded line, of its rating"),
        _share("nose_pct", "Rise of all load until the power flow has no solution; ends at 60", 100),
        _mw("bus_nose_mw", "Rise of load at the substation's bus alone until then; ends at 60 % of all load"),
        _share("nose_after_pct", "Smallest rise of all load until then after one failure", 100),
        Column("limiting_contingency", "string", "", "The failure after which it is smallest", nullable=True),
        _count("contingencies", "Failures looked at"),
        _count("unsolved", "Of them without a solution"),
        _count("violations", "Of them with a current or voltage beyond what is permitted, or unsolved"),
        _count("islanding", "Of them that cut off load"),
        _mw("cut_off_mw", "Most load that one of them cuts off"),
        Column("worst_contingency", "string", "", "The severest failure", nullable=True),
        _number(
            "severity", "", "Its severity, 1 at what is permitted; null where it has no solution", 0, 1e3
        ),
        _share("loading_after_pct", "Largest current after a failure that has a solution, of the rating"),
        _v("v_min_after_pu", "Lowest voltage after one of these"),
        Column("largest_infeed", "string", "", "Unit or half park whose loss is largest", nullable=True),
        _mw("largest_infeed_mw", "Its output"),
        _number("inertia_s", "s", "Inertia constant of units, load and neighbour on the load of both", 0, 50),
        _mw("primary_reserve_mw", "Primary reserve that really answers, with the neighbour's"),
        _number("nadir_hz", "Hz", "Lowest frequency after that loss if no load were shed", 30, 60),
        _score("score_voltage", "Score of nose_after_pct"),
        _score("score_outages", "Score of severity"),
        _score("score_frequency", "Score of nadir_hz"),
        _score("score", "The least of the three"),
        Column("stability_class", "string", "", "Its class", nullable=True, allowed=CLASSES),
        Column("limited_by", "string", "", "Which of the three it is", nullable=True, allowed=MARGINS),
        *(
            _number(
                f"residual_{part}_pu",
                "pu",
                f"{word} power-balance residual of the power flow, on 100 MVA",
                -RESIDUAL_GATE_PU,
                RESIDUAL_GATE_PU,
            )
            for part, word in (("p", "Active"), ("q", "Reactive"))
        ),
    ),
    rules=(
        SCENARIO_ID_FORM,
        unique_key("scenario_id"),
        on_grid(STEP_MS, "hour"),
        solved_or_null((*KNOWN, *ELEMENTS, *SOLVED)),
        REASON_AGREES,
        BALANCE,
        UNSOLVED_LIMITS,
        SCORE_IS_LEAST,
        LIMITED_BY,
        CLASS_AGREES,
    ),
)
