"""Kind `unbalance`: uneven loads, traction, broken conductors, failing poles and blown fuses."""

from __future__ import annotations

import numpy as np

from simulation.engine import Engine
from simulation.engine.network import Complexes
from simulation.instruments.malfunction import blown_fuse
from simulation.noise import Floats
from simulation.scenario.departure import NOTICED, departure, draw_severity, largest
from simulation.scenario.episode import Episode, Labels
from simulation.scenario.recording import Recording, Timeline
from simulation.scenario.stage import Stage
from simulation.scenario.unbalancing.mechanism import Mechanism
from simulation.scenario.unbalancing.sizing import Sized, blow_capacitor_fuse, by_severity, by_vuf, size
from simulation.scenario.world import World
from switchyard.identity import ScenarioId

# Unbalance factors wanted at the watched point, log-uniform, %; points farther away see less, down to 0.1 %.
_VUF_LOW_PCT, _VUF_HIGH_PCT = 0.5, 20.0
# Shares of the episodes: a blown fuse of a voltage transformer, of a capacitor, sized by severity; the others
# are sized by their unbalance factor.
_VT_FUSE, _CAPACITOR_FUSE, _BY_SEVERITY = 0.03, 0.05, 0.30
# Share of the episodes that find the unbalance standing; in the others it begins within.
_STANDING = 0.70
# What is left on the input of a blown fuse: the burden of the other phases feeds back.
_LEFT = (0.0, 0.6)


def simulate(world: World, engine: Engine, scenario: ScenarioId, seconds: int) -> Episode:
    """Live through one episode with an unbalance."""
    stage = Stage.set(world, engine, scenario, seconds)
    choice = stage.rng.random()
    if choice < _VT_FUSE:
        return _blown_vt_fuse(stage)
    before = engine.solve(stage.conditions.s_va[:1])[0]
    if choice < _VT_FUSE + _CAPACITOR_FUSE and world.substation.capacitors:
        sized = blow_capacitor_fuse(stage)
    elif choice < _VT_FUSE + _CAPACITOR_FUSE + _BY_SEVERITY:
        sized = size(stage, "severity", draw_severity(stage.rng), by_severity(stage, before))
    else:
        wanted = float(np.exp(stage.rng.uniform(np.log(_VUF_LOW_PCT), np.log(_VUF_HIGH_PCT))))
        sized = size(stage, "vuf_pct", wanted, by_vuf(stage))
    try:
        return _play(stage, sized, before)
    finally:
        sized.mechanism.undo(engine)


def mark_departures(
    labels: Labels, severity: Floats, mechanism: Mechanism, active: slice, event: str | None = None
) -> None:
    """Name an event at every point that notices it.

    Args:
        labels: What is written into.
        severity: Departure at each point in multiples of its error limit, shape [p].
        mechanism: What acts.
        active: Seconds in which it does.
        event: Its name; that of the mechanism where None.
    """
    for point in np.flatnonzero(severity > NOTICED):
        name = event or mechanism.event
        labels.mark_all(int(point), active, name, mechanism.phases, float(severity[point]))


def _play(stage: Stage, sized: Sized, before: Complexes) -> Episode:
    engine, rng, seconds = stage.engine, stage.rng, stage.seconds
    standing = rng.random() < _STANDING
    # The second in which it begins, and when within it.
    begin = 0 if standing else int(rng.integers(seconds // 4, 3 * seconds // 4))
    onset = 0.0 if standing else begin + float(rng.uniform(0.05, 0.95))
    recording = Recording()
    changed = sized.mechanism.apply(engine, stage.conditions.s_va, sized.knob)[begin:]
    v = engine.solve(changed)
    acting = recording.add(engine.network(), v, engine.emf_v, changed)
    spells = [(onset, float(seconds), acting)]
    if not standing:
        sized.mechanism.undo(engine)
        s_va = stage.conditions.s_va[: begin + 1]
        calm = engine.solve(s_va)
        spells.insert(0, (0.0, onset, recording.add(engine.network(), calm, engine.emf_v, s_va)))
        before = calm[-1]
    nodes = engine.layout.point_nodes
    severity = largest(departure(before[nodes], v[0][nodes])) / stage.world.limit
    labels = stage.quiet_labels()
    mark_departures(labels, severity, sized.mechanism, slice(begin, None))
    return stage.episode(
        recording,
        Timeline.merged(seconds, spells),
        labels,
        cause=sized.mechanism.event,
        severity=float(severity[sized.watched]),
        parameters={**sized.parameters(stage), "onset_s": onset},
    )


def _blown_vt_fuse(stage: Stage) -> Episode:
    engine, rng, seconds = stage.engine, stage.rng, stage.seconds
    point, phase = int(rng.integers(stage.points)), int(rng.integers(3))
    begin = 0 if rng.random() < _STANDING else int(rng.integers(seconds // 4, 3 * seconds // 4))
    left = float(rng.uniform(*_LEFT))
    recording = Recording()
    s_va = stage.conditions.s_va
    v = engine.solve(s_va)
    states = recording.add(engine.network(), v, engine.emf_v, s_va)
    severity = (1.0 - left) / float(stage.world.limit[point])
    labels = stage.quiet_labels()
    labels.mark_all(point, slice(begin, None), "vt_fuse", "abc"[phase], severity)
    return stage.episode(
        recording,
        Timeline.steady(states),
        labels,
        cause="vt_fuse",
        severity=severity,
        parameters={"watched": stage.point_name(point), "phase": "abc"[phase], "left": left},
        malfunctions=(blown_fuse(seconds, begin, phase, point, left=left),),
    )
