"""`boundary`: the transmission grid as the substation sees it, one hour a row."""

from __future__ import annotations

from data_contracts.columns import SUBSTATION, time
from data_contracts.contract import Column, Table
from data_contracts.rules.boundary import PART_OF_SYSTEM
from data_contracts.rules.identity import THIS_SUBSTATION
from data_contracts.rules.order import on_grid, time_increasing, unique_key

STEP_MS = 900_000
"""Hours begin with the local hour: whole quarters of an hour from UTC everywhere."""

BOUNDARY = Table(
    name="boundary",
    description="One hour of the transmission grid at the substation's bus, solved by pandapower.",
    key=("substation", "t"),
    columns=(
        SUBSTATION,
        time("t", "Beginning of the hour"),
        Column("v_pu", "float64", "pu", "Voltage of the bus", minimum=0.7, maximum=1.3),
        Column("angle_deg", "float64", "°", "Its angle", minimum=-180, maximum=180),
        Column(
            "short_circuit_mva", "float64", "MVA", "Three-phase short-circuit power", minimum=10, maximum=2e5
        ),
        Column("r_over_x", "float64", "", "R/X of the source impedance", minimum=0, maximum=5),
        Column("load_mw", "float64", "MW", "The substation's load", minimum=-1e4, maximum=1e4),
        Column("price_per_mwh", "float64", "1/MWh", "Marginal price at the bus", minimum=-1e6, maximum=1e6),
        Column("system_load_mw", "float64", "MW", "Load of the whole grid", minimum=1, maximum=1e6),
        Column("dispatch_cost", "float64", "1/h", "Cost of the hour's dispatch", minimum=-1e12, maximum=1e12),
        Column("congested", "bool", "", "A branch of the grid is at its limit"),
    ),
    rules=(
        THIS_SUBSTATION,
        unique_key("substation", "t"),
        time_increasing("substation"),
        on_grid(STEP_MS, "15 minutes"),
        PART_OF_SYSTEM,
    ),
)
