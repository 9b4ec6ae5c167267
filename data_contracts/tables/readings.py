"""`readings`: what the instruments said, one measurement point and one second a row."""

from __future__ import annotations

from data_contracts.channels import COLUMNS, KEY
from data_contracts.contract import Table
from data_contracts.rules.electrical import (
    APPARENT_POWER,
    LINE_VOLTAGE,
    MISSING_IS_INVALID,
    POWER_BOUND,
    VOLTAGE_EXTREMES,
)
from data_contracts.rules.identity import KNOWN_POINT, SCENARIO_ID_FORM
from data_contracts.rules.order import time_increasing, unique_key
from data_contracts.rules.units import FREQUENCY_RANGE, POWER_RANGE, POWER_UNIT, VOLTAGE_RANGE, VOLTAGE_UNIT

READINGS = Table(
    name="readings",
    description=(
        "One measurement point, one second, as the instruments said it: primary side, P and Q positive out "
        "of the busbar. A missing sample is a row with null values and quality invalid."
    ),
    key=KEY,
    columns=COLUMNS,
    rules=(
        SCENARIO_ID_FORM,
        KNOWN_POINT,
        unique_key(*KEY),
        time_increasing("scenario_id", "point"),
        MISSING_IS_INVALID,
        VOLTAGE_UNIT,
        POWER_UNIT,
        VOLTAGE_RANGE,
        POWER_RANGE,
        FREQUENCY_RANGE,
        APPARENT_POWER,
        POWER_BOUND,
        LINE_VOLTAGE,
        VOLTAGE_EXTREMES,
    ),
)
