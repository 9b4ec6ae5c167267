"""`dispatch`: one power station or park of the transmission grid in one hour, dispatched in three ways."""

from __future__ import annotations

from data_contracts.columns import time
from data_contracts.contract import Column, Table
from data_contracts.rules.dispatch import (
    AC_COLUMNS,
    BALANCE,
    CHEAPEST_FIRST,
    CONGESTED,
    COSTS,
    HOUR_AGREES,
    RENEWABLE_IS_FREE,
    STATUS_AGREES,
    SYSTEM_LOAD,
    WITHIN_OFFER,
)
from data_contracts.rules.order import on_grid, time_increasing, unique_key
from data_contracts.tables.boundary import STEP_MS

STATUSES = ("ok", "load_shed", "not_converged")
BUSES = 39
MOST_MW = 1e5


def _mw(name: str, description: str, *, nullable: bool = False) -> Column:
    return Column(name, "float64", "MW", description, nullable=nullable, minimum=0, maximum=MOST_MW)


def _cost(name: str, description: str, *, nullable: bool = False) -> Column:
    return Column(name, "float64", "1/h", description, nullable=nullable, minimum=0, maximum=1e12)


DISPATCH = Table(
    name="dispatch",
    description="One power station or park of the transmission grid in one hour: what it offers, and its "
    "output by AC optimal power flow, by merit order and by lossless dispatch. The same rows in every "
    "substation's dataset.",
    key=("t", "unit"),
    columns=(
        time("t", "Beginning of the hour"),
        Column("unit", "string", "", "Station or park: bus of the 39-bus case and fuel"),
        Column("bus", "int32", "", "Its bus, from 1 as in the case", minimum=1, maximum=BUSES),
        Column("renewable", "bool", "", "Whether it is a wind or solar park, which may be curtailed"),
        _mw("minimum_mw", "Least output"),
        _mw("available_mw", "Largest output: units that are not out, or what wind and sun give"),
        Column("cost_per_mwh", "float64", "1/MWh", "b of the cost b·P + c·P²", minimum=0, maximum=1e6),
        Column("quadratic_per_mw2h", "float64", "1/(MW²h)", "c of the cost", minimum=0, maximum=1e4),
        _mw("merit_order_mw", "Output by merit order, without a network"),
        _mw("lossless_mw", "Output by the lossless dispatch within the lines' limits"),
        _mw("ac_opf_mw", "Output by the AC optimum; null where status is not ok", nullable=True),
        Column(
            "status",
            "string",
            "",
            "Hour: ok, load_shed where not all load can be served, not_converged without an AC optimum",
            allowed=STATUSES,
        ),
        _mw("system_load_mw", "Hour: load of the whole grid"),
        _mw("loss_estimate_mw", "Hour: losses that merit order and lossless dispatch reckon with"),
        _mw("shed_mw", "Hour: load that the lossless dispatch cannot serve"),
        _cost("merit_cost", "Hour: cost of the merit order"),
        _cost("lossless_cost", "Hour: cost of the lossless dispatch"),
        Column("congested", "bool", "", "Hour: a line is at its limit in the lossless dispatch"),
        Column("limiting_branch", "string", "", "Hour: the line whose limit costs most there", nullable=True),
        _cost(AC_COLUMNS[1], "Hour: cost of the AC optimum", nullable=True),
        _mw(AC_COLUMNS[2], "Hour: losses of the AC optimum", nullable=True),
        Column(
            AC_COLUMNS[3],
            "float64",
            "%",
            "Hour: current of the most loaded line of the AC optimum, of its limit",
            nullable=True,
            minimum=0,
            maximum=100.001,
        ),
        Column(
            AC_COLUMNS[4],
            "float64",
            "pu",
            "Hour: lowest voltage of the AC optimum",
            nullable=True,
            minimum=0.949999,
            maximum=1.050001,
        ),
        Column(
            AC_COLUMNS[5],
            "float64",
            "pu",
            "Hour: highest voltage of the AC optimum",
            nullable=True,
            minimum=0.949999,
            maximum=1.050001,
        ),
        Column(
            "ac_limiting_branch",
            "string",
            "",
            "Hour: the most loaded line of the AC optimum, where it is at its limit",
            nullable=True,
        ),
        Column(
            "bus_load_mw",
            "float64[]",
            "MW",
            "Hour: load of each bus of the case",
            minimum=-MOST_MW,
            maximum=MOST_MW,
            length=BUSES,
        ),
        Column(
            "bus_load_mvar",
            "float64[]",
            "Mvar",
            "Hour: reactive load of each bus",
            minimum=-MOST_MW,
            maximum=MOST_MW,
            length=BUSES,
        ),
    ),
    rules=(
        unique_key("t", "unit"),
        time_increasing("unit"),
        on_grid(STEP_MS, "15 minutes"),
        WITHIN_OFFER,
        RENEWABLE_IS_FREE,
        STATUS_AGREES,
        CONGESTED,
        HOUR_AGREES,
        SYSTEM_LOAD,
        BALANCE,
        COSTS,
        CHEAPEST_FIRST,
    ),
)
