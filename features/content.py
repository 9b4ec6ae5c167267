"""Content of three channels of a capture: fundamental, orders, distortion, and the phase that is worst."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.numbers import ONE
from features.spectrum import Complex, Float, Int, Lines, strongest

HIGHEST_ORDER = 40
# A distortion whose orders end below this is not called total.
LEAST_REACH = 25
# With fewer cycles the lines of neighbouring orders overlap.
FEWEST_CYCLES = 5
# The range in which an instrument of class A measures frequency: 42.5 to 57.5 Hz at 50 Hz.
FREQUENCY_RANGE = 0.15
# A fundamental below this share of nominal is no reference: the channel is dead.
LEAST_FUNDAMENTAL_PU = 1e-3

ORDERS = np.arange(1, HIGHEST_ORDER + 1)[:, None]


def fundamental_position(spectra: Complex, cycles: Float, nominal: Float, count: int) -> Float:
    """Position of the fundamental in bins by the voltages, by the currents where those are dead, NaN if none.

    Args:
        spectra: Of three voltages and three currents, [k, 6, bins].
        cycles: Nominal cycles in the capture, [k].
        nominal: Nominal voltage and current, [k, 2].
        count: Samples of each capture.
    """
    # The largest bin of a line holds at least 0.72 of its power: good enough to say whether there is any.
    least = (LEAST_FUNDAMENTAL_PU * count) ** 2 / 8.0 * nominal * nominal
    position, height = strongest(spectra[:, :3], cycles, FREQUENCY_RANGE)
    position[height < least[:, 0]] = np.nan
    dead = np.isnan(position)
    if np.count_nonzero(dead):
        by_current, height = strongest(spectra[dead, 3:], cycles[dead], FREQUENCY_RANGE)
        position[dead] = np.where(height >= least[dead, 1], by_current, np.nan)
    position[position < FEWEST_CYCLES] = np.nan
    return position


@dataclass(slots=True, eq=False)
class Content:
    """Orders of three channels, % of their fundamental; NaN for a dead channel.

    Attributes:
        rms: RMS of the orders, V or A, [k, 3, 40].
        fundamental: RMS of the fundamental where the channel is alive, [k, 3].
        ratio: Orders over the fundamental, %, [k, 3, 40].
        squares: Their squares.
        thd: Total harmonic distortion, %, [k, 3].
        phase: The phase with the largest, [k].
        reached: 1 where the sampling reaches the order, else NaN, [40, k].
        total: 1 where it reaches enough orders for a total, else NaN, [k].
    """

    rms: Float
    fundamental: Float
    ratio: Float
    squares: Float
    thd: Float
    phase: Int
    reached: Float
    total: Float

    @classmethod
    def of(cls, lines: Lines, place: int, nominal: Float, known: NDArray[np.bool_]) -> Content:
        """Content of one quantity.

        Args:
            lines: Of three voltages and three currents.
            place: 0 for the voltages, 1 for the currents.
            nominal: What a channel is measured by, [k].
            known: Whether the fundamental's position is known, [k].
        """
        rms, reached = lines.rms[:, 3 * place : 3 * place + 3], np.where(lines.reached >= ORDERS, 1.0, np.nan)
        alive = (rms[..., 0] >= LEAST_FUNDAMENTAL_PU * nominal[:, None]) & known[:, None]
        fundamental = np.where(alive, rms[..., 0], np.nan)
        ratio = rms * (100.0 / fundamental)[..., None]
        squares = ratio * ratio
        thd = np.sqrt(np.add.reduce(squares[..., 1:], axis=2))
        return cls(
            rms=rms,
            fundamental=fundamental,
            ratio=ratio,
            squares=squares,
            thd=thd,
            phase=np.argmax(np.where(alive, thd, -1.0), axis=1),
            reached=reached,
            total=reached[LEAST_REACH - 1],
        )

    def chosen(self, values: Float) -> Float:
        """`values` [k, 3, …] of the phase with the largest THD."""
        return np.asarray(values[np.arange(self.phase.shape[0]), self.phase])

    def crest(self, samples: Float) -> Float:
        """Largest sample over the RMS of all orders, of the phase with the largest THD, [k]."""
        peak = np.maximum(np.maximum.reduce(samples, axis=2), -np.minimum.reduce(samples, axis=2))
        share = np.sqrt(ONE + 1e-4 * self.thd * self.thd)
        return self.chosen(peak / (self.fundamental * share))

    def common(self, out: Float, places: Int) -> None:
        """Write the THD and the single orders into the first rows of `out`."""
        np.multiply(self.chosen(self.thd), self.total, out=out[0])
        np.multiply(self.chosen(self.ratio).T[places], self.reached[places], out=out[1 : 1 + len(places)])
