"""Columns that several tables have, and helpers that write one column a phase."""

from __future__ import annotations

from data_contracts.contract import Column, DType
from data_contracts.ranges import EARLIEST_MS, LATEST_MS

PHASES = ("a", "b", "c")
PHASE_PAIRS = ("ab", "bc", "ca")

SCENARIO_ID = Column(
    "scenario_id", "string", "", "Scenario: substation.campaign.seed.kind.index (index of six digits)"
)
POINT = Column("point", "string", "", "Measurement point of the substation's description")
SUBSTATION = Column("substation", "string", "", "Name of the substation")


def time(name: str, description: str) -> Column:
    """A timestamp column in UTC, ms, from 2000 to 2100."""
    return Column(name, "timestamp", "UTC", description, minimum=EARLIEST_MS, maximum=LATEST_MS)


def per_phase(
    pattern: str,
    unit: str,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    nullable: bool = True,
    names: tuple[str, ...] = PHASES,
    dtype: DType = "float64",
    length: int | None = None,
) -> tuple[Column, ...]:
    """One column a phase (or a pair of phases); `{}` in `pattern` and `description` is the phase."""
    return tuple(
        Column(
            pattern.format(phase),
            dtype,
            unit,
            description.format(phase),
            nullable=nullable,
            minimum=minimum,
            maximum=maximum,
            length=length,
        )
        for phase in names
    )
