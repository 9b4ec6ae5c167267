"""A transformer out of service, its load on those beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from simulation.engine import Engine
from simulation.scenario.regulation import Guess, Positions, Regulators, regulators_of
from simulation.scenario.stage import Stage
from substations.description import Transformer


@contextmanager
def without(stage: Stage, out: Transformer) -> Iterator[Stage]:
    """The station after a transformer was lost and the regulators that are left have come to rest once more.

    Couplers beside the busbar that it fed are closed. Everything is put back afterwards.

    Raises:
        InfeasibleError: The regulators do not come to rest.
        NotConvergedError: There is no power-flow solution.
    """
    world = replace(stage.world, regulators=regulators_of(stage.world.substation, out))
    guess = Guess(_kept(stage.world.regulators, stage.positions, world.regulators), 0j)
    with _lost(stage.engine, out):
        yield Stage.settled(world, stage.engine, stage.scenario, stage.rng, stage.conditions, guess=guess)


@contextmanager
def _lost(engine: Engine, out: Transformer) -> Iterator[None]:
    bus = out.windings[1].bus
    closed = [
        coupler.element
        for coupler in engine.substation.couplers
        if bus in coupler.buses and coupler.element in engine.out_of_service
    ]
    try:
        engine.switch(out.element, on=False)
        for element in closed:
            engine.switch(element, on=True)
        yield
    finally:
        engine.switch(out.element, on=True)
        for element in closed:
            engine.switch(element, on=False)


def _kept(before: Regulators, positions: Positions, after: Regulators) -> Positions:
    """Where the regulators that are left stood before."""
    tap = {
        name: position
        for group, position in zip(before.groups, positions.taps, strict=True)
        for name in group.transformers
    }
    return Positions(tuple(tap[group.transformers[0]] for group in after.groups), positions.steps)
