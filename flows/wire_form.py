"""Rows of contracted tables in the form in which a gateway posts them."""

from __future__ import annotations

from typing import Any

from data_contracts.columns import PHASE_PAIRS, PHASES
from data_contracts.ranges import QUALITIES

REQUIRED = (
    ("v", "v_{}_v", PHASES),
    ("i", "i_{}_a", PHASES),
    ("p", "p_{}_w", PHASES),
    ("q", "q_{}_var", PHASES),
)
OPTIONAL = (
    ("v_ll", "v_{}_v", PHASE_PAIRS),
    ("v_min", "v_min_{}_v", PHASES),
    ("v_max", "v_max_{}_v", PHASES),
    ("thd", "thd_{}_pct", PHASES),
)
SERIES = (("v", "v_{}_v"), ("i", "i_{}_a"))


def waveform(row: dict[str, Any]) -> dict[str, Any]:
    """One row of `waveforms` in the wire's form; samples are single precision and get no more digits."""
    return {
        "rate_hz": row["rate_hz"],
        **{
            channel: [[float(f"{sample:.7g}") for sample in row[column.format(phase)]] for phase in PHASES]
            for channel, column in SERIES
        },
    }


def reading(row: dict[str, Any]) -> dict[str, Any]:
    """One row of `readings` in the wire's form; a channel that the meter does not have is left out."""
    reading: dict[str, Any] = {
        "t": row["t"].isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "f": row["f_hz"],
        "quality": QUALITIES[row["quality"]],
    }
    for channel, column, parts in REQUIRED:
        reading[channel] = [row[column.format(part)] for part in parts]
    for channel, column, parts in OPTIONAL:
        values = [row[column.format(part)] for part in parts]
        if any(value is not None for value in values):
            reading[channel] = values
    if row["pst"] is not None:
        reading["pst"] = row["pst"]
    return reading
