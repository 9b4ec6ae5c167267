"""Which quarters of a campaign are solved, and in which parts: fixed ranges of days, whoever solves them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.clock import DAY_S, QUARTER_S
from switchyard.identity import ScenarioId
from switchyard.profiles import Profile

KIND = "state"
"""Kind in the scenario identifiers; the index counts the campaign's days."""

PER_DAY = DAY_S // QUARTER_S
PART_DAYS = 61
"""Days of a part: some seconds' work where every quarter is solved."""


@dataclass(frozen=True, slots=True)
class StatePart:
    """A range of days whose states are solved one after the other, from a fresh compile.

    Attributes:
        number: Number of the part.
        quarters: Rows of the world's load that are solved.
        controls: Those of them whose settings are solved too.
    """

    number: int
    quarters: tuple[int, ...]
    controls: frozenset[int]

    def file(self, table: str) -> str:
        """File name of the part in a table."""
        return f"{table}-{self.number:05d}.parquet"


def solved_quarters(profile: Profile) -> tuple[int, ...]:
    """Every `stride`-th quarter, and each of the last `full_days`."""
    plan = profile.simulation.states
    if not plan.stride:
        return ()
    last = profile.simulation.load_days * PER_DAY
    border = max(0, last - plan.full_days * PER_DAY)
    return (*range(0, border, plan.stride), *range(border, last))


def chosen_quarters(profile: Profile, substation: str) -> frozenset[int]:
    """Quarters whose settings are solved: one of the states of each of so many days, spread evenly."""
    days: dict[int, list[int]] = {}
    for quarter in solved_quarters(profile):
        days.setdefault(quarter // PER_DAY, []).append(quarter)
    known, controls = sorted(days), profile.simulation.states.controls
    picked = np.unique(np.linspace(0, len(known) - 1, min(controls, len(known))).round().astype(int))
    found = set()
    for k in picked:
        scenario = ScenarioId(substation, profile.name, profile.seed, KIND, known[k])
        mine = days[known[k]]
        found.add(mine[int(scenario.generator("control").integers(len(mine)))])
    return frozenset(found)


def plan_states(profile: Profile, substation: str) -> tuple[StatePart, ...]:
    """The parts of a substation's states; none for a profile without states."""
    chosen = chosen_quarters(profile, substation)
    parts: dict[int, list[int]] = {}
    for quarter in solved_quarters(profile):
        parts.setdefault(quarter // (PER_DAY * PART_DAYS), []).append(quarter)
    return tuple(
        StatePart(number, tuple(quarters), chosen.intersection(quarters))
        for number, quarters in sorted(parts.items())
    )
