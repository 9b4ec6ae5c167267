"""Episodes without a solution: kept with their time and the reason."""

from __future__ import annotations

from typing import Any

from simulation.engine import Engine
from simulation.errors import InfeasibleError, NotConvergedError
from simulation.scenario.conditions import draw_conditions
from simulation.scenario.episode import Episode
from simulation.scenario.world import World
from switchyard.identity import ScenarioId


def unsolved(
    world: World,
    engine: Engine,
    scenario: ScenarioId,
    seconds: int,
    error: NotConvergedError | InfeasibleError,
    *,
    day: int | None = None,
    parameters: dict[str, Any] | None = None,
) -> Episode:
    """What is left of an episode that has no solution.

    Args:
        world: The substation in its campaign.
        engine: Its engine; whatever was switched when it failed is put back.
        scenario: The episode's identifier.
        seconds: Its length.
        error: What stopped it.
        day: Day of the campaign that it was to be played on; None where it was drawn.
        parameters: What was drawn before.
    """
    engine.compile()
    conditions = draw_conditions(scenario.generator("scenario"), world, scenario, seconds, day=day)
    return Episode(
        scenario=scenario,
        t_start=conditions.t_start,
        seconds=seconds,
        cause="none",
        parameters=parameters or {},
        status="not_converged" if isinstance(error, NotConvergedError) else "infeasible",
        reason=error.message,
    )
