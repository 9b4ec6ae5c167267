"""The flickermeter of IEC 61000-4-15 (230 V, 50 Hz lamp) on the envelope of a voltage.

The envelope is what demodulating leaves of the voltage: squared, it takes the place of block 2's output.
Blocks 3 and 4 are applied in the frequency domain; constants of the weighting filter, the classifier and the
percentiles are the standard's (as public implementations have them). For small changes Pst is proportional
to their size.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np

from simulation.engine.network import Complexes
from simulation.noise import Floats

RATE_HZ = 50.0
"""Samples of an envelope in a second."""

# Block 3: high pass, low pass of order 6, weighting filter. Block 4: smoothing.
_HIGH_PASS_HZ, _LOW_PASS_HZ, _LOW_PASS_ORDER, _SMOOTHING_S = 0.05, 35.0, 6, 0.3
_K, _LAMBDA = 1.74802, 2.0 * np.pi * 4.05981
_W1, _W2, _W3, _W4 = (2.0 * np.pi * hz for hz in (9.15494, 2.27979, 1.22535, 21.9))
# A sine of 8.8 Hz whose largest less its smallest value is 0.25 % gives a largest sensation of 1.
_PERCEPTIBLE_HZ, _PERCEPTIBLE = 8.8, 0.0025
# Block 5: percentages of the time, averaged in groups, and their weights.
_EXCEEDED = ((0.1,), (0.7, 1.0, 1.5), (2.2, 3.0, 4.0), (6.0, 8.0, 10.0, 13.0, 17.0), (30.0, 50.0, 80.0))
_WEIGHTS = np.array([0.0314, 0.0525, 0.0657, 0.28, 0.08])
# The sensation holds nothing above a few hertz: it is classified at this rate.
_CLASSIFIED_HZ = 20.0


def pst(envelope: Floats, rate_hz: float = RATE_HZ) -> float:
    """Short-term flicker severity of an envelope in multiples of its mean.

    Pst = √(0.0314·P0.1 + 0.0525·P1s + 0.0657·P3s + 0.28·P10s + 0.08·P50s).

    Args:
        envelope: Amplitude over the interval, shape [n]; its end is taken to go on into its beginning.
        rate_hz: Its samples in a second.
    """
    sensation = _sensation(envelope, rate_hz)
    flat = [100.0 - share for group in _EXCEEDED for share in group]
    found = np.percentile(sensation, flat)
    ends = np.cumsum([0, *(len(group) for group in _EXCEEDED)])
    groups = np.array([found[a:b].mean() for a, b in pairwise(ends)])
    return float(np.sqrt(max(float(_WEIGHTS @ groups), 0.0)))


def step_pst(change_pct: Floats, interval_s: float = 600.0) -> Floats:
    """Pst of a single step: (t_f/T_p)^(1/3.2), t_f = 2.3·(F·d_max)^3.2, F = 1 (IEC 61000-3-3, 6.3.2).

    Args:
        change_pct: Sizes of the steps, %.
        interval_s: T_p.
    """
    return np.asarray((2.3 / interval_s) ** (1.0 / 3.2) * np.abs(change_pct))


def _sensation(envelope: Floats, rate_hz: float) -> Floats:
    """Instantaneous flicker sensation at about 20 Hz."""
    size = envelope.size
    squared = (envelope / envelope.mean()) ** 2
    weighting, smoothing, gain = _filters(size, rate_hz)
    weighted = np.fft.irfft(np.fft.rfft(squared) * weighting, size)
    kept = round(size * _CLASSIFIED_HZ / rate_hz)
    spectrum = np.fft.rfft(weighted**2)[: kept // 2 + 1] * smoothing[: kept // 2 + 1]
    return np.asarray(np.maximum(np.fft.irfft(spectrum, kept) * (gain * kept / size), 0.0))


@lru_cache(maxsize=8)
def _filters(size: int, rate_hz: float) -> tuple[Complexes, Complexes, float]:
    """Blocks 3 and 4 at the frequencies of a real transform, and the gain behind them."""
    s: Complexes = 2j * np.pi * np.fft.rfftfreq(size, 1.0 / rate_hz).astype(np.complex128)
    perceptible: Complexes = np.array([2j * np.pi * _PERCEPTIBLE_HZ], dtype=np.complex128)
    # An envelope of 1 + m/2·sin ωt is 1 + m·sin ωt after squaring; squared again behind the filter and
    # smoothed it has the mean (m·|H|)²/2 and a ripple at 2ω.
    amplitude = _PERCEPTIBLE * abs(complex(_weighting(perceptible)[0]))
    ripple = abs(complex(_smoothing(np.asarray(2.0 * perceptible))[0]))
    return _weighting(s), _smoothing(s), 1.0 / (amplitude**2 / 2.0 * (1.0 + ripple))


def _weighting(s: Complexes) -> Complexes:
    corner, low = 2.0 * np.pi * _HIGH_PASS_HZ, 2.0 * np.pi * _LOW_PASS_HZ
    poles = np.exp(1j * np.pi * (0.5 + (np.arange(_LOW_PASS_ORDER) + 0.5) / _LOW_PASS_ORDER))
    butterworth = 1.0 / np.prod(s[:, None] / low - poles, axis=1)
    eye = _K * _W1 * s / (s**2 + 2.0 * _LAMBDA * s + _W1**2)
    eye *= (1.0 + s / _W2) / ((1.0 + s / _W3) * (1.0 + s / _W4))
    return np.asarray(s / (s + corner) * butterworth * eye)


def _smoothing(s: Complexes) -> Complexes:
    return np.asarray(1.0 / (1.0 + _SMOOTHING_S * s))
