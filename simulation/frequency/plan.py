"""What happens in an episode: whether, when and how large."""

from __future__ import annotations

import numpy as np

from simulation.frequency.disturbance import Disturbance
from simulation.frequency.region import Region

HISTORY_S = 600
"""Seconds that are mostly quiet at an episode's beginning: what a predictor with a long memory has seen."""

_EVENTFUL, _EARLY = 0.5, 0.4
_APART_S = (15.0, 130.0)
# Largest and smallest loss, pu of the load, and the exponent of the law of sizes.
_SMALLEST, _LARGEST, _TAIL = 0.005, 0.08, 0.3
# Rate of change of frequency to which operators limit the largest infeed by the inertia that is connected
# (loss-of-mains relays trip from 0.125 to 1 Hz/s; from common knowledge), and the steepest ramp, pu/s.
_ROCOF_HZ_S, _STEEPEST = 0.5, 0.004
_STEP_S = 0.05


def draw_events(
    rng: np.random.Generator, region: Region, inertia_s: float, seconds: int
) -> tuple[Disturbance, ...]:
    """Draw an episode's events, in the order of their onsets; none in about half of them."""
    if rng.random() >= _EVENTFUL:
        return ()
    history = min(HISTORY_S, 2 * seconds // 3)
    onsets = []
    if rng.random() < _EARLY:
        onsets.append(float(rng.uniform(0.1 * history, 0.9 * history)))
    onset = float(rng.uniform(history, history + 0.5 * (seconds - history)))
    while onset < seconds - 20:
        onsets.append(onset)
        # Often before the system has recovered from the one before.
        onset += float(rng.uniform(*_APART_S))
    return tuple(_draw_event(rng, region, inertia_s, round(onset / _STEP_S) * _STEP_S) for onset in onsets)


def _draw_event(rng: np.random.Generator, region: Region, inertia_s: float, onset_s: float) -> Disturbance:
    kinds = ("unit_trip", "load_step", "load_loss", "ramp", "inertia_change")
    rest = 1.0 - region.ramp
    kind = kinds[int(rng.choice(5, p=[0.45 * rest, 0.25 * rest, 0.26 * rest, region.ramp, 0.04 * rest]))]
    size = _size(rng, min(_LARGEST, _ROCOF_HZ_S * 2.0 * inertia_s / 50.0))
    if kind == "unit_trip":
        # One in five infeeds that trip has no rotor: a wind or solar park, a converter station.
        if rng.random() < 0.2:
            return Disturbance(kind, onset_s, -size)
        share = min(size * rng.uniform(0.8, 1.6), 0.3)
        return Disturbance(
            kind, onset_s, -size, 0.0, float(inertia_s * share), float(size * rng.uniform(0.0, 2.0))
        )
    if kind == "load_step":
        return Disturbance(kind, onset_s, -0.8 * size)
    if kind == "load_loss":
        return Disturbance(kind, onset_s, 0.8 * size)
    if kind == "ramp":
        sign = -1.0 if rng.random() < 0.5 else 1.0
        size = _size(rng, _LARGEST)
        rise_s = max(float(rng.uniform(10.0, 120.0)), size / _STEEPEST)
        return Disturbance(kind, onset_s, sign * size, rise_s)
    # Synchronous units leave in an orderly way: their output was moved before, little is left of it.
    return Disturbance(
        kind,
        onset_s,
        -0.1 * size,
        float(rng.uniform(2.0, 10.0)),
        float(inertia_s * rng.uniform(0.05, 0.25)),
        0.05,
    )


def _size(rng: np.random.Generator, largest: float) -> float:
    """A size by Pareto's law between its bounds."""
    low, high = _SMALLEST**-_TAIL, largest**-_TAIL
    return float((low - rng.random() * (low - high)) ** (-1.0 / _TAIL))
