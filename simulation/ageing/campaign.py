"""The equipment of a station over the campaign and the years before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from simulation.ageing.hazard import YEAR_D
from simulation.ageing.kinds import Fleet, fleet_of
from simulation.ageing.lives import Lives, live
from simulation.ageing.stress import Stress, station_stress
from simulation.demand import simulate_load
from substations.description import Substation
from switchyard.identity import generator
from switchyard.log import get_logger
from switchyard.profiles import Profile

_log = get_logger("simulation")


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


def observe_assets(substation: Substation, profile: Profile, source_mva: float) -> Observation:
    """Simulate a station's equipment over the profile's `asset_years` up to the end of the campaign.

    Days before the campaign have a load, weather and faults of their own, drawn as `<name>-history`; on days
    of the campaign they are the campaign's. A campaign that is longer is observed whole.

    Args:
        substation: Its description.
        profile: Sizes and seed.
        source_mva: Short-circuit power of the grid at the station.
    """
    plan, name, seed = profile.simulation, profile.name, profile.seed
    before = max(round(plan.asset_years * YEAR_D) - plan.load_days, 0)
    first = plan.start - timedelta(days=before)
    stretches = [(first, before, f"{name}-history"), (plan.start, plan.load_days, name)]
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
        plan.load_days + before,
        lives.failures,
    )
    return Observation(first, fleet, stress, lives)
