"""Kind `instrument`: the grid is well and one voltage input is not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulation.engine import Engine
from simulation.engine.network import Complexes
from simulation.instruments.malfunction import Malfunction, dead, drift, spike, stuck, swapped
from simulation.noise import Floats
from simulation.scenario.departure import departure, draw_severity, largest
from simulation.scenario.episode import Episode
from simulation.scenario.normal import mark_moves, run
from simulation.scenario.recording import Recording, Timeline
from simulation.scenario.stage import Stage
from simulation.scenario.unbalance import mark_departures
from simulation.scenario.unbalancing.mechanism import turn
from simulation.scenario.unbalancing.sizing import failing_pole
from simulation.scenario.world import World
from switchyard.identity import ScenarioId

_KINDS = ("drift", "stuck", "spike", "dead", "swapped")
# Share of the standing-still registers that are the whole meter's.
_WHOLE_METER = 0.4
# How far a drift has come when the episode begins, as a share of where it is at its end.
_ALREADY = (0.3, 0.9)
_PAIRS = ((0, 1), (1, 2), (2, 0))


def simulate(world: World, engine: Engine, scenario: ScenarioId, seconds: int) -> Episode:
    """Live through one episode with a bad voltage input; the kinds take turns."""
    stage = Stage.set(world, engine, scenario, seconds)
    kind = _KINDS[scenario.index % len(_KINDS)]
    severity = draw_severity(stage.rng)
    point = int(stage.rng.integers(stage.points))
    if kind == "swapped":
        return _swapped(stage, point, severity)
    recording = Recording()
    operation = run(stage, recording, busy=False)
    states = recording.states()
    labels = stage.quiet_labels()
    mark_moves(world, states, operation, labels)
    v_abs = np.abs(states.v[operation.states, point])
    malfunction, acting, phases, begin = _draw(stage, kind, point, severity, v_abs)
    labels.mark_all(point, acting, kind, phases, severity)
    return stage.episode(
        recording,
        Timeline.steady(operation.states),
        labels,
        cause=kind,
        severity=severity,
        parameters={"watched": stage.point_name(point), "phase": phases, "begin_s": begin},
        positions=operation.positions,
        malfunctions=(malfunction,),
    )


def _draw(
    stage: Stage, kind: str, point: int, severity: float, v_abs: Floats
) -> tuple[Malfunction, NDArray[np.bool_], str, int]:
    """The malfunction, the seconds in which it acts (shape [t]), its phases and where it begins."""
    rng, seconds = stage.rng, stage.seconds
    phase = int(rng.integers(3))
    begin = int(rng.integers(0, seconds // 2))
    excess = float(rng.choice([-1.0, 1.0])) * severity * float(stage.world.limit[point])
    acting = np.arange(seconds) >= begin
    if kind == "drift":
        share = float(rng.uniform(*_ALREADY))
        return drift(seconds, share, phase, point, excess), acting | True, "abc"[phase], 0
    if kind == "stuck":
        phases = (0, 1, 2) if rng.random() < _WHOLE_METER else (phase,)
        text = "".join("abc"[each] for each in phases)
        return stuck(v_abs, begin, phases, point, excess), acting, text, begin
    if kind == "spike":
        found = spike(rng, (seconds, begin), phase, point, excess)
    else:
        found = dead(rng, (seconds, begin), phase, point, abs(excess))
    return found, np.any(found.gain != 1.0, axis=1), "abc"[phase], begin


def _swapped(stage: Stage, point: int, severity: float) -> Episode:
    """Two inputs are exchanged; a standing unbalance makes their voltages differ, so that it shows.

    A pole of the only infeed in service has a resistance in series, such that the two phases' voltages at the
    point differ by the drawn multiple of the error limit.
    """
    engine, s_va = stage.engine, stage.conditions.s_va
    before = engine.solve(s_va[:1])[0]
    pair = _PAIRS[int(stage.rng.integers(3))]
    mechanism = failing_pole(stage, pair[0])
    nodes = engine.layout.point_nodes
    limit = float(stage.world.limit[point])

    def difference(v: Complexes) -> float:
        one, other = np.abs(v[nodes[point]][list(pair)])
        return float(abs(one - other) / min(one, other)) / limit

    recording = Recording()
    try:
        knob, reached = turn(mechanism, engine, s_va[:1], difference, severity)
        v = engine.solve(s_va)
        states = recording.add(engine.network(), v, engine.emf_v, s_va)
    finally:
        mechanism.undo(engine)
    labels = stage.quiet_labels()
    moved = largest(departure(before[nodes], v[0][nodes])) / stage.world.limit
    mark_departures(labels, moved, mechanism, slice(None), "unbalance")
    letters = "".join("abc"[phase] for phase in pair)
    labels.mark_all(point, slice(None), "swapped", letters, reached)
    parameters: dict[str, Any] = {"watched": stage.point_name(point), "drawn": severity}
    return stage.episode(
        recording,
        Timeline.steady(states),
        labels,
        cause="swapped",
        severity=reached,
        parameters={**parameters, **mechanism.parameters(knob), "phase": letters},
        malfunctions=(swapped(stage.seconds, pair, point),),
    )
