"""Contracts of tables that were measured, not simulated: the same columns without the truth behind them.

A column that a source does not have is null in every row. A simulated table's rules about truth, grid and
episode do not hold for records of a meter; what single rows must keep is here, and what only many rows
together tell (a wrong unit, a swapped phase) is judged by whoever ingests them.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np

from data_contracts.block import Block
from data_contracts.contract import Column, Mask, Rule, Table
from data_contracts.facts import PointFacts
from data_contracts.plausible import FREQUENCY_SHARE
from data_contracts.ranges import P_MAX_W
from data_contracts.rules.electrical import POWER_BOUND, VOLTAGE_EXTREMES
from data_contracts.rules.identity import KNOWN_POINT
from data_contracts.rules.stability import SOLVED
from data_contracts.rules.units import FREQUENCY_RANGE as CHANNEL_FREQUENCY
from data_contracts.rules.units import POWER_RANGE, VOLTAGE_RANGE
from data_contracts.rules.waveforms import WAVEFORM_PEAK
from data_contracts.tables.assets import ASSETS
from data_contracts.tables.frequency import FREQUENCY
from data_contracts.tables.load import LOAD
from data_contracts.tables.readings import READINGS
from data_contracts.tables.stability import ELEMENTS, STABILITY
from data_contracts.tables.waveforms import WAVEFORMS

INGESTED = "ingested"
"""Origin of a dataset of measured tables; also its profile and the campaign in its scenario identifiers."""

ASSESSED = (
    *("nose_after_pct", "limiting_contingency", "severity", "worst_contingency"),
    *("nadir_hz", "largest_infeed", "score_voltage", "score_outages", "score_frequency"),
)
"""Columns of `stability` in which an assessment tells its margins and what limits each."""

RATING_MULTIPLE = 3.0
"""A feeder's load beyond so many times its rated power is wrong, not unusual."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One file that a table was read from: its name, digest, bytes and rows."""

    file: str
    sha256: str
    bytes: int
    rows: int


class ObservedTable(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one measured table.

    Attributes:
        step_s: Time between rows, s; 0 where rows have no steady step.
        first: Time of the first row, ISO 8601 in UTC.
        last: Time of the last one.
        columns: Columns that the source fills; the others are null in every row.
        sources: Files it was read from.
        quarantined: Rows that broke a rule and are not in the table.
        gaps: Stretches in which rows are missing.
        missing_steps: Rows that are missing in them.
        mapping_sha256: Digest of the mapping that was used, kept in `mappings/<table>.yaml`.
    """

    step_s: float
    first: str
    last: str
    columns: tuple[str, ...]
    sources: tuple[Source, ...]
    quarantined: int
    gaps: int
    missing_steps: int
    mapping_sha256: str


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What a dataset of measured tables says about itself in place of a substation's description.

    Attributes:
        frequency_hz: Nominal frequency, Hz.
        time_zone: IANA name of the zone whose calendar holds.
        points: Measurement points; a rating that is not known is 0.
        tables: What is known of each table.
    """

    frequency_hz: float
    time_zone: str
    points: dict[str, PointFacts]
    tables: dict[str, ObservedTable]


def _beyond_rating(block: Block) -> Mask:
    rated = block.point_fact(lambda point: point.rated_mva * 1e6)
    mask: Mask = np.abs(block.floats("p_w")) > RATING_MULTIPLE * rated
    return mask


LOAD_RANGE = Rule(
    "load_range",
    f"a feeder's power does not exceed {RATING_MULTIPLE:g} times its point's rated power",
    "check the unit and the point's rated_mva in the mapping; look for a spike at the source",
    ("p_w", "point"),
    _beyond_rating,
)


def _beyond_nominal(block: Block) -> Mask:
    nominal = block.facts.frequency_hz
    mask: Mask = np.abs(block.floats("f_hz") - nominal) > FREQUENCY_SHARE * nominal
    return mask


FREQUENCY_RANGE = Rule(
    "frequency_range",
    f"a frequency lies within {FREQUENCY_SHARE:.0%} of the grid's nominal; 0 is a dropout",
    "check the unit and frequency_hz in the mapping; leave the row out where the meter lost its signal",
    ("f_hz",),
    _beyond_nominal,
)


def _measured(
    table: Table,
    rules: tuple[Rule, ...],
    *,
    without: tuple[str, ...] = (),
    always: tuple[str, ...] = (),
    further: tuple[Column, ...] = (),
    description: str = "",
) -> Table:
    """A simulated table's contract as it holds for measured rows."""
    kept = [
        replace(column, nullable=column.name not in (*table.key, *always))
        for column in table.columns
        if column.name not in without
    ]
    return replace(
        table,
        description=description or table.description,
        columns=(*kept, *further),
        rules=rules,
        beside="",
    )


def _total(name: str, unit: str, description: str) -> Column:
    return Column(
        name, "float64", unit, description, nullable=True, minimum=-3 * P_MAX_W, maximum=3 * P_MAX_W
    )


OBSERVED: dict[str, Table] = {
    table.name: table
    for table in (
        _measured(
            LOAD,
            (KNOWN_POINT, LOAD_RANGE),
            without=("p_noise_free_w", "lightning_per_h"),
            always=("substation", "p_w", "hour_local", "day_of_week"),
            description="One feeder, the mean of the step that begins at t, with weather and calendar.",
        ),
        _measured(
            READINGS,
            (
                *(KNOWN_POINT, VOLTAGE_RANGE, POWER_RANGE, CHANNEL_FREQUENCY),
                *(POWER_BOUND, VOLTAGE_EXTREMES),
            ),
            always=("quality",),
            further=(
                _total("p_total_w", "W", "Active power of all three phases"),
                _total("q_total_var", "var", "Reactive power of all three phases"),
            ),
            description="One measurement point, one step, as its meter said it; primary side.",
        ),
        _measured(
            FREQUENCY,
            (FREQUENCY_RANGE,),
            without=(
                *("f_true_hz", "rocof_true_hz_s", "inertia_s", "imbalance_pu", "governor_pu"),
                *("agc_pu", "shed_pu", "event", "since_onset_s"),
            ),
            always=("f_hz", "quality"),
            description="One step of a grid's frequency as a meter said it.",
        ),
        _measured(
            WAVEFORMS,
            (KNOWN_POINT, WAVEFORM_PEAK),
            always=("rate_hz", "quality"),
            description="One record of voltages and currents at one rate, of any length; primary side.",
        ),
        _measured(
            ASSETS,
            (),
            without=("defect_severity", "hazard_per_d", "risk_30d"),
            always=("substation",),
            description="One piece of equipment at one time, as its records say.",
        ),
        _measured(
            replace(STABILITY, key=("t",)),
            (),
            # Elements are those of the simulator's grid; score and class follow from the margins.
            without=(
                *("scenario_id", "status", "reason", *ELEMENTS),
                *(name for name in SOLVED if name not in ASSESSED),
            ),
            description="One state of a grid: what its control centre knows, and its assessed margins.",
        ),
    )
}
"""Contracts of measured tables by name."""
