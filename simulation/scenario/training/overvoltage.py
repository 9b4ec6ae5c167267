"""The station's supply stands at 1.10 of nominal for half a minute: 440 kV where 420 are permitted."""

from __future__ import annotations

import numpy as np

from simulation.engine.network import Complexes
from simulation.errors import InfeasibleError
from simulation.scenario.departure import NOTICED, departure, largest
from simulation.scenario.episode import Episode
from simulation.scenario.recording import Recording, Timeline
from simulation.scenario.stage import Stage
from simulation.scenario.training.spells import described, mark_quiet_moves, run
from simulation.sequence import sequence_components

LEVEL_PU, DURATION_S = 1.10, 30
_START_S = (20, 60)
_MOST_RISE, _HALVINGS = 0.5, 34


def simulate_overvoltage(stage: Stage) -> Episode:
    """Play a rejection of load on the grid.

    Its long lines are left without load and their charging lifts the voltage behind the grid's impedance
    (Ferranti); reactors that are switched in there end it. The internal voltage is raised until the
    busbar of the first infeed stands at 1.10 pu in positive sequence.
    """
    start = int(stage.rng.integers(*_START_S))
    stop, s_va = start + DURATION_S, stage.conditions.s_va
    rise = _find_rise(stage, s_va[start:stop].mean(axis=0)[None])
    recording = Recording()
    raised = stage.emf_pu * (1.0 + rise)
    spells = ((start, stage.emf_pu), (stop, raised), (stage.seconds, stage.emf_pu))
    operation = run(stage, s_va, spells, recording)
    v = recording.states().v[operation.states]
    changes = largest(departure(v[start - 1], v[start]))
    labels, limit = stage.quiet_labels(), stage.world.limit
    severity = np.where(changes > NOTICED * limit, changes / limit, 0.0)
    for k in np.flatnonzero(severity):
        labels.mark_all(int(k), slice(start, stop), "swell", "abc", float(severity[k]))
    mark_quiet_moves(stage, recording, operation, labels, (start, stop))
    return stage.episode(
        recording,
        Timeline.steady(operation.states),
        labels,
        cause="load_rejection",
        severity=float(severity.max()),
        parameters={
            "situation": "overvoltage",
            "bus": _bus(stage),
            "level_pu": LEVEL_PU,
            "start_s": start,
            "duration_s": DURATION_S,
            "emf_rise": rise,
            "moves": described(operation.moves),
        },
        positions=operation.positions,
    )


def _bus(stage: Stage) -> str:
    return stage.world.substation.infeeds[0].bus


def _find_rise(stage: Stage, s_va: Complexes) -> float:
    """Relative rise of the internal voltage that brings the busbar to the level, by bisection."""
    engine, low, high = stage.engine, 0.0, _MOST_RISE
    nodes = engine.layout.bus_nodes(_bus(stage))
    base_v = float(engine.layout.base_v[nodes[0]])

    def level(rise: float) -> float:
        engine.set_emf(stage.emf_pu * (1.0 + rise))
        return abs(complex(sequence_components(engine.solve(s_va)[0, nodes])[1])) / base_v

    try:
        if level(high) < LEVEL_PU:
            raise InfeasibleError(
                f"{engine.substation.name}: no internal voltage up to {1.0 + high:g} times the usual one "
                f"brings {_bus(stage)} to {LEVEL_PU:g} pu",
                "see the grid's short-circuit power there",
            )
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if level(middle) < LEVEL_PU else (low, middle)
    finally:
        engine.set_emf(stage.emf_pu)
    return high
