"""One part of a campaign's states in order of time, and the settings of some of them."""

from __future__ import annotations

from simulation.engine import Engine
from simulation.scenario.world import World
from simulation.states.plan import StatePart
from simulation.states.settings import Settings, Watched, solve_settings
from simulation.states.state import State
from simulation.states.station import Station
from switchyard.profiles import Profile


def play(
    world: World, engine: Engine, profile: Profile, part: StatePart
) -> tuple[Station, tuple[State, ...], tuple[Settings, ...]]:
    """Solve the states and settings of a part; they depend on nothing that was solved before.

    Args:
        world: The substation in its campaign.
        engine: Its engine; it is compiled first.
        profile: Sizes and seed.
        part: What is solved.

    Returns:
        The station, the states, and the settings of those that were chosen and solved.

    Raises:
        InfeasibleError: Not even at its design load do the station's regulators come to rest.
    """
    station = Station(world, engine, profile.name, profile.seed)
    watched, window = Watched.of(station), profile.simulation.states.tap_window
    states, settings = [], []
    for state in station.states(part.quarters):
        states.append(state)
        if state.quarter in part.controls and state.solution is not None:
            settings.append(solve_settings(station, watched, state, state.solution, window))
    return station, tuple(states), tuple(settings)
