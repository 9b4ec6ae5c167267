"""Kind `instrument`: the grid is well and one voltage input is not."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulation.engine import Engine
from simulation.instruments.malfunction import Malfunction, dead, drift, spike, stuck, swapped
from simulation.scenario.conditions import Conditions, draw_conditions
from simulation.scenario.departure import departure, draw_severity, largest
from simulation.scenario.episode import Episode, Labels
from simulation.scenario.mechanisms import SinglePhasing, turn
from simulation.scenario.normal import Run, mark_moves, run, settle_station, steps_text, taps_text
from simulation.scenario.recording import Recording, Timeline
from simulation.scenario.unbalance import mark_departures
from simulation.scenario.world import World
from switchyard.identity import ScenarioId

_KINDS = ("drift", "stuck", "spike", "dead", "swapped")
# Share of standing-still registers that are the whole meter's.
_WHOLE_METER = 0.4
_PAIRS = ((0, 1), (1, 2), (2, 0))


def simulate(world: World, engine: Engine, scenario: ScenarioId, seconds: int) -> Episode:
    """Live through one episode with a bad voltage input; the kinds take turns."""
    rng = scenario.generator("scenario")
    conditions = draw_conditions(rng, world, scenario, seconds)
    kind = _KINDS[scenario.index % len(_KINDS)]
    severity = draw_severity(rng)
    point = int(rng.integers(len(world.substation.points)))
    if kind == "swapped":
        return _swapped(rng, world, engine, scenario, conditions, point, severity)
    done = run(rng, world, engine, conditions, busy=False)
    malfunction, parameters, acting = _draw(rng, world, done, kind, point, severity, seconds)
    labels = Labels.quiet(len(world.substation.points), seconds)
    mark_moves(world, done, labels)
    phases = str(parameters["phase"])
    labels.mark_all(point, acting, kind, phases, severity)
    return Episode(
        scenario=scenario,
        t_start=conditions.t_start,
        seconds=seconds,
        cause=kind,
        severity=severity,
        parameters={"watched": world.substation.points[point].id, **parameters},
        states=done.states,
        timeline=done.timeline,
        f_hz=conditions.f_hz,
        taps=taps_text(world.regulators, done.operation.positions),
        capacitor_steps=steps_text(world.regulators, done.operation.positions),
        labels=labels,
        malfunctions=(malfunction,),
    )


def _draw(
    rng: np.random.Generator, world: World, done: Run, kind: str, point: int, severity: float, seconds: int
) -> tuple[Malfunction, dict[str, Any], np.ndarray[Any, np.dtype[np.bool_]]]:
    """The malfunction, what was drawn, and the seconds in which it acts, shape [t]."""
    phase = int(rng.integers(3))
    begin = int(rng.integers(0, seconds // 2))
    sign = float(rng.choice([-1.0, 1.0]))
    excess = sign * severity * float(world.limit[point])
    acting = np.zeros(seconds, dtype=np.bool_)
    acting[begin:] = True
    letter = "abc"[phase]
    if kind == "drift":
        begin = 0
        acting[:] = True
        found = drift(seconds, float(rng.uniform(0.3, 0.9)), phase, point, excess)
    elif kind == "stuck":
        whole = rng.random() < _WHOLE_METER
        letter = "abc" if whole else letter
        phases = (0, 1, 2) if whole else (phase,)
        found = stuck(np.abs(done.states.v[done.timeline.state, point]), begin, phases, point, excess)
    elif kind == "spike":
        found = spike(rng, seconds, begin, phase, point, excess)
        acting = np.any(found.gain != 1.0, axis=1)
    else:
        excess = -abs(excess)
        found = dead(rng, seconds, begin, phase, point, excess)
        acting = np.any(found.gain != 1.0, axis=1)
    return found, {"phase": letter, "begin_s": begin, "excess": excess}, acting


def _swapped(
    rng: np.random.Generator,
    world: World,
    engine: Engine,
    scenario: ScenarioId,
    conditions: Conditions,
    point: int,
    severity: float,
) -> Episode:
    """Two inputs are exchanged. It shows as far as the phases differ, so that a standing unbalance makes them differ.

    A pole of the only infeed in service has a resistance in series, such that the two phases' voltages at the point differ by the
    drawn multiple of the error limit.
    """
    substation = world.substation
    positions = settle_station(rng, world, engine, conditions)
    before = engine.solve(conditions.s_va[:1])[0]
    emf_pu = engine.emf_pu
    infeed = substation.infeeds[int(rng.integers(len(substation.infeeds)))]
    others = tuple(each.line for each in substation.infeeds if each.id != infeed.id)
    pair = _PAIRS[int(rng.integers(3))]
    mechanism = SinglePhasing(infeed, others, pair[0])
    nodes = engine.layout.point_nodes

    def difference(v: np.ndarray[Any, np.dtype[np.complex128]]) -> float:
        one, other = np.abs(v[nodes[point]][list(pair)])
        return float(abs(one - other) / min(one, other) / world.limit[point])

    try:
        knob, reached = turn(mechanism, engine, conditions.s_va[:1], difference, severity)
        v = engine.solve(conditions.s_va)
        recording = Recording()
        states = recording.add(engine.network(), v, engine.emf_v, conditions.s_va)
    finally:
        mechanism.undo(engine)
        engine.set_emf(emf_pu)
    labels = Labels.quiet(len(substation.points), conditions.seconds)
    moved = largest(departure(before[nodes], v[0][nodes])) / world.limit
    mark_departures(world, labels, moved, 0, "unbalance", mechanism.phases)
    letters = "".join("abc"[phase] for phase in pair)
    labels.mark_all(point, slice(None), "swapped", letters, reached)
    where = (positions,) * conditions.seconds
    return Episode(
        scenario=scenario,
        t_start=conditions.t_start,
        seconds=conditions.seconds,
        cause="swapped",
        severity=reached,
        parameters={
            "watched": substation.points[point].id,
            "phase": letters,
            "drawn": severity,
            **mechanism.parameters(knob),
        },
        states=recording.states(),
        timeline=Timeline.steady(states),
        f_hz=conditions.f_hz,
        taps=taps_text(world.regulators, where),
        capacitor_steps=steps_text(world.regulators, where),
        labels=labels,
        malfunctions=(swapped(conditions.seconds, pair, point),),
    )
