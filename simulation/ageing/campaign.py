"""The equipment of a station over the campaign and the years before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from simulation.ageing.hazard import YEAR_D
from simulation.ageing.kinds import Fleet, fleet_of
from simulation.ageing.lives import Lives, live
from simulation.ageing.stress import Stress, station_stress
from simulation.demand import simulate_load
from simulation.grid import BoundaryHour
from substations.description import Substation
from switchyard.identity import generator
from switchyard.log import get_logger
from switchyard.profiles import Profile

_log = get_logger("simulation")


@dataclass(frozen=True, slots=True)
class Span:
    """Which days are observed.

    Attributes:
        start: First local day of the campaign.
        days: Its days.
        years: Years of observation up to the campaign's end.
        campaign: Name of the profile.
        seed: Its seed.
    """

    start: date
    days: int
    years: int
    campaign: str
    seed: int

    @classmethod
    def of(cls, profile: Profile) -> Span:
        """The days that a profile asks for."""
        plan = profile.simulation
        return cls(plan.start, plan.load_days, plan.asset_years, profile.name, profile.seed)


@dataclass(frozen=True, slots=True)
class Observation:
    """What became of a station's equipment.

    Attributes:
        first: First local day.
        fleet: The equipment.
        stress: What it went through.
        lives: What became of it.
    """

    first: date
    fleet: Fleet
    stress: Stress
    lives: Lives


def observe_assets(substation: Substation, span: Span, source_mva: float) -> Observation:
    """Simulate a station's equipment over the years up to the end of the campaign.

    Days before the campaign have a load, weather and faults of their own, drawn as `<name>-history`; on days
    of the campaign they are the campaign's. A campaign that is longer is observed whole.

    Args:
        substation: Its description.
        span: Which days.
        source_mva: Short-circuit power of the grid at the station.
    """
    name, seed = span.campaign, span.seed
    before = max(round(span.years * YEAR_D) - span.days, 0)
    first = span.start - timedelta(days=before)
    stretches = [(first, before, f"{name}-history"), (span.start, span.days, name)]
    parts = []
    for begin, days, campaign in stretches:
        if days:
            loads = simulate_load(substation, begin, days, campaign, seed)
            parts.append(station_stress(substation, loads, source_mva, campaign, seed))
    stress, fleet = Stress.joined(parts), fleet_of(substation, np.datetime64(first))
    lives = live(generator(substation.name, name, str(seed), "assets"), fleet, stress)
    _log.info(
        "%s: %d pieces of equipment, %d days, %d failures",
        substation.name,
        len(fleet.names),
        span.days + before,
        lives.failures,
    )
    return Observation(first, fleet, stress, lives)


def mean_source_mva(hours: Sequence[BoundaryHour]) -> float:
    """Mean short-circuit power of the grid at a station over its system hours, MVA."""
    return sum(hour.short_circuit_mva for hour in hours) / len(hours)
