"""Harmonic phasors at the measurement points, and the figures that are made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.engine.network import Complexes
from simulation.noise import Floats
from simulation.sequence import line_voltages


@dataclass(frozen=True, slots=True)
class HarmonicStates:
    """Phasors (RMS) of orders 1 … 40 at one instant; that of order h turns h times as fast as the first.

    Attributes:
        v: Phase voltages, V, shape [p, 3, 40].
        i: Currents out of the busbars, A, shape [p, 3, 40].
    """

    v: Complexes
    i: Complexes

    def scaled(self, factor: float) -> HarmonicStates:
        """The same with all orders from 2 on multiplied: the network is linear in what is emitted."""
        level = np.ones(self.v.shape[-1])
        level[1:] = factor
        return HarmonicStates(self.v * level, self.i * level)

    @property
    def v_ll(self) -> Complexes:
        """Line voltages ab, bc, ca, V, shape [p, 3, 40]."""
        return np.asarray(line_voltages(self.v.transpose(0, 2, 1)).transpose(0, 2, 1))

    @property
    def thd_v_pct(self) -> Floats:
        """Total harmonic distortion of the phase voltages, shape [p, 3]."""
        return thd_pct(self.v)

    @property
    def thd_i_pct(self) -> Floats:
        """Total harmonic distortion of the currents, shape [p, 3]."""
        return thd_pct(self.i)


def thd_pct(phasors: Complexes) -> Floats:
    """Total harmonic distortion, %: 100·√(Σ|X_h|², h = 2 … 40)/|X_1| (IEC 61000-4-7, 3.3.2).

    Args:
        phasors: Orders 1 … 40 along the last axis.

    Returns:
        Shape without the last axis; NaN where there is no fundamental.
    """
    size = np.abs(phasors)
    fundamental = size[..., 0]
    rest = np.sqrt((size[..., 1:] ** 2).sum(axis=-1))
    return np.asarray(100.0 * rest / np.where(fundamental > 0.0, fundamental, np.nan))


def rms_factor(phasors: Complexes, level: Floats) -> Floats:
    """RMS as a multiple of the fundamental's, √(1 + (level·THD)²).

    Args:
        phasors: Orders 1 … 40 along the last axis, shape [p, 3, 40].
        level: Distortion in each second as a multiple of that of `phasors`, shape [t].

    Returns:
        Shape [p, t, 3]; 1 where there is no fundamental.
    """
    distortion = np.nan_to_num(thd_pct(phasors)) / 100.0
    return np.asarray(np.sqrt(1.0 + (level[None, :, None] * distortion[:, None, :]) ** 2))
