"""Sums over time with and without missing samples: means, spreads and slopes of many series at once.

Series are `[steps, rows, m]`. Without a mask nothing is missing; with one, the same numbers are added in the
same order, so that a complete series gives the same bits either way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.numbers import ONE
from features.workspace import Workspace

Float = NDArray[np.float64]

FEWEST_FOR_SPREAD = 2
FEWEST_FOR_SLOPE = 3


@dataclass(slots=True, eq=False)
class Mask:
    """Which samples of a block of series are there.

    Attributes:
        valid: 1.0 where there is a sample, else 0.0, [steps, rows, m].
        missing: The opposite as booleans.
        filled: The samples, 0 for the missing ones.
        count: Valid samples, [rows, m].
    """

    valid: Float
    missing: NDArray[np.bool_]
    filled: Float
    count: Float

    @classmethod
    def of(cls, x: Float) -> Mask:
        """Find the missing samples of `x`; infinite ones are made NaN there, too."""
        present = np.isfinite(x)
        missing = ~present
        np.copyto(x, np.nan, where=missing)
        filled = x.copy()
        np.copyto(filled, 0.0, where=missing)
        valid = present.astype(np.float64)
        return cls(valid, missing, filled, np.add.reduce(valid, axis=0))

    def part(self, rows: slice, first_step: int = 0) -> Mask:
        """The mask of some rows from some step on."""
        valid = self.valid[first_step:, rows]
        count = np.add.reduce(valid, axis=0) if first_step else self.count[rows]
        return Mask(valid, self.missing[first_step:, rows], self.filled[first_step:, rows], count)


@dataclass(slots=True, eq=False)
class Clock:
    """Times of the steps relative to their middle.

    Attributes:
        times: Seconds, [steps, 1, 1].
        squares: Sum of their squares, [].
        count: Number of steps, [].
        freedom: One less, [].
    """

    times: Float
    squares: Float
    count: Float
    freedom: Float

    @classmethod
    def of(cls, steps: int) -> Clock:
        """The clock of `steps` samples, one second apart."""
        times = (np.arange(steps, dtype=np.float64) - (steps - 1) / 2)[:, None, None]
        squares = steps * (steps * steps - 1) / 12.0
        return cls(times, np.array(squares), np.array(float(steps)), np.array(steps - 1.0))


@dataclass(slots=True, eq=False)
class Moments:
    """Spread and trend of series, [rows, m] each.

    Attributes:
        std: Sample standard deviation (n − 1); NaN below two samples.
        square_sum: Sum of the squared deviations from the mean; 0 without a sample.
        slope: Least-squares slope per second; NaN below three samples.
    """

    std: Float
    square_sum: Float
    slope: Float


def at_least(count: Float, fewest: int) -> Float:
    """`count`, NaN where it is below `fewest`: what is divided by it becomes NaN."""
    return np.where(count >= fewest, count, np.nan)


def means(x: Float, clock: Clock, out: Float) -> Mask | None:
    """Write the means of the valid samples to `out`, NaN without one; give the mask if one is missing."""
    total = np.add.reduce(x, axis=0)
    # A sum shows a missing sample, wherever in the window it is.
    if np.count_nonzero(np.isfinite(total)) == total.size:
        np.divide(total, clock.count, out=out)
        return None
    mask = Mask.of(x)
    np.divide(np.add.reduce(mask.filled, axis=0), at_least(mask.count, 1), out=out)
    return mask


def moments(x: Float, mean: Float, clock: Clock, mask: Mask | None, space: Workspace) -> Moments:
    """Spread and trend of the series `x` with the means `mean`."""
    deviation = np.subtract(x, mean, out=space.take(*x.shape))
    if mask is not None:
        np.copyto(deviation, 0.0, where=mask.missing)
    deviation *= deviation
    squares = np.add.reduce(deviation, axis=0)
    # The deviations are summed up: their memory holds the products with time next.
    np.multiply(x if mask is None else mask.filled, clock.times, out=deviation)
    products = np.add.reduce(deviation, axis=0)
    if mask is None:
        freedom, slope = clock.freedom, products / clock.squares
    else:
        freedom = at_least(mask.count, FEWEST_FOR_SPREAD) - ONE
        centre = np.add.reduce(mask.valid * clock.times, axis=0)
        spread = np.add.reduce(mask.valid * (clock.times * clock.times), axis=0)
        enough = at_least(mask.count, FEWEST_FOR_SLOPE)
        slope = (products - centre * mean) / (spread - centre * centre / enough)
    return Moments(
        std=np.sqrt(squares / freedom),
        square_sum=squares,
        slope=slope,
    )
