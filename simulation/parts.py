"""How a campaign is divided: parts are fixed ranges of scenarios, whoever solves them."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulation.errors import SimulationError
from switchyard.identity import ScenarioId
from switchyard.profiles import Profile

KINDS = ("normal", "fault", "sag", "swell", "unbalance", "harmonic", "frequency", "instrument")

_READINGS = ("readings", "readings_truth")
TABLES = {
    **dict.fromkeys(KINDS, _READINGS),
    "harmonic": (*_READINGS, "waveforms", "waveforms_truth"),
    "frequency": ("frequency",),
}
"""Tables with the rows of a kind's solved episodes; `scenarios` has a row of every episode and comes last."""


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """A range of scenarios of one kind at one substation, solved by one engine from a fresh compile.

    Attributes:
        substation: Its name.
        campaign: Name of the profile.
        seed: The campaign's seed.
        kind: Scenario kind.
        number: Number of the part within its kind.
        first: Index of its first scenario.
        stop: Index behind its last.
        seconds: Length of each episode.
    """

    substation: str
    campaign: str
    seed: int
    kind: str
    number: int
    first: int
    stop: int
    seconds: int

    @property
    def file(self) -> str:
        """File name of the part in every table."""
        return f"{self.kind}-{self.number:05d}.parquet"

    @property
    def scenarios(self) -> tuple[ScenarioId, ...]:
        """Its scenarios in order."""
        return tuple(
            ScenarioId(self.substation, self.campaign, self.seed, self.kind, index)
            for index in range(self.first, self.stop)
        )


@dataclass(frozen=True, slots=True)
class PartResult:
    """What came of a part: rows in each table and episodes in each status."""

    part: Part
    rows: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)


def plan_parts(profile: Profile, substation: str) -> tuple[Part, ...]:
    """All parts of a substation's campaign, in the order in which they are begun.

    Raises:
        SimulationError: The profile asks for a kind that there is not.
    """
    plan = profile.simulation
    strangers = sorted(set(plan.episodes) - set(KINDS))
    if strangers:
        raise SimulationError(
            f"profile {profile.name}: scenario kind {strangers[0]} is not known", f"use {', '.join(KINDS)}"
        )
    parts = []
    for kind in KINDS:
        wanted = plan.episodes.get(kind)
        if wanted is None:
            continue
        for number, first in enumerate(range(0, wanted.count, plan.part_scenarios)):
            stop = min(first + plan.part_scenarios, wanted.count)
            parts.append(
                Part(substation, profile.name, profile.seed, kind, number, first, stop, wanted.seconds)
            )
    return tuple(parts)
