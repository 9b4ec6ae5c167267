"""Kind `overload`: what meters say in a minute of the transformers' thermal episodes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from simulation.engine import Engine
from simulation.errors import InfeasibleError, NotConvergedError
from simulation.scenario.conditions import conditions_of
from simulation.scenario.episode import Episode
from simulation.scenario.parallel import without
from simulation.scenario.recording import Recording, Timeline
from simulation.scenario.stage import Stage
from simulation.scenario.transformer_load import mark_overloads, transformer_loads
from simulation.scenario.unsolved import unsolved
from simulation.scenario.world import World
from simulation.thermal.instants import Instant
from substations.description import Substation
from switchyard.identity import ScenarioId

MINUTE_S = 60
"""An episode lies within the minute of its thermal row: it cannot be longer."""


def simulate(world: World, engine: Engine, scenario: ScenarioId, seconds: int) -> Episode:
    """Live through some seconds of one minute of a thermal episode.

    The feeders draw what makes the transformers' loads those of that minute, through lines that grew with
    them: their voltage drop is that of the load before its growth. Where a parallel transformer is
    out, the regulators had come to rest before it was lost; then those that are left did so once more.
    """
    if world.instants is None or not world.instants.chosen:
        raise InfeasibleError(
            f"{world.substation.name}: no minute of a thermal episode can be played",
            "have simulation.thermal of the profile simulated, with transformers in the description",
        )
    instant = world.instants.chosen[scenario.index % len(world.instants.chosen)]
    rng = scenario.generator("scenario")
    t_start = instant.t + int(rng.integers(0, MINUTE_S - seconds + 1))
    level = np.repeat(instant.feeders_va[None], seconds, axis=0)
    conditions = conditions_of(rng, world, t_start, level)
    try:
        with _reinforced(engine, instant):
            stage = Stage.settled(world, engine, scenario, rng, conditions)
            if instant.out is None:
                return _play(stage, instant)
            with without(stage, world.substation.transformers[instant.out]) as left:
                return _play(left, instant)
    except (NotConvergedError, InfeasibleError) as error:
        drawn = _drawn(world.substation, instant)
        kept = unsolved(world, engine, scenario, seconds, error, parameters=drawn)
        return replace(kept, t_start=t_start, cause=instant.event)


def _drawn(substation: Substation, instant: Instant) -> dict[str, Any]:
    return {
        "asset": substation.transformers[instant.asset].id,
        "t_thermal": instant.t,
        "event": instant.event,
        "thermal": instant.thermal,
        "risk_level": instant.level,
        "out": "" if instant.out is None else substation.transformers[instant.out].id,
    }


def _play(stage: Stage, instant: Instant) -> Episode:
    engine, s_va, substation = stage.engine, stage.conditions.s_va, stage.world.substation
    recording, v = Recording(), engine.solve(s_va)
    states = recording.add(engine.network(), v, engine.emf_v, s_va)
    labels = stage.quiet_labels()
    loads = transformer_loads(substation, recording.states(), states)
    severity = mark_overloads(substation, loads, labels)
    asset = substation.transformers[instant.asset].id
    return stage.episode(
        recording,
        Timeline.steady(states),
        labels,
        cause=instant.event,
        severity=severity.get(asset),
        parameters={
            **_drawn(substation, instant),
            "load_pu": float(loads[asset].mean()) if asset in loads else None,
        },
    )


@contextmanager
def _reinforced(engine: Engine, instant: Instant) -> Iterator[None]:
    """Feeders' lines with as many more conductors as their load has grown; restored afterwards."""
    lines = [
        (feeder.line, float(factor))
        for feeder, factor in zip(engine.substation.feeders, instant.growth, strict=True)
        if feeder.line is not None and factor > 1.0
    ]
    try:
        for line, factor in lines:
            engine.strengthen(line, factor)
        yield
    finally:
        for line, _ in lines:
            engine.strengthen(line, 1.0)
