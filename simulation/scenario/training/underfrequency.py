"""The grid's frequency stands at 49.2 Hz for a minute."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulation.noise import Floats
from simulation.scenario.episode import Episode
from simulation.scenario.recording import Recording, Timeline
from simulation.scenario.stage import Stage
from simulation.scenario.training.spells import described, mark_quiet_moves, run

DEPTH, HOLD_S = 0.016, 60
"""Share of the nominal frequency that is lacking: 49.2 Hz of 50."""

_START_S, _FALL_S, _RECOVERY_S = (8, 18), (8.0, 20.0), (25.0, 45.0)
# Load that is lost with one per cent of frequency, in per cent: the range of kind `frequency`.
_DAMPING = (0.5, 2.0)
# Below this the frequency is outside of the band of normal operation, of nominal: 49.9 Hz of 50.
_BAND = 0.998
# IEC 61000-4-30, class A.
_LIMIT_HZ = 0.01


def simulate_underfrequency(stage: Stage) -> Episode:
    """Play a loss of generation that the reserves of the grid do not make up for until help has come.

    The frequency rides down, stands at 49.2 Hz for a minute and recovers, with its quiet movement on top;
    the feeders' load falls by their damping. The network's reactances are those of 50 Hz throughout.
    """
    rng, nominal = stage.rng, float(stage.world.substation.frequency_hz)
    start = int(rng.integers(*_START_S))
    fall_s, recovery_s, damping = (float(rng.uniform(*span)) for span in (_FALL_S, _RECOVERY_S, _DAMPING))
    lacking = _lacking(stage.seconds, start, fall_s, recovery_s)
    quiet = stage.conditions.f_hz - nominal
    held = lacking >= 1.0
    f_hz = nominal + quiet - lacking * (DEPTH * nominal + quiet[held].mean())
    s_va = stage.conditions.s_va.copy()
    feeders = 3 * len(stage.world.substation.feeders)
    s_va[:, :feeders] *= 1.0 + damping * (f_hz[:, None] / nominal - 1.0)
    conditions = replace(stage.conditions, s_va=s_va, f_hz=f_hz)
    stage, recording = replace(stage, conditions=conditions), Recording()
    operation = run(stage, s_va, ((stage.seconds, stage.emf_pu),), recording)
    below = f_hz < _BAND * nominal
    severity = float(nominal - f_hz.min()) / _LIMIT_HZ
    labels = stage.quiet_labels()
    for k in range(stage.points):
        labels.mark_all(k, below, "underfrequency", "abc", severity)
    seconds = np.flatnonzero(below)
    mark_quiet_moves(stage, recording, operation, labels, (int(seconds[0]), int(seconds[-1]) + 1))
    return stage.episode(
        recording,
        Timeline.steady(operation.states),
        labels,
        cause="generation_loss",
        severity=severity,
        parameters={
            "situation": "underfrequency",
            "level_hz": (1.0 - DEPTH) * nominal,
            "start_s": start,
            "fall_s": fall_s,
            "duration_s": HOLD_S,
            "recovery_s": recovery_s,
            "damping": damping,
            "moves": described(operation.moves),
        },
        positions=operation.positions,
    )


def _lacking(seconds: int, start: int, fall_s: float, recovery_s: float) -> Floats:
    """Share of the full depth in each second, shape [t]: half a cosine down, the minute, half a cosine up."""
    since = np.arange(seconds) + 0.5 - start
    # Whole seconds stand at the full depth.
    hold = float(np.ceil(fall_s))
    down = 0.5 - 0.5 * np.cos(np.pi * np.clip(since / fall_s, 0.0, 1.0))
    up = 0.5 - 0.5 * np.cos(np.pi * np.clip((since - hold - HOLD_S) / recovery_s, 0.0, 1.0))
    return np.asarray(down - up)
