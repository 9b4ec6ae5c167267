"""Kind `operator`: four situations that operators are trained on, in turn, with the regulators' answers."""

from __future__ import annotations

from collections.abc import Callable

from simulation.engine import Engine
from simulation.scenario.episode import Episode
from simulation.scenario.stage import Stage
from simulation.scenario.training.breaker_failure import simulate_breaker_failure
from simulation.scenario.training.overvoltage import simulate_overvoltage
from simulation.scenario.training.transformer_overload import simulate_transformer_overload
from simulation.scenario.training.underfrequency import simulate_underfrequency
from simulation.scenario.world import World
from switchyard.identity import ScenarioId

LEAST_S = 150
"""The longest situation lasts two minutes; before and after it the station is seen as usual."""

_SITUATIONS: tuple[Callable[[Stage], Episode], ...] = (
    simulate_overvoltage,
    simulate_transformer_overload,
    simulate_underfrequency,
    simulate_breaker_failure,
)


def simulate(world: World, engine: Engine, scenario: ScenarioId, seconds: int) -> Episode:
    """Live through the situation whose turn it is, at a drawn hour and load."""
    stage = Stage.set(world, engine, scenario, seconds)
    return _SITUATIONS[scenario.index % len(_SITUATIONS)](stage)
