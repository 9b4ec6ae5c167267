"""A campaign's states in order of time, and the settings of some of them."""

from __future__ import annotations

import numpy as np

from simulation.clock import DAY_S, QUARTER_S
from simulation.engine import Engine
from simulation.scenario.world import World
from simulation.states.settings import Settings, Watched, solve_settings
from simulation.states.state import State
from simulation.states.station import KIND, Station
from switchyard.identity import ScenarioId
from switchyard.profiles import Profile

_PER_DAY = DAY_S // QUARTER_S


def chosen_quarters(world: World, profile: Profile) -> frozenset[int]:
    """Quarters whose settings are solved: one of the states of each of so many days, spread evenly."""
    plan = profile.simulation.states
    steps = range(0, world.loads.t.size, plan.stride)
    days: dict[int, list[int]] = {}
    for quarter in steps:
        days.setdefault(quarter // _PER_DAY, []).append(quarter)
    known = sorted(days)
    picked = np.unique(np.linspace(0, len(known) - 1, min(plan.controls, len(known))).round().astype(int))
    found = set()
    for k in picked:
        scenario = ScenarioId(world.substation.name, profile.name, profile.seed, KIND, known[k])
        mine = days[known[k]]
        found.add(mine[int(scenario.generator("control").integers(len(mine)))])
    return frozenset(found)


def play(
    world: World, engine: Engine, profile: Profile
) -> tuple[Station, tuple[State, ...], tuple[Settings, ...]]:
    """Solve a campaign's states and settings.

    Args:
        world: The substation in its campaign.
        engine: Its engine; it is compiled first.
        profile: Sizes and seed; `simulation.states.stride` is not 0.

    Returns:
        The station, the states, and the settings of those that were chosen and solved.

    Raises:
        InfeasibleError: Not even at its design load do the station's regulators come to rest.
    """
    plan = profile.simulation.states
    station = Station(world, engine, profile.name, profile.seed)
    watched, chosen = Watched.of(station), chosen_quarters(world, profile)
    states, settings = [], []
    for state in station.states(plan.stride):
        states.append(state)
        if state.quarter in chosen and state.solution is not None:
            settings.append(solve_settings(station, watched, state, state.solution, plan.tap_window))
    return station, tuple(states), tuple(settings)
