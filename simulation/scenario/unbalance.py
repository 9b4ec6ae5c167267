"""Kind `unbalance`: uneven loads, traction, broken conductors, failing poles and blown fuses, sized by what is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulation.engine import Engine
from simulation.engine.network import Complexes
from simulation.instruments.malfunction import Malfunction, blown_fuse
from simulation.noise import Floats
from simulation.scenario.conditions import Conditions, draw_conditions
from simulation.scenario.departure import departure, draw_severity, largest
from simulation.scenario.episode import Episode, Labels
from simulation.scenario.mechanisms import (
    BlownCapacitorFuse,
    Mechanism,
    OpenConductor,
    SinglePhasing,
    Traction,
    UnevenLoad,
    turn,
)
from simulation.scenario.normal import settle_station, steps_text, taps_text
from simulation.scenario.recording import Recording, Timeline
from simulation.scenario.regulation import Positions
from simulation.scenario.world import World
from simulation.sequence import unbalance_pct
from switchyard.identity import ScenarioId

# Unbalance factors wanted at the watched point, log-uniform, %; points farther away see less of it, down to 0.1 %.
_VUF_LOW_PCT, _VUF_HIGH_PCT = 0.4, 40.0
# Share of the episodes that are sized by severity instead, of those with a blown VT fuse and with a capacitor's.
_BY_SEVERITY, _VT_FUSE, _CAPACITOR_FUSE = 0.30, 0.03, 0.05
# How often each mechanism is drawn (uneven load, traction, open conductor, single-phasing), for small and for large targets:
# what makes a whole station moderately or severely unbalanced is a lost or failing pole.
_SMALL, _LARGE, _LARGE_VUF_PCT, _LARGE_SEVERITY = (0.34, 0.16, 0.22, 0.28), (0.08, 0.07, 0.25, 0.60), 2.0, 6.0
# Share of the episodes that find the unbalance standing; in the others it begins within.
_STANDING = 0.70
# An event is named at the points that it moves by more than this share of the instrument's error limit.
NOTICED = 0.2


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

    def parameters(self, world: World) -> dict[str, Any]:
        """What was drawn, for the `scenarios` table."""
        return {
            "mechanism": self.mechanism.event,
            "watched": world.substation.points[self.watched].id,
            "aim": self.aim,
            "target": self.target,
            "reached": self.reached,
            **self.mechanism.parameters(self.knob),
        }


def simulate(world: World, engine: Engine, scenario: ScenarioId, seconds: int) -> Episode:
    """Live through one episode with an unbalance."""
    rng = scenario.generator("scenario")
    conditions = draw_conditions(rng, world, scenario, seconds)
    positions = settle_station(rng, world, engine, conditions)
    choice = rng.random()
    if choice < _VT_FUSE:
        return _blown_vt_fuse(rng, world, engine, scenario, conditions, positions)
    before = engine.solve(conditions.s_va[:1])[0]
    emf_pu = engine.emf_pu
    if choice < _VT_FUSE + _CAPACITOR_FUSE and world.substation.capacitors:
        sized = _capacitor_fuse(rng, world, engine, conditions)
    elif choice < _VT_FUSE + _CAPACITOR_FUSE + _BY_SEVERITY:
        sized = size(rng, world, engine, conditions, "severity", draw_severity(rng), _by_severity(world, engine, before))
    else:
        wanted = float(np.exp(rng.uniform(np.log(_VUF_LOW_PCT), np.log(_VUF_HIGH_PCT))))
        sized = size(rng, world, engine, conditions, "vuf_pct", wanted, _by_vuf(engine))
    try:
        return _episode(rng, world, engine, scenario, conditions, positions, sized, before)
    finally:
        sized.mechanism.undo(engine)
        engine.set_emf(emf_pu)


def size(
    rng: np.random.Generator,
    world: World,
    engine: Engine,
    conditions: Conditions,
    aim: str,
    target: float,
    effect_at: Callable[[int], Callable[[Complexes], float]],
) -> Sized:
    """Draw a watched point and a mechanism that can reach the target there, and turn it to that size.

    Mechanisms are drawn until one comes within a quarter of the target, at most four times; the nearest is kept.

    Args:
        rng: Source of randomness.
        world: The substation.
        engine: Settled engine; the mechanism is left acting on it.
        conditions: Loads.
        aim: Name of the target.
        target: Size wanted at the watched point.
        effect_at: From the row of a point to what measures the effect there from node voltages.
    """
    best: Sized | None = None
    for _ in range(4):
        large = target > (_LARGE_VUF_PCT if aim == "vuf_pct" else _LARGE_SEVERITY)
        watched, mechanism = draw_mechanism(rng, world, _LARGE if large else _SMALL)
        knob, reached = turn(mechanism, engine, conditions.s_va[:1], effect_at(watched), target)
        found = Sized(mechanism, knob, watched, aim, target, reached)
        if best is None or _miss(found) < _miss(best):
            best = found
        mechanism.undo(engine)
        if _miss(best) < 0.25:
            break
    if best is None:
        raise AssertionError
    best.mechanism.apply(engine, conditions.s_va[:1], best.knob)
    return best


def draw_mechanism(
    rng: np.random.Generator, world: World, shares: tuple[float, float, float, float]
) -> tuple[int, Mechanism]:
    """A watched point and something that can unbalance it; `shares` of uneven load, traction, open conductor, single-phasing."""
    substation = world.substation
    phase = int(rng.integers(3))
    names = [point.id for point in substation.points]
    kind = rng.choice(["uneven", "traction", "open", "single"], p=shares)
    ended = [f for f in substation.feeders if f.end_point is not None and f.line is not None]
    if kind == "open" and ended:
        feeder = ended[int(rng.integers(len(ended)))]
        return names.index(str(feeder.end_point)), OpenConductor(feeder, str(feeder.line), phase)
    if kind == "single":
        infeed = substation.infeeds[int(rng.integers(len(substation.infeeds)))]
        others = tuple(each.line for each in substation.infeeds if each.id != infeed.id)
        return int(rng.integers(len(names))), SinglePhasing(infeed, others, phase)
    if kind == "traction" and substation.traction:
        supply = int(rng.integers(len(substation.traction)))
        bus = substation.traction[supply].bus
        fed = next(f for f in substation.feeders if f.end_bus == bus)
        near = [fed.point, *([fed.end_point] if fed.end_point else []), *_at_bus(world, fed.bus)]
        return names.index(str(rng.choice(near))), Traction(substation, supply)
    feeder = substation.feeders[int(rng.integers(len(substation.feeders)))]
    together = [f for f in substation.feeders if f.bus == feeder.bus] if rng.random() < 0.5 else [feeder]
    rows = tuple(substation.feeders.index(f) for f in together)
    near = [*([feeder.end_point] if feeder.end_point else []), *_at_bus(world, feeder.bus)]
    return names.index(str(rng.choice(near))), UnevenLoad(tuple(together), rows, phase)


def mark_departures(world: World, labels: Labels, severity: Floats, begin: int, event: str, phases: str) -> None:
    """Name an event at every point that notices it, acting from second `begin` on."""
    for point in np.flatnonzero(severity > NOTICED):
        labels.mark_all(int(point), slice(begin, None), event, phases, float(severity[point]))


def _by_vuf(engine: Engine) -> Callable[[int], Callable[[Complexes], float]]:
    nodes = engine.layout.point_nodes
    return lambda watched: lambda v: float(unbalance_pct(v[nodes[watched]]))


def _by_severity(world: World, engine: Engine, before: Complexes) -> Callable[[int], Callable[[Complexes], float]]:
    nodes = engine.layout.point_nodes

    def at(watched: int) -> Callable[[Complexes], float]:
        one = before[nodes[watched]][None]
        return lambda v: float(largest(departure(one, v[nodes[watched]][None]))[0] / world.limit[watched])

    return at


def _at_bus(world: World, bus: str) -> list[str]:
    return [point.id for point in world.substation.points if point.bus == bus]


def _miss(sized: Sized) -> float:
    reached, target = sized.reached or 0.0, sized.target or 0.0
    return abs(float(np.log(max(reached, 1e-9) / max(target, 1e-9))))


def _capacitor_fuse(rng: np.random.Generator, world: World, engine: Engine, conditions: Conditions) -> Sized:
    banks = world.substation.capacitors
    bank = banks[int(rng.integers(len(banks)))]
    mechanism = BlownCapacitorFuse(bank, int(rng.integers(3)))
    mechanism.apply(engine, conditions.s_va[:1], 1.0)
    watched = next(k for k, point in enumerate(world.substation.points) if point.bus == bank.bus)
    return Sized(mechanism, 1.0, watched, "", None, None)


def _episode(
    rng: np.random.Generator,
    world: World,
    engine: Engine,
    scenario: ScenarioId,
    conditions: Conditions,
    positions: Positions,
    sized: Sized,
    before: Complexes,
) -> Episode:
    seconds = conditions.seconds
    standing = rng.random() < _STANDING
    # The first second with the whole of the event in it, and when in the second before that it began.
    begin = 0 if standing else int(rng.integers(seconds // 4, 3 * seconds // 4))
    onset = 0.0 if standing else begin + float(rng.uniform(0.05, 0.95))
    recording = Recording()
    changed = sized.mechanism.apply(engine, conditions.s_va, sized.knob)
    v = engine.solve(changed[begin:])
    first = v[0]
    acting = recording.add(engine.network(), v, engine.emf_v, changed[begin:])
    spells = [(onset, float(seconds), acting)]
    if not standing:
        sized.mechanism.undo(engine)
        quiet_va = conditions.s_va[: begin + 1]
        calm = engine.solve(quiet_va)
        quiet = recording.add(engine.network(), calm, engine.emf_v, quiet_va)
        spells.insert(0, (0.0, onset, quiet))
        before = calm[-1]
    nodes = engine.layout.point_nodes
    severity = largest(departure(before[nodes], first[nodes])) / world.limit
    labels = Labels.quiet(len(world.substation.points), seconds)
    mark_departures(world, labels, severity, begin, sized.mechanism.event, sized.mechanism.phases)
    where = (positions,) * seconds
    return Episode(
        scenario=scenario,
        t_start=conditions.t_start,
        seconds=seconds,
        cause=sized.mechanism.event,
        severity=float(severity[sized.watched]),
        parameters={**sized.parameters(world), "onset_s": onset},
        states=recording.states(),
        timeline=Timeline.merged(seconds, spells),
        f_hz=conditions.f_hz,
        taps=taps_text(world.regulators, where),
        capacitor_steps=steps_text(world.regulators, where),
        labels=labels,
    )


def _blown_vt_fuse(
    rng: np.random.Generator,
    world: World,
    engine: Engine,
    scenario: ScenarioId,
    conditions: Conditions,
    positions: Positions,
) -> Episode:
    seconds = conditions.seconds
    point, phase = int(rng.integers(len(world.substation.points))), int(rng.integers(3))
    begin = 0 if rng.random() < _STANDING else int(rng.integers(seconds // 4, 3 * seconds // 4))
    left = float(rng.uniform(0.0, 0.6))
    malfunction: Malfunction = blown_fuse(seconds, begin, phase, point, left)
    recording = Recording()
    v = engine.solve(conditions.s_va)
    states = recording.add(engine.network(), v, engine.emf_v, conditions.s_va)
    severity = (1.0 - left) / float(world.limit[point])
    labels = Labels.quiet(len(world.substation.points), seconds)
    labels.mark_all(point, slice(begin, None), "vt_fuse", "abc"[phase], severity)
    where = (positions,) * seconds
    return Episode(
        scenario=scenario,
        t_start=conditions.t_start,
        seconds=seconds,
        cause="vt_fuse",
        severity=severity,
        parameters={"watched": world.substation.points[point].id, "phase": "abc"[phase], "left": left},
        states=recording.states(),
        timeline=Timeline.steady(states),
        f_hz=conditions.f_hz,
        taps=taps_text(world.regulators, where),
        capacitor_steps=steps_text(world.regulators, where),
        labels=labels,
        malfunctions=(malfunction,),
    )
