"""A step of a capacitor bank that is switched: a rapid voltage change that belongs to normal operation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulation.errors import InfeasibleError
from simulation.scenario.departure import NOTICED, departure, largest
from simulation.scenario.episode import Episode
from simulation.scenario.recording import Recording, Timeline
from simulation.scenario.regulation import apply
from simulation.scenario.stage import Stage


def simulate_bank_switching(stage: Stage) -> Episode:
    """Switch one step of a drawn bank in or out at a drawn instant.

    Raises:
        InfeasibleError: The substation has no switched capacitors.
    """
    engine, rng, world, seconds = stage.engine, stage.rng, stage.world, stage.seconds
    regulators, s_va = world.regulators, stage.conditions.s_va
    if not regulators.banks:
        raise InfeasibleError(f"{world.substation.name}: there is no capacitor bank to switch")
    k = int(rng.integers(len(regulators.banks)))
    bank, steps = regulators.banks[k], list(stage.positions.steps)
    up = steps[k] == 0 or (steps[k] < bank.steps and rng.random() < 0.5)
    steps[k] += 1 if up else -1
    moved = replace(stage.positions, steps=tuple(steps))
    start = float(rng.uniform(2.0, seconds - 2.0))
    second = int(start)
    recording = Recording()
    calm = engine.solve(s_va)
    quiet = recording.add(engine.network(), calm, engine.emf_v, s_va)
    try:
        apply(engine, regulators, moved)
        v = engine.solve(s_va[second:])
        after = recording.add(engine.network(), v, engine.emf_v, s_va[second:])
    finally:
        apply(engine, regulators, stage.positions)
    nodes = engine.layout.point_nodes
    change = largest(departure(calm[second, nodes], v[0, nodes]))
    labels = stage.quiet_labels()
    for point in np.flatnonzero(change > NOTICED * world.limit):
        severity = float(change[point] / world.limit[point])
        labels.mark(int(point), slice(second, second + 1), "switching", "abc", severity)
    return stage.episode(
        recording,
        Timeline.merged(seconds, [(0.0, start, quiet), (start, float(seconds), after)]),
        labels,
        cause="capacitor_switching",
        severity=float((change / world.limit).max()),
        parameters={
            "aim": "",
            "bank": bank.name,
            "steps": [stage.positions.steps[k], steps[k]],
            "step_var": bank.step_var,
            "start_s": start,
            "change_pct": 100.0 * float(change.max()),
        },
        positions=(stage.positions,) * second + (moved,) * (seconds - second),
    )
