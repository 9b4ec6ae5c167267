"""Kind `swell`: the grid loses load, or an earth fault lifts the phases that it does not touch."""

from __future__ import annotations

from simulation.engine import Engine
from simulation.scenario.earth_fault_rise import simulate_earth_fault_rise
from simulation.scenario.episode import Episode
from simulation.scenario.load_rejection import simulate_load_rejection
from simulation.scenario.stage import Stage
from simulation.scenario.world import World
from switchyard.identity import ScenarioId

# One episode in so many is an earth fault, where that can be.
_EARTH_FAULTS = 6


def simulate(world: World, engine: Engine, scenario: ScenarioId, seconds: int) -> Episode:
    """Live through a swell of drawn severity by load rejection, and now and then one by an earth fault.

    Solidly earthed neutrals hold the healthy phases: only where neutrals are earthed through impedance do
    earth faults lift them.
    """
    stage = Stage.set(world, engine, scenario, seconds)
    if world.substation.earthing and scenario.index % _EARTH_FAULTS == _EARTH_FAULTS - 1:
        return simulate_earth_fault_rise(stage)
    return simulate_load_rejection(stage)
