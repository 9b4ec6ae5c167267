"""What fluctuating loads draw, as a multiple of their swing, over ten minutes at the flickermeter's rate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulation.noise import Floats
from simulation.quality.flickermeter import RATE_HZ

# An arc furnace: power density of its swings falls with the square of the frequency above this corner, Hz;
# bore-in, melting and refining change its vigour over minutes: deviation of its logarithm, seconds.
_CORNER_HZ, _VIGOUR, _VIGOUR_S = (0.5, 4.0), 0.35, 120.0
# Welders: welds a minute, log-uniform, and how long each lasts. Mills and cranes: starts a minute, likewise.
_WELDS_PER_MIN, _WELD_S = (20.0, 240.0), (0.06, 0.6)
_STARTS_PER_MIN, _RUN_S = (0.8, 6.0), (4.0, 15.0)
_START_PEAK, _START_DECAY_S = 2.5, 0.7


def furnace(rng: np.random.Generator, seconds: int) -> Floats:
    """An arc furnace's swings: noise with a corner, more and less vigorous over minutes, shape [n]."""
    size = round(seconds * RATE_HZ)
    f_hz = np.fft.rfftfreq(size, 1.0 / RATE_HZ)
    shape = 1.0 / (1.0 + (f_hz / rng.uniform(*_CORNER_HZ)) ** 2)
    shape[0] = 0.0
    noise = rng.standard_normal((2, f_hz.size))
    swings = np.fft.irfft((noise[0] + 1j * noise[1]) * np.sqrt(shape), size)
    swings /= swings.std()
    knots = np.arange(0.0, seconds + _VIGOUR_S, _VIGOUR_S / 2.0)
    vigour = np.interp(np.arange(size) / RATE_HZ, knots, _VIGOUR * rng.standard_normal(knots.size))
    return np.asarray(0.5 * swings * np.exp(vigour))


def welders(rng: np.random.Generator, seconds: int) -> Floats:
    """Spot welders: pulses of one length at random distances, shape [n]."""
    per_min = float(np.exp(rng.uniform(*np.log(_WELDS_PER_MIN))))
    length = rng.uniform(*_WELD_S)
    return np.minimum(_pulses(rng, seconds, per_min, lambda since: (since < length).astype(np.float64)), 2.0)


def starts(rng: np.random.Generator, seconds: int) -> Floats:
    """Mills, cranes and compressors: an inrush that dies down, then a run, then rest, shape [n]."""
    per_min = float(np.exp(rng.uniform(*np.log(_STARTS_PER_MIN))))
    run = rng.uniform(*_RUN_S)

    def drawn(since: Floats) -> Floats:
        inrush = (_START_PEAK - 1.0) * np.exp(-since / _START_DECAY_S)
        return np.asarray(np.where(since < run, (1.0 + inrush) / _START_PEAK, 0.0))

    return _pulses(rng, seconds, per_min, drawn)


KINDS: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "arc_furnace": furnace,
    "welders": welders,
    "motor_starts": starts,
}
"""Every kind of fluctuating load."""


def _pulses(
    rng: np.random.Generator, seconds: int, per_min: float, drawn: Callable[[Floats], Floats]
) -> Floats:
    """The latest of pulses that begin at random: `drawn` of the seconds since its beginning."""
    gaps = rng.uniform(0.6, 1.4, int(2.0 * seconds * per_min / 60.0) + 8) * 60.0 / per_min
    begin = np.cumsum(gaps) - gaps[0] * rng.random() - gaps[0]
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    latest = np.searchsorted(begin, t, side="right") - 1
    return np.asarray(np.where(latest >= 0, drawn(t - begin[np.maximum(latest, 0)]), 0.0))
