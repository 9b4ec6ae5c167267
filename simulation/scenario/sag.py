"""Kind `sag`: sags of drawn severity, faults far away, motors that start and capacitor banks that switch."""

from __future__ import annotations

from simulation.engine import Engine
from simulation.scenario.bank_switching import simulate_bank_switching
from simulation.scenario.episode import Episode
from simulation.scenario.motor_start import simulate_motor_start, weak_feeders
from simulation.scenario.remote_fault import simulate_remote_fault
from simulation.scenario.sized_sag import simulate_sized_sag
from simulation.scenario.stage import Stage
from simulation.scenario.world import World
from switchyard.identity import ScenarioId


def simulate(world: World, engine: Engine, scenario: ScenarioId, seconds: int) -> Episode:
    """Live through a sag: every other one of drawn severity, the rest of the other causes in turn."""
    stage = Stage.set(world, engine, scenario, seconds)
    turn, rest = divmod(scenario.index, 2)
    if rest == 0:
        return simulate_sized_sag(stage)
    causes = [simulate_remote_fault]
    if weak_feeders(world.substation):
        causes.append(simulate_motor_start)
    if world.substation.capacitors:
        causes.append(simulate_bank_switching)
    return causes[turn % len(causes)](stage)
