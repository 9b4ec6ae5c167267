"""What the meter says of the system's frequency."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data_contracts.ranges import INVALID, QUESTIONABLE
from simulation.noise import Floats

# Noise of a one-second mean and digital step.
_NOISE_HZ, _STEP_HZ = 3.0e-4, 1.0e-3
# Shares of lost samples, of runs of them that begin in a second, and of seconds without the clock's signal.
_LOST_SHARE, _LOST_RUN_SHARE, _NO_CLOCK_SHARE = 2.0e-4, 2.0e-5, 1.0e-4
_RUN_S = (2, 7)


def read_frequency(rng: np.random.Generator, f_hz: Floats) -> tuple[Floats, NDArray[np.int8]]:
    """Measure one episode's frequency.

    Args:
        rng: Source of randomness.
        f_hz: True means over the seconds, shape [t].

    Returns:
        What was said, NaN where nothing was, and the validity; shape [t] each.
    """
    seconds = f_hz.size
    said = np.rint((f_hz + _NOISE_HZ * rng.standard_normal(seconds)) / _STEP_HZ) * _STEP_HZ
    quality = np.zeros(seconds, dtype=np.int8)
    chance = rng.random((3, seconds))
    quality[_with_runs(rng, chance[2] < _NO_CLOCK_SHARE)] = QUESTIONABLE
    lost = (chance[0] < _LOST_SHARE) | _with_runs(rng, chance[1] < _LOST_RUN_SHARE)
    said[lost] = np.nan
    quality[lost] = INVALID
    return said, quality


def _with_runs(rng: np.random.Generator, begins: NDArray[np.bool_]) -> NDArray[np.bool_]:
    found = np.zeros_like(begins)
    for first in np.flatnonzero(begins):
        found[first : first + int(rng.integers(*_RUN_S))] = True
    return found
