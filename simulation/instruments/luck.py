"""What chance does to the readings of one episode, drawn at once and in a fixed order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from simulation.instruments.seconds import HALF_CYCLES
from simulation.noise import Floats, largest_of

# Standard deviation of a synchronised clock and the most by which it is off; how far an unsynchronised one is
# off.
_CLOCK_S, _CLOCK_CUT_S, _LOST_CLOCK_S = 0.005, 0.02, 0.2
# Shares of the points that have lost their clock's signal and that lose a run of samples; share of lost rows.
_LOST_CLOCK_SHARE, _LOST_RUN_SHARE, _LOST_ROW_SHARE = 0.004, 0.004, 0.0010
_LOST_RUN = (2, 7)

Singles = NDArray[np.float32]
Real = TypeVar("Real", np.float32, np.float64)


@dataclass(frozen=True, slots=True)
class Luck:
    """Draws for all points of an episode; they do not depend on what is measured.

    Attributes:
        skew_s: How far each point's clock is ahead, s, shape [p].
        lost_clock: Points whose clock has lost its signal, shape [p].
        devices: Standard normal errors of the devices: ratio and phase of voltage, then of current, shape
            [4, p, 3].
        noise: Standard normal noise of the means, shape [p, t, 15].
        flicker: Standard normal, how restless each point is, shape [p].
        tails: Largest of a second's standard normal half-cycle values, down- and upwards, shape [p, t, 6].
        f: Standard normal noise of the frequency, shape [p, t].
        lost: Samples that get lost, shape [p, t].
    """

    skew_s: Floats
    lost_clock: NDArray[np.bool_]
    devices: Floats
    noise: Singles
    flicker: Floats
    tails: Floats
    f: Floats
    lost: NDArray[np.bool_]


def draw_luck(rng: np.random.Generator, points: int, seconds: int) -> Luck:
    """Draw an episode's luck."""
    skew_s = np.clip(_CLOCK_S * rng.standard_normal(points), -_CLOCK_CUT_S, _CLOCK_CUT_S)
    lost_clock = rng.random(points) < _LOST_CLOCK_SHARE
    skew_s[lost_clock] = rng.uniform(-_LOST_CLOCK_S, _LOST_CLOCK_S, int(lost_clock.sum()))
    return Luck(
        skew_s=skew_s,
        lost_clock=lost_clock,
        devices=rng.standard_normal((4, points, 3)),
        # Single precision is plenty for noise, and twice as fast to draw.
        noise=_by_channel(rng.standard_normal((points, seconds, 15), dtype=np.float32)),
        flicker=rng.standard_normal(points),
        tails=_by_channel(largest_of(rng, HALF_CYCLES, (points, seconds, 6))),
        f=rng.standard_normal((points, seconds)),
        lost=_lost(rng, points, seconds),
    )


def _by_channel(drawn: NDArray[Real]) -> NDArray[Real]:
    """The same array with each channel together in memory, as the readings are computed."""
    return np.ascontiguousarray(drawn.transpose(2, 0, 1)).transpose(1, 2, 0)


def _lost(rng: np.random.Generator, points: int, seconds: int) -> NDArray[np.bool_]:
    lost = rng.random((points, seconds)) < _LOST_ROW_SHARE
    for point in np.flatnonzero(rng.random(points) < _LOST_RUN_SHARE):
        first = int(rng.integers(0, seconds))
        lost[point, first : first + int(rng.integers(*_LOST_RUN))] = True
    return lost
