"""`frequency`: the frequency of the whole grid, one second a row, with the balance that moved it."""

from __future__ import annotations

from data_contracts.channels import QUALITY
from data_contracts.columns import SCENARIO_ID, time
from data_contracts.contract import Column, Table
from data_contracts.rules.frequency import (
    FREQUENCY_MISSING,
    FREQUENCY_RANGE,
    FREQUENCY_UNIT,
    ONSET_AGREES,
    ONSET_CLOCK,
    ROCOF_AGREES,
    STEADY,
)
from data_contracts.rules.identity import SCENARIO_ID_FORM
from data_contracts.rules.order import time_increasing, unique_key

EVENTS = ("none", "unit_trip", "load_step", "load_loss", "ramp", "inertia_change")
"""The latest thing that happened to the balance; `none` before the first."""

FREQUENCY = Table(
    name="frequency",
    description=(
        "One second of the grid's frequency: what the instruments said, and the truth behind it. A missing "
        "sample is a row with a null f_hz and quality invalid. Powers are on the system's base."
    ),
    key=("scenario_id", "t"),
    columns=(
        SCENARIO_ID,
        time("t", "Second that the row describes"),
        Column("f_hz", "float64", "Hz", "Measured frequency", nullable=True),
        QUALITY,
        Column("f_true_hz", "float64", "Hz", "True frequency"),
        Column("rocof_true_hz_s", "float64", "Hz/s", "True rate of change", minimum=-20, maximum=20),
        Column("inertia_s", "float64", "s", "Inertia constant H of the system", minimum=0.1, maximum=50),
        Column(
            "imbalance_pu",
            "float64",
            "pu",
            "Disturbance of generation minus load, before governors",
            minimum=-2,
            maximum=2,
        ),
        Column("governor_pu", "float64", "pu", "Primary response", minimum=-2, maximum=2),
        Column("agc_pu", "float64", "pu", "Secondary response", minimum=-2, maximum=2),
        Column("shed_pu", "float64", "pu", "Load shed by under-frequency relays", minimum=0, maximum=1),
        Column("event", "string", "", "The latest event; none before the first", allowed=EVENTS),
        Column(
            "since_onset_s",
            "float64",
            "s",
            "Since the latest event's onset; null before the first",
            nullable=True,
            minimum=0,
            maximum=366 * 86_400,
        ),
    ),
    rules=(
        SCENARIO_ID_FORM,
        unique_key("scenario_id", "t"),
        time_increasing("scenario_id"),
        STEADY,
        FREQUENCY_MISSING,
        FREQUENCY_UNIT,
        FREQUENCY_RANGE,
        ONSET_AGREES,
        ONSET_CLOCK,
        ROCOF_AGREES,
    ),
)
