"""Drawing a mechanism and a watched point, and giving the mechanism the size that was drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulation.engine.network import Complexes
from simulation.errors import InfeasibleError
from simulation.scenario.departure import departure, largest
from simulation.scenario.stage import Stage
from simulation.scenario.unbalancing.conductors import OpenConductor, SinglePhasing
from simulation.scenario.unbalancing.loads import BlownCapacitorFuse, Traction, UnevenLoad
from simulation.scenario.unbalancing.mechanism import Effect, Mechanism, miss, turn
from simulation.sequence import unbalance_pct

# How often each mechanism is drawn, for small and for large targets: what makes a whole station moderately or
# severely unbalanced is a lost or failing pole.
_MECHANISMS = ("uneven", "traction", "open", "single")
_SMALL, _LARGE = (0.34, 0.16, 0.22, 0.28), (0.08, 0.07, 0.25, 0.60)
_LARGE_FROM = {"vuf_pct": 2.0, "severity": 6.0}
_DRAWS, _NEAR_ENOUGH = 5, 0.10


@dataclass(frozen=True, slots=True)
class Sized:
    """A mechanism that acts on the engine at the size wanted.

    Attributes:
        mechanism: What acts.
        knob: How strongly.
        watched: Row of the point at which it was sized.
        aim: What was aimed at: `vuf_pct`, `severity` or nothing.
        target: Size wanted; None where there is no aim.
        reached: Size reached.
    """

    mechanism: Mechanism
    knob: float
    watched: int
    aim: str
    target: float | None
    reached: float | None

    def parameters(self, stage: Stage) -> dict[str, Any]:
        """What was drawn, for the `scenarios` table."""
        return {
            "mechanism": self.mechanism.event,
            "watched": stage.point_name(self.watched),
            "aim": self.aim,
            "target": self.target,
            "reached": self.reached,
            **self.mechanism.parameters(self.knob),
        }


def size(stage: Stage, aim: str, target: float, effect_at: Callable[[int], Effect]) -> Sized:
    """Draw a watched point and a mechanism that can reach the target there, and turn it to that size.

    Mechanisms are drawn until one comes within a tenth of the target, at most five times; the nearest is kept
    and left acting on the stage's engine.

    Args:
        stage: The settled station.
        aim: `vuf_pct` or `severity`.
        target: Size wanted at the watched point.
        effect_at: From the row of a point to what measures the effect there.

    Raises:
        InfeasibleError: Nothing that was drawn has any effect.
    """
    first = stage.conditions.s_va[:1]
    shares = _LARGE if target > _LARGE_FROM[aim] else _SMALL
    found: list[tuple[float, Sized]] = []
    for _ in range(_DRAWS):
        watched, mechanism = _draw(stage, shares)
        knob, reached = turn(mechanism, stage.engine, first, effect_at(watched), target)
        found.append((miss(reached, target), Sized(mechanism, knob, watched, aim, target, reached)))
        mechanism.undo(stage.engine)
        if found[-1][0] < _NEAR_ENOUGH:
            break
    distance, best = min(found, key=lambda each: each[0])
    if not np.isfinite(distance):
        raise InfeasibleError(f"{stage.scenario}: nothing reaches {aim} {target:.3g}")
    best.mechanism.apply(stage.engine, first, best.knob)
    return best


def by_vuf(stage: Stage) -> Callable[[int], Effect]:
    """Unbalance factor at a point, %."""
    nodes = stage.engine.layout.point_nodes
    return lambda watched: lambda v: float(unbalance_pct(v[nodes[watched]]))


def by_severity(stage: Stage, before: Complexes) -> Callable[[int], Effect]:
    """Departure at a point from node voltages `before`, in multiples of the instrument's error limit."""
    nodes = stage.engine.layout.point_nodes

    def at(watched: int) -> Effect:
        one, limit = before[nodes[watched]][None], float(stage.world.limit[watched])
        return lambda v: float(largest(departure(one, v[nodes[watched]][None]))[0]) / limit

    return at


def blow_capacitor_fuse(stage: Stage) -> Sized:
    """Draw a bank and a phase and let its fuse act on the stage's engine."""
    banks = stage.world.substation.capacitors
    bank = banks[int(stage.rng.integers(len(banks)))]
    mechanism = BlownCapacitorFuse(bank, int(stage.rng.integers(3)))
    mechanism.apply(stage.engine, stage.conditions.s_va[:1], 1.0)
    watched = next(k for k, point in enumerate(stage.world.substation.points) if point.bus == bank.bus)
    return Sized(mechanism, 1.0, watched, "", None, None)


def failing_pole(stage: Stage, phase: int) -> SinglePhasing:
    """One pole of a drawn infeed, the others out of service."""
    infeeds = stage.world.substation.infeeds
    infeed = infeeds[int(stage.rng.integers(len(infeeds)))]
    return SinglePhasing(infeed, tuple(each.line for each in infeeds if each.id != infeed.id), phase)


def _draw(stage: Stage, shares: tuple[float, ...]) -> tuple[int, Mechanism]:
    """A watched point and something that can unbalance it."""
    rng, substation = stage.rng, stage.world.substation
    phase = int(rng.integers(3))
    names = [point.id for point in substation.points]
    kind = str(rng.choice(_MECHANISMS, p=shares))
    ended = [
        feeder for feeder in substation.feeders if feeder.end_point is not None and feeder.line is not None
    ]
    if kind == "open" and ended:
        feeder = ended[int(rng.integers(len(ended)))]
        return names.index(str(feeder.end_point)), OpenConductor(feeder, str(feeder.line), phase)
    if kind == "single":
        return int(rng.integers(len(names))), failing_pole(stage, phase)
    if kind == "traction" and substation.traction:
        supply = int(rng.integers(len(substation.traction)))
        fed = [feeder for feeder in substation.feeders if feeder.end_bus == substation.traction[supply].bus]
        if fed:
            return names.index(str(rng.choice(_near(stage, fed[0].id)))), Traction(substation, supply)
    feeder = substation.feeders[int(rng.integers(len(substation.feeders)))]
    alone = rng.random() < 0.5
    together = [
        each for each in substation.feeders if each.bus == feeder.bus and not (alone and each != feeder)
    ]
    rows = tuple(substation.feeders.index(each) for each in together)
    return names.index(str(rng.choice(_near(stage, feeder.id)))), UnevenLoad(tuple(together), rows, phase)


def _near(stage: Stage, feeder: str) -> list[str]:
    """Points at a feeder's ends and at its busbar."""
    found = stage.world.substation.feeder(feeder)
    at_bus = [point.id for point in stage.world.substation.points if point.bus == found.bus]
    return [*([found.end_point] if found.end_point else []), *at_bus]
