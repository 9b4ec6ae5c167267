"""What the instruments of a transformer say: its top-oil thermometer and its bay's meter."""

from __future__ import annotations

import numpy as np

from simulation.noise import Floats
from simulation.thermal.cooling import LARGE_MVA

RESOLUTION_K = (1.0, 0.1)
"""Steps of a dial thermometer with a repeater, and of a resistance thermometer with a transmitter."""

_NOISE_K, _LOST = 0.05, 0.001


def measured_oil(rng: np.random.Generator, oil_c: Floats, rated_mva: float) -> Floats:
    """Readings of a Pt100 of class B: |error| ≤ 0.3 K + 0.005·|θ| (IEC 60751); NaN where one is lost.

    The error is drawn once, with a standard deviation of 45 % of the limit and cut at 95 %; noise of 0.05 K
    comes on top. Transformers above 100 MVA are read in steps of 0.1 K, others of 1 K.

    Args:
        rng: Source of randomness.
        oil_c: True top oil, °C, shape [n].
        rated_mva: Rated power.
    """
    error = np.clip(rng.normal(0.0, 0.45), -0.95, 0.95) * (0.3 + 0.005 * np.abs(oil_c))
    resolution = RESOLUTION_K[int(rated_mva > LARGE_MVA)]
    read = np.round((oil_c + error + rng.normal(0.0, _NOISE_K, oil_c.size)) / resolution) * resolution
    lost = rng.random(oil_c.size) < _LOST
    return np.asarray(np.where(lost, np.nan, np.round(read, 1)), dtype=np.float64)


LOAD_LIMIT = 0.01
"""Ratio errors of a voltage and a current transformer of class 0.5 together (IEC 61869-2 and -3)."""

_LOAD_NOISE, _LOAD_STEP_PU = 0.001, 0.001


def measured_load(rng: np.random.Generator, load_pu: Floats) -> Floats:
    """Mean load of each minute as the bay's meter has it, in steps of 0.001 of the rating.

    The ratio error is drawn once, with a standard deviation of 45 % of `LOAD_LIMIT` and cut at 95 %; noise of
    0.1 % comes on top.

    Args:
        rng: Source of randomness.
        load_pu: True load over the rated power, shape [n].
    """
    error = np.clip(rng.normal(0.0, 0.45), -0.95, 0.95) * LOAD_LIMIT
    read = load_pu * (1.0 + error + rng.normal(0.0, _LOAD_NOISE, load_pu.size))
    return np.asarray(np.round(np.round(read / _LOAD_STEP_PU) * _LOAD_STEP_PU, 3), dtype=np.float64)
