"""Captures: ten cycles of three voltages and three currents, from phasors to the recorder's numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.engine.network import Complexes
from simulation.harmonics.capture import Interharmonics
from simulation.noise import Floats

RATE_HZ = 6400.0
"""Samples a second: 128 in a cycle of 50 Hz."""

CYCLES = 10

# The converter's range reaches to twice the peak of nominal; noise beside its steps, in shares of that range.
_BITS, _RANGE_PU, _NOISE = 16, 2.0, 4.0e-5
# The range of a current input: fault currents must fit in.
_CURRENT_RANGE_PU = 8.0

Samples = NDArray[np.float32]


def sample_times(nominal_hz: float) -> Floats:
    """Seconds of the samples of one capture from the first, shape [n]; 1280 at 50 Hz."""
    return np.asarray(np.arange(round(CYCLES * RATE_HZ / nominal_hz)) / RATE_HZ)


def synthesise(phasors: Complexes, f_hz: float, times: Floats) -> Floats:
    """x(t) = √2·Re Σ X_h·exp(j·2π·h·f·t), h = 1 … 40.

    Args:
        phasors: RMS phasors at the first sample, shape [..., 40].
        f_hz: Frequency of the fundamental; sampling is not locked to it.
        times: Times of the samples, s, shape [n].

    Returns:
        Shape [..., n].
    """
    turn = np.exp(2j * np.pi * f_hz * times)
    orders = np.multiply.accumulate(np.broadcast_to(turn, (phasors.shape[-1], times.size)), axis=0)
    # The real part of a product of complex matrices, at half the price.
    return np.asarray(np.sqrt(2.0) * (phasors.real @ orders.real - phasors.imag @ orders.imag))


def started(phasors: Complexes, start_rad: Floats) -> Complexes:
    """Phasors once the fundamental has turned by `start_rad`, that of order h by h times as much.

    Args:
        phasors: Orders 1 … 40 along the last axis, shape [k, 3, 40].
        start_rad: Shape [k, 1].
    """
    orders = np.arange(1, phasors.shape[-1] + 1)
    return np.asarray(phasors * np.exp(1j * start_rad * orders)[:, None, :])


def tones(
    share: Floats, interharmonics: Interharmonics, fundamental: Complexes, transfer: Complexes, turns: Floats
) -> Floats:
    """What lies between the orders of one point's three phases, shape [3, n].

    Args:
        share: RMS of each tone in shares of the fundamental, shape [tones].
        interharmonics: Their orders and angles.
        fundamental: Phasors of the three phases at the first sample, shape [3].
        transfer: Transfer functions at the tones' frequencies, shape [3, tones].
        turns: Turns that the fundamental has made since the first sample, shape [n].
    """
    phasors = fundamental[:, None] * share * np.exp(1j * interharmonics.turn_rad) * transfer
    wave = np.exp(2j * np.pi * interharmonics.order[:, None] * turns)
    return np.asarray(np.sqrt(2.0) * (phasors @ wave).real)


@dataclass(frozen=True, slots=True)
class Recorder:
    """The digital side of a capture.

    Attributes:
        v_range: Peak voltage of full scale, V.
        i_range: Peak current of full scale, A.
    """

    v_range: float
    i_range: float

    @classmethod
    def of(cls, nominal_v: float, rated_a: float) -> Recorder:
        """A recorder for a point's nominal phase voltage and rated current (RMS)."""
        peak = np.sqrt(2.0)
        return cls(_RANGE_PU * peak * nominal_v, _CURRENT_RANGE_PU * peak * rated_a)

    def digitise(self, rng: np.random.Generator, v: Floats, i: Floats) -> tuple[Samples, Samples]:
        """Noise, steps of 16 bits, saturation.

        Args:
            rng: Source of randomness.
            v: Voltages, shape [3, n].
            i: Currents, shape [3, n].
        """
        return _digitise(rng, v, self.v_range), _digitise(rng, i, self.i_range)


def _digitise(rng: np.random.Generator, values: Floats, full_scale: float) -> Samples:
    step = full_scale / 2.0 ** (_BITS - 1)
    noisy = values + _NOISE * full_scale * rng.standard_normal(values.shape, dtype=np.float32)
    counts = np.clip(np.rint(noisy / step), -(2.0 ** (_BITS - 1)), 2.0 ** (_BITS - 1) - 1.0)
    return np.asarray(counts * step, dtype=np.float32)
