"""A swell: the grid loses load, and its voltage stands high until regulators have taken it back."""

from __future__ import annotations

import numpy as np

from simulation.scenario.departure import NOTICED, departure, draw_severity, largest, seen_for
from simulation.scenario.episode import Episode
from simulation.scenario.recording import Recording, Timeline
from simulation.scenario.stage import Stage

_DURATION_S = (0.1, 2.5)
# Constant-power loads answer a little more than in proportion: so many corrections hit the rise to 1e-4 of
# it.
_CORRECTIONS = 3


def simulate_load_rejection(stage: Stage) -> Episode:
    """Play a step of the grid's internal voltage that gives a rise of drawn severity at a drawn point."""
    engine, rng, world, seconds = stage.engine, stage.rng, stage.world, stage.seconds
    watched, severity = int(rng.integers(stage.points)), draw_severity(rng)
    duration = float(np.exp(rng.uniform(*np.log(_DURATION_S))))
    start = float(rng.uniform(1.0, seconds - duration - 0.5))
    end, first, last = start + duration, int(start), int(np.ceil(start + duration))
    s_va, nodes = stage.conditions.s_va, engine.layout.point_nodes
    recording = Recording()
    calm = engine.solve(s_va)
    quiet = recording.add(engine.network(), calm, engine.emf_v, s_va)
    before = calm[first][nodes]
    share = 1.0 if world.sees_half_cycles[watched] else min(duration, 1.0)
    wanted = severity * float(world.limit[watched]) / share
    rise = wanted
    try:
        for _ in range(_CORRECTIONS):
            engine.set_emf(stage.emf_pu * (1.0 + rise))
            v = engine.solve(s_va[first : first + 1])
            rise *= wanted / float(departure(before[[watched]], v[0][nodes[[watched]]]).max())
        engine.set_emf(stage.emf_pu * (1.0 + rise))
        v = engine.solve(s_va[first:last])
        high = recording.add(engine.network(), v, engine.emf_v, s_va[first:last])
    finally:
        engine.set_emf(stage.emf_pu)
    spells = [(0.0, start, quiet), (start, end, high), (end, float(seconds), quiet[int(end) :])]
    changes = departure(before, v[0][nodes])
    labels = stage.quiet_labels()
    for k in range(stage.points):
        seen = float(seen_for(changes[k], duration, half_cycles=bool(world.sees_half_cycles[k])))
        if seen > NOTICED * world.limit[k]:
            labels.mark_all(k, slice(first, last), "swell", "abc", seen / float(world.limit[k]))
    return stage.episode(
        recording,
        Timeline.merged(seconds, spells),
        labels,
        cause="load_rejection",
        severity=float(largest(changes)[watched]) * share / float(world.limit[watched]),
        parameters={
            "aim": "severity",
            "watched": stage.point_name(watched),
            "drawn": severity,
            "start_s": start,
            "duration_s": duration,
            "emf_rise": rise,
        },
    )
