"""Minutes of the thermal episodes at which readings are taken: as many of each level of risk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from data_contracts.tables.thermal import EVENTS
from simulation.demand.feeders import FeederLoads
from simulation.noise import Floats
from simulation.thermal.fleet import Fleet
from simulation.thermal.living import Lived, largest_ahead, live_through
from simulation.thermal.plan import plan_thermal
from simulation.thermal.sections import Complex, Section, flows, sections
from substations.description import Substation
from switchyard.identity import generator
from switchyard.profiles import Profile

LEVELS_C = (98.0, 120.0, 140.0)
"""Largest hot spots of the next hour that part the levels of risk, °C."""

HISTORY_MIN = 240
"""Minutes of the same episode that come before an instant: a forecast looks back at the load."""

_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Instant:
    """A transformer in one minute of a thermal episode.

    Attributes:
        thermal: Name of the thermal episode.
        asset: Position of the transformer.
        t: Beginning of the minute, Unix seconds.
        event: What happens to it.
        level: Its level of risk, 0 to 3.
        load_mva: Load of every transformer in the minute, MVA, shape [u].
        feeders_va: Power of the feeders that gives these loads, VA, shape [f].
        growth: Factor by which each feeder has grown in the episode, shape [f].
        out: Position of the transformer that is out of service, None for none.
    """

    thermal: str
    asset: int
    t: int
    event: str
    level: int
    load_mva: Floats
    feeders_va: Complex
    growth: Floats
    out: int | None


@dataclass(frozen=True)
class Instants:
    """The instants of a campaign; they are found when they are first asked for.

    Attributes:
        substation: Description.
        profile: Sizes and seed.
        loads: The feeders' loads over the campaign.
        count: How many there are to be.
    """

    substation: Substation
    profile: Profile
    loads: FeederLoads
    count: int

    @cached_property
    def chosen(self) -> tuple[Instant, ...]:
        """The levels in turn, from the lowest up; empty where there are no episodes.

        Within a level no minute of a transformer comes twice before all have come. A level that no minute
        reaches is left out.
        """
        fleet, episodes = Fleet.of(self.substation), plan_thermal(self.substation, self.profile)
        names = (self.substation.name, self.profile.name, str(self.profile.seed))
        # Where each candidate is: level, episode, minute, transformer.
        lives, places = [], [np.empty((0, 4), dtype=np.int64)]
        if fleet.names:
            for number, lived in enumerate(live_through(self.substation, self.loads, episodes, fleet)):
                lives.append(lived)
                places.append(_candidates(number, lived))
        rows = np.concatenate(places)
        rows = rows[generator(*names, "overload", "instants").permutation(len(rows))]
        levels = [own for k in range(len(LEVELS_C) + 1) if len(own := rows[rows[:, 0] == k])]
        if not levels:
            return ()
        turns = [levels[k % len(levels)] for k in range(self.count)]
        return tuple(
            self._instant(fleet, lives, own[k // len(levels) % len(own)]) for k, own in enumerate(turns)
        )

    def _instant(self, fleet: Fleet, lives: list[Lived], place: NDArray[np.int64]) -> Instant:
        level, number, minute, asset = (int(value) for value in place)
        lived = lives[number]
        episode, played = lived.episode, lived.played
        out = episode.out if episode.outages[minute] else None
        load_mva = played.load_pu[minute] * fleet.rated_mva
        quarters = 15.0 * np.arange(lived.loading.feeders_va.shape[0])
        feeders = np.array([np.interp(minute, quarters, own) for own in lived.loading.feeders_va.T])
        return Instant(
            thermal=str(episode.scenario),
            asset=asset,
            t=episode.t + 60 * minute,
            event=EVENTS[lived.loading.event[minute, asset]],
            level=level,
            load_mva=load_mva,
            feeders_va=matched(sections(self.substation, out), feeders, load_mva),
            growth=lived.loading.growth,
            out=out,
        )


def matched(found: tuple[Section, ...], feeders_va: Complex, load_mva: Floats) -> Complex:
    """Feeders scaled, section by section from the lowest up, until the transformers carry what they are to.

    With b from below and from banks, and s from the section's own feeders, g ≥ 0 solves |g·s + b| = S; this
    is repeated for the banks, which switch as the feeders change.

    Args:
        found: Sections in their present switching.
        feeders_va: Power of the feeders, VA, shape [f].
        load_mva: Load of each transformer, MVA, shape [u].
    """
    scaled = feeders_va.copy()
    for place, section in enumerate(found):
        feeders = list(section.feeders)
        wanted = 1e6 * float(load_mva[section.transformers[0]]) / section.shares[0]
        for _ in range(_ROUNDS):
            own = complex(scaled[feeders].sum())
            rest = complex(flows(found, scaled[None])[place][0]) - own
            along, size = (own * rest.conjugate()).real, abs(own) ** 2
            inside = along**2 - size * (abs(rest) ** 2 - wanted**2)
            if size > 0.0 and inside >= 0.0:
                scaled[feeders] *= max((inside**0.5 - along) / size, 0.0)
    return scaled


def _candidates(number: int, lived: Lived) -> NDArray[np.int64]:
    """Level, episode, minute and transformer of every row with a target and a history, shape [n, 4]."""
    ahead = largest_ahead(lived.played.hot_spot_c)
    usable = np.isfinite(ahead) & (lived.loading.event != EVENTS.index("out_of_service"))
    usable[:HISTORY_MIN] = False
    minute, asset = np.nonzero(usable)
    level = np.digitize(ahead[minute, asset], LEVELS_C)
    return np.stack([level, np.full(minute.size, number), minute, asset], axis=1).astype(np.int64)
