"""Solving ten minutes: a state every ten seconds, one for each second that is read, and a voltage event."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulation.engine.network import Complexes
from simulation.noise import Floats
from simulation.quality.happening import Happening, fault_events, no_events, rapid_changes
from simulation.quality.interval import INTERVAL_S, Events, nominal_voltages
from simulation.scenario.departure import NOTICED, departure, largest, phases_hit
from simulation.scenario.episode import Labels
from simulation.scenario.recording import Recording, States, Timeline
from simulation.scenario.regulation import Positions, apply
from simulation.scenario.short_circuit import Ready, strike
from simulation.scenario.stage import Stage

# One state for so many seconds before those that are read.
_STEP_S = 10


@dataclass(frozen=True, slots=True)
class Played:
    """The solved interval: states, k of them, and what happened.

    Attributes:
        states: The states without a short circuit's.
        weights: Seconds that each state stands for, shape [k].
        timeline: The seconds that are read.
        s_va: Loads in the last state, VA, shape [l].
        positions: Regulators in these seconds.
        labels: What acts in them.
        events: Voltage events of the interval.
        step: Relative change of each phase by what was switched, shape [p, 3].
        dip: Likewise by the short circuit.
    """

    states: States
    weights: Floats
    timeline: Timeline
    s_va: Complexes
    positions: tuple[Positions, ...]
    labels: Labels
    events: Events
    step: Floats
    dip: Floats


def edges_of(seconds: int) -> Floats:
    """Ends of the seconds that each state stands for, from 0 to 600."""
    coarse = np.arange(0, INTERVAL_S - seconds, _STEP_S)
    return np.concatenate([coarse, np.arange(INTERVAL_S - seconds, INTERVAL_S + 1)]).astype(np.float64)


def block_means(values: Complexes, edges: Floats) -> Complexes:
    """Means of one-second values [600, …] over what each state stands for, shape [k, …]."""
    first = edges[:-1].astype(np.int64)
    return np.asarray(np.add.reduceat(values, first, axis=0) / np.diff(edges)[:, None])


def play(
    stage: Stage,
    recording: Recording,
    positions: Positions,
    s_va: Complexes,
    edges: Floats,
    *,
    happening: Happening,
) -> Played:
    """Solve all states; what is switched is switched between two of them.

    Args:
        stage: The settled station in the seconds that are read.
        recording: Takes the states.
        positions: Where the regulators stand.
        s_va: Loads in each state, VA, shape [k, l].
        edges: Ends of the seconds that each state stands for, shape [k + 1].
        happening: What happens; what is switched begins on an edge.

    Raises:
        NotConvergedError: The network does not carry a state.
    """
    engine, world, seconds = stage.engine, stage.world, stage.seconds
    nominal_v, nodes = nominal_voltages(world.substation), engine.layout.point_nodes
    labels, events = stage.quiet_labels(), no_events(stage.points)
    k = int(np.clip(np.searchsorted(edges, happening.start_s, side="right") - 1, 1, s_va.shape[0] - 1))
    where, changed = positions, s_va
    if happening.kind == "load_step":
        feeder = happening.feeder
        base_va = world.substation.feeders[feeder].base_mw * 1e6 / 3.0
        changed = s_va.copy()
        changed[k:, 3 * feeder : 3 * feeder + 3] += happening.step * base_va
    elif happening.kind == "capacitor_switching":
        steps = list(positions.steps)
        steps[happening.bank] += int(happening.step)
        where = replace(positions, steps=tuple(steps))
    states = []
    for rows, standing in ((slice(None, k), positions), (slice(k, None), where)):
        apply(engine, world.regulators, standing)
        solved = engine.solve(changed[rows])
        states.append(recording.add(engine.network(), solved, engine.emf_v, changed[rows]))
    number = np.concatenate(states)
    settled = recording.states()
    v = settled.v
    step = dip = np.zeros((stage.points, 3))
    tail, before = number[-seconds:], s_va.shape[0] - seconds
    timeline = Timeline.steady(tail)
    if happening.hit is not None:
        calm = engine.solve(changed[k : k + 1])[0]
        struck = strike(engine, Ready.at(engine, calm, changed[k]), happening.hit, recording)
        # The harmonics are solved on the last snapshot.
        engine.solve(changed[-1:])
        dip = np.abs(struck.v) / np.abs(calm[nodes]) - 1.0
        events = fault_events(np.abs(struck.v) / nominal_v[:, None], happening.hit.clearing.duration_s)
        timeline = _with_fault(stage, tail, struck.state, happening)
        _mark_fault(stage, labels, departure(calm[nodes], struck.v), happening)
    elif happening.kind != "none":
        step = np.abs(v[k]) / np.abs(v[k - 1]) - 1.0
        events = replace(events, rapid_changes=rapid_changes(step))
        severity = largest(departure(v[k - 1], v[k])) / world.limit
        for point in np.flatnonzero(severity > NOTICED) if k >= before else ():
            when = slice(k - before, k - before + 1)
            labels.mark(int(point), when, "switching", "abc", float(severity[point]))
    standing_at = tuple(positions if before + second < k else where for second in range(seconds))
    return Played(settled, np.diff(edges), timeline, changed[-1], standing_at, labels, events, step, dip)


def _with_fault(
    stage: Stage, tail: NDArray[np.int64], burning: NDArray[np.int64], happening: Happening
) -> Timeline:
    """The seconds that are read, with as much of the short circuit as falls into them."""
    seconds, offset = stage.seconds, INTERVAL_S - stage.seconds
    begin, end = max(happening.start_s - offset, 0.0), min(happening.end_s - offset, float(seconds))
    if end <= begin:
        return Timeline.steady(tail)
    spells = [(0.0, begin, tail), (begin, end, burning), (end, float(seconds), tail[int(end) :])]
    return Timeline.merged(seconds, spells)


def _mark_fault(stage: Stage, labels: Labels, changes: Floats, happening: Happening) -> None:
    offset = INTERVAL_S - stage.seconds
    first, last = int(max(happening.start_s - offset, 0.0)), int(np.ceil(happening.end_s - offset))
    if last <= first:
        return
    severity = largest(changes) / stage.world.limit
    for point in np.flatnonzero(severity > NOTICED):
        moved = changes[point, :3]
        event = "sag" if abs(moved.min()) >= moved.max() else "swell"
        when = slice(first, last)
        labels.mark(int(point), when, event, phases_hit(moved), float(severity[point]))
