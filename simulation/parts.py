"""How a campaign is divided: parts are fixed ranges of scenarios, whoever solves them."""

from __future__ import annotations

from dataclasses import dataclass, field

from data_contracts.rules.assets import HORIZON_D
from simulation.errors import SimulationError
from switchyard.identity import ScenarioId
from switchyard.profiles import Profile

KINDS = (
    "normal",
    "fault",
    "sag",
    "swell",
    "unbalance",
    "harmonic",
    "frequency",
    "contingency",
    "ageing",
    "instrument",
    "overload",
    "operator",
    "quality",
)

_READINGS = ("readings", "readings_truth")
TABLES = {
    **dict.fromkeys(KINDS, _READINGS),
    "harmonic": (*_READINGS, "waveforms", "waveforms_truth"),
    "frequency": ("frequency",),
    "contingency": ("stability",),
    "quality": (*_READINGS, "power_quality"),
}
"""Tables with the rows of a kind's solved episodes; `scenarios` has a row of every episode and comes last."""

LENGTHS_S = {"quality": (10, 120), "overload": (10, 60), "operator": (150, 3600)}
"""Least and greatest length of an episode, s, of each kind that cannot be of any length."""


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
        SimulationError: The profile asks for a kind that there is not, for lengths that do not fit one, for
            minutes of thermal episodes without these, or for days of equipment that it does not observe.
    """
    plan = profile.simulation
    strangers = sorted(set(plan.episodes) - set(KINDS))
    if strangers:
        raise SimulationError(
            f"profile {profile.name}: scenario kind {strangers[0]} is not known", f"use {', '.join(KINDS)}"
        )
    if "ageing" in plan.episodes and (plan.asset_years < 1 or plan.load_days <= HORIZON_D):
        raise SimulationError(
            f"profile {profile.name}: episodes of kind ageing need equipment that is observed for more than "
            f"{HORIZON_D:g} days; asset_years is {plan.asset_years}, load_days {plan.load_days}",
            f"set asset_years to 1 or more and load_days above {HORIZON_D:g}, or leave the kind out",
        )
    for kind, (least, most) in LENGTHS_S.items():
        if kind in plan.episodes and not least <= plan.episodes[kind].seconds <= most:
            raise SimulationError(
                f"profile {profile.name}: episodes of kind {kind} last {plan.episodes[kind].seconds} s",
                f"set simulation.episodes.{kind}.seconds from {least} to {most}",
            )
    if "overload" in plan.episodes and not plan.thermal.episodes:
        raise SimulationError(
            f"profile {profile.name}: episodes of kind overload are minutes of thermal episodes, "
            "of which there are none",
            "set simulation.thermal.episodes to 1 or more, or leave the kind out",
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
