"""Kind `fault`: short circuits in the station and along its feeders, and the playing of any short circuit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulation.engine import Engine
from simulation.engine.network import Complexes
from simulation.faults.clearing import draw_clearing
from simulation.faults.hit import Hit, draw_kind, draw_resistance
from simulation.faults.places import draw_site
from simulation.noise import Floats
from simulation.scenario.departure import NOTICED, departure, phases_hit, seen_for
from simulation.scenario.episode import Episode, FaultRecord, Labels
from simulation.scenario.recording import Recording, Timeline
from simulation.scenario.regulation import Positions
from simulation.scenario.short_circuit import Ready, Struck, strike
from simulation.scenario.stage import Stage
from simulation.scenario.world import World
from substations.description import Substation
from switchyard.identity import ScenarioId

# A bus below this voltage is interrupted (IEEE 1159).
_DEAD_PU = 0.1
# Seconds at the episode's ends in which no fault begins.
_MARGIN_S = (2.0, 4.0)

Later = tuple[list[tuple[float, float, NDArray[np.int64]]], tuple[Positions, ...]]
"""Spells after a fault, and the regulators in each second of the episode; () where they stand still."""

Afterwards = Callable[[Stage, Hit, NDArray[np.int64], Recording], Later]
"""What comes after a fault: the station, the fault, the states of the seconds without it, and a recording."""


def simulate(world: World, engine: Engine, scenario: ScenarioId, seconds: int) -> Episode:
    """Live through a short circuit somewhere in the station or along its feeders."""
    stage = Stage.set(world, engine, scenario, seconds)
    calm, ready, start = before_fault(stage)
    site = draw_site(stage.rng, world.substation)
    kind, phases = draw_kind(stage.rng)
    clearing = draw_clearing(stage.rng, world.substation, site)
    hit = Hit(site, kind, phases, draw_resistance(stage.rng), clearing, start)
    return play_fault(stage, calm, ready, hit, {"aim": ""})


def before_fault(stage: Stage) -> tuple[Complexes, Ready, float]:
    """Solve an episode without its fault and draw when that begins.

    Returns:
        Node voltages of each second [t, n], the network in the second of the fault, and the fault's beginning
        in seconds.
    """
    start = float(stage.rng.uniform(_MARGIN_S[0], stage.seconds - _MARGIN_S[1]))
    calm = stage.engine.solve(stage.conditions.s_va)
    second = int(start)
    return calm, Ready.at(stage.engine, calm[second], stage.conditions.s_va[second]), start


def play_fault(
    stage: Stage,
    calm: Complexes,
    ready: Ready,
    hit: Hit,
    parameters: dict[str, Any],
    *,
    watched: int | None = None,
    afterwards: Afterwards | None = None,
) -> Episode:
    """Play a short circuit, its clearing and what follows.

    Args:
        stage: The settled station.
        calm: Node voltages of each second without it, V, shape [t, n]; up to its end at least.
        ready: The network in its second.
        hit: What happens.
        parameters: What was drawn beyond the fault itself, JSON values.
        watched: Point whose severity is the episode's; the one that sees most where None.
        afterwards: How the station goes on once the fault is cleared; without regulators where None.
    """
    engine, world, seconds, s_va = stage.engine, stage.world, stage.seconds, stage.conditions.s_va
    recording = Recording()
    quiet = recording.add(ready.network, calm, engine.emf_v, s_va[: len(calm)])
    struck = strike(engine, ready, hit, recording)
    spells = [(0.0, hit.start_s, quiet), (hit.start_s, hit.end_s, struck.state)]
    after, positions = (afterwards or _afterwards)(stage, hit, quiet, recording)
    spells += after
    timeline = Timeline.merged(seconds, spells)
    v = recording.states().v
    changes = departure(v[quiet[int(hit.start_s)]], struck.v)
    labels, severity = _labels(stage, timeline, v, changes, hit)
    dead = _dead_buses(world.substation, v[timeline.state[-1]])
    within = hit.site.within
    return stage.episode(
        recording,
        timeline,
        labels,
        cause="fault",
        severity=float(severity.max() if watched is None else severity[watched]),
        parameters={**parameters, **_drawn(hit), "site": hit.site.line or hit.site.bus},
        fault=_record(world.substation, hit, struck) if within else None,
        positions=positions,
        reason=f"de-energised at the end: {', '.join(dead)}" if dead else "",
    )


def _drawn(hit: Hit) -> dict[str, Any]:
    return {
        "fault_type": hit.kind,
        "phases": hit.phases,
        "r_fault_ohm": hit.r_ohm,
        "start_s": hit.start_s,
        "duration_s": hit.clearing.duration_s,
        "cleared_by": hit.clearing.cleared_by,
        "trips": list(hit.clearing.trips),
    }


def _afterwards(stage: Stage, hit: Hit, quiet: NDArray[np.int64], recording: Recording) -> Later:
    """Spells after the clearing: what tripped out of service, then as before where it is reclosed."""
    engine, end = stage.engine, float(stage.seconds)
    tripped = [name for name in hit.clearing.trips if name not in engine.out_of_service]
    if not tripped:
        return [(hit.end_s, end, quiet[int(hit.end_s) :])], ()
    back = min(hit.end_s + hit.clearing.dead_time_s, end)
    s_va = stage.conditions.s_va[int(hit.end_s) : int(np.ceil(back))]
    for name in tripped:
        engine.switch(name, on=False)
    try:
        v = engine.solve(s_va)
        states = recording.add(engine.network(), v, engine.emf_v, s_va)
    finally:
        for name in tripped:
            engine.switch(name, on=True)
    return [(hit.end_s, back, states), (back, end, quiet[min(int(back), quiet.size - 1) :])], ()


def _labels(
    stage: Stage, timeline: Timeline, v: Complexes, changes: Floats, hit: Hit
) -> tuple[Labels, Floats]:
    """Sag, swell or interruption at every point, and its severity there, shape [p]."""
    world, labels = stage.world, stage.quiet_labels()
    burning = np.zeros(timeline.seconds, dtype=np.bool_)
    burning[int(hit.start_s) : int(np.ceil(hit.end_s))] = True
    first, end = np.floor(timeline.begin).astype(int), np.ceil(timeline.end).astype(int)
    severity = np.zeros(stage.points)
    for k, point in enumerate(world.substation.points):
        half_cycles, limit = bool(world.sees_half_cycles[k]), float(world.limit[k])
        severity[k] = float(seen_for(changes[k], hit.clearing.duration_s, half_cycles=half_cycles)) / limit
        nominal = point.nominal_kv * 1e3 / np.sqrt(3.0)
        dead = np.zeros(timeline.seconds, dtype=np.bool_)
        for g in np.flatnonzero(np.abs(v[timeline.state, k]).max(axis=1) < _DEAD_PU * nominal):
            dead[first[g] : end[g]] = True
        if dead.any():
            severity[k] = max(severity[k], 1.0 / limit)
            labels.mark_all(k, burning | dead, "interruption", "abc", float(severity[k]))
        elif severity[k] > NOTICED:
            moved = changes[k, :3]
            event = "sag" if abs(moved.min()) >= moved.max() else "swell"
            labels.mark_all(k, burning, event, phases_hit(moved), float(severity[k]))
    return labels, severity


def _dead_buses(substation: Substation, v: Complexes) -> list[str]:
    """Buses of measurement points without voltage, from the points' voltages [p, 3]."""
    found = {
        point.bus
        for k, point in enumerate(substation.points)
        if np.abs(v[k]).max() < _DEAD_PU * point.nominal_kv * 1e3 / np.sqrt(3.0)
    }
    return sorted(found)


def _record(substation: Substation, hit: Hit, struck: Struck) -> FaultRecord:
    a, b, c = (float(size) for size in struck.i_fault_a)
    return FaultRecord(
        bus=struck.bus,
        fault_type=hit.kind,
        phases=hit.phases,
        r_fault_ohm=hit.r_ohm,
        distance_pct=100.0 * hit.site.fraction,
        prefault_v_pu=struck.prefault_v_pu,
        i_fault_a=(a, b, c),
        t_start_s=hit.start_s,
        duration_ms=1000.0 * hit.clearing.duration_s,
        cleared_by=hit.clearing.cleared_by,
        fault_level_ka=struck.fault_level_ka,
        breaker_rating_ka=float(substation.bus(struck.bus).breaker_ka or 0.0),
        dips={
            point.id: [
                round(float(size) / (point.nominal_kv * 1e3 / np.sqrt(3.0)), 6)
                for size in np.abs(struck.v[k])
            ]
            for k, point in enumerate(substation.points)
        },
    )
