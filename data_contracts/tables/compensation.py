"""`compensation`: one capacitor bank's busbar in one state a row, and the compensation that it wants."""

from __future__ import annotations

from data_contracts.columns import POINT, SCENARIO_ID, time
from data_contracts.contract import Column, Table
from data_contracts.ranges import AMBIENT_C, P_MAX_W, V_MAX_PU
from data_contracts.rules.compensation import LEAST_LOSS, SOLVED_OR_NULL
from data_contracts.rules.identity import SCENARIO_ID_FORM
from data_contracts.rules.order import on_grid, unique_key
from data_contracts.tables.load import STEP_MS
from data_contracts.tables.losses import STATUSES

LIMITS = ("none", "power_factor", "voltage", "size")
"""What keeps the compensation from the least loss."""


def _power(name: str, unit: str, description: str) -> Column:
    return Column(name, "float64", unit, description, nullable=True, minimum=-P_MAX_W, maximum=P_MAX_W)


def _feeders(name: str, unit: str, description: str) -> Column:
    text = f"{description} of each feeder as its bay's instruments have it, in the description's order"
    return Column(name, "float64[]", unit, text, nullable=True, minimum=-P_MAX_W, maximum=P_MAX_W)


def _voltage(name: str, description: str) -> Column:
    return Column(name, "float64", "pu", description, nullable=True, minimum=0, maximum=V_MAX_PU)


COMPENSATION = Table(
    name="compensation",
    description=(
        "One capacitor bank's busbar in one state of `losses`: what instruments say, and the size of bank "
        "with which the station loses least, solved with all else as it is."
    ),
    key=("scenario_id", "t", "bank"),
    columns=(
        SCENARIO_ID,
        time("t", "The state's t in `losses`"),
        Column("bank", "string", "", "The bank"),
        POINT,
        Column("status", "string", "", "Whether the search has a result", allowed=STATUSES),
        Column("steps", "int64", "", "Steps of the bank in service", minimum=0, maximum=100),
        _power("p_fed_metered_w", "W", "Active power that the bay feeds in, as its instruments have it"),
        _power("q_fed_metered_var", "var", "Reactive power that it feeds in as they have it"),
        _voltage("v_metered_pu", "Mean phase voltage at the point as they have it"),
        _voltage("v_infeed_metered_pu", "The same at the first infeed's busbar"),
        _feeders("p_feeders_metered_w", "W", "Active power"),
        _feeders("q_feeders_metered_var", "var", "Reactive power"),
        Column("taps", "string", "", "Tap positions, AT1:9,DTX1:10"),
        Column("capacitor_steps", "string", "", "Capacitor steps in service, C1:1,C2:0"),
        Column("ambient_c", "float64", "°C", "Air temperature", minimum=AMBIENT_C[0], maximum=AMBIENT_C[1]),
        _power("optimal_var", "var", "Size of the bank that is wanted, at nominal voltage"),
        Column(
            "limited_by", "string", "", "What keeps it from the least loss", allowed=LIMITS, nullable=True
        ),
        Column(
            "power_factor", "float64", "", "Power factor of the bay with that size", nullable=True,
            minimum=0, maximum=1,
        ),
        _power("saved_w", "W", "Loss that it saves against the present steps"),
        _power(
            "metered_optimal_var", "var",
            "The same search among what the instruments of the feeders and of the infeed say",
        ),
        Column(
            "steps_loss_w", "float64[]", "W", "Loss of the station with each number of steps, from none",
            nullable=True, minimum=-1.0, maximum=P_MAX_W,
        ),
    ),
    rules=(
        SCENARIO_ID_FORM,
        unique_key("scenario_id", "t", "bank"),
        on_grid(STEP_MS, "15 minutes"),
        SOLVED_OR_NULL,
        LEAST_LOSS,
    ),
)  # fmt: skip
