"""Sums over time with and without missing samples: means, spreads and slopes of many series at once.

Series are `[steps, rows, m]`; the recent rows begin half-way, with zeros before. Without a mask nothing is
missing; with one, the same numbers are added in the same order, so that a complete series gives the same bits
either way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features import channels as ch
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
    def of(cls, x: Float, space: Workspace, begun: int | None = None) -> Mask:
        """Find the missing samples of `x`; infinite ones are made NaN there, too.

        Args:
            x: Series, [10, rows, m].
            space: Scratch memory.
            begun: First of the recent rows, whose zeros before the rolling part are no samples.
        """
        present = np.isfinite(x)
        missing = ~present
        np.copyto(x, np.nan, where=missing)
        filled, valid = space.take(*x.shape), space.take(*x.shape)
        np.copyto(filled, x)
        np.copyto(filled, 0.0, where=missing)
        np.copyto(valid, present)
        if begun is not None:
            valid[: ch.WINDOW - ch.ROLLING, begun:] = 0.0
        return cls(valid, missing, filled, np.add.reduce(valid, axis=0))

    def part(self, rows: slice) -> Mask:
        """The mask of some rows."""
        return Mask(self.valid[:, rows], self.missing[:, rows], self.filled[:, rows], self.count[rows])


def _schedule() -> tuple[Float, Float]:
    """Samples that a complete series of each core row has, [17, 1], and their times about the middle, s."""
    rows = ch.CORE.stop - ch.CORE.start
    count = np.full((rows, 1), float(ch.WINDOW))
    count[ch.C_RECENT] = ch.ROLLING
    step = np.arange(ch.WINDOW, dtype=np.float64)[:, None, None]
    first = ch.WINDOW - count
    times = np.where(step >= first, step - first - (count - 1.0) / 2.0, 0.0)
    return count, times


COUNT, TIMES = _schedule()
FREEDOM = COUNT - 1.0
TIMES_SQUARED = TIMES * TIMES
SQUARES = np.add.reduce(TIMES_SQUARED, axis=0)
ROW_COUNT = np.full((ch.ROWS, 1), float(ch.WINDOW))
ROW_COUNT[ch.RECENT] = ch.ROLLING


@dataclass(slots=True, eq=False)
class Moments:
    """Spread and trend of the core rows, [17, m] each.

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


def means(x: Float, space: Workspace) -> tuple[Float, Mask | None]:
    """Means of the valid samples, NaN without one, and the main block's mask if a sample is missing there.

    Args:
        x: Series of all rows, [10, 36, m].
        space: Scratch memory.

    Returns:
        The means, [36, m], and the mask of `channels.MAIN` or None.
    """
    total = np.add.reduce(x, axis=0)
    mean = total / ROW_COUNT
    # A sum shows a missing sample, wherever in the window it is.
    finite = np.isfinite(total)
    if np.count_nonzero(finite) == finite.size:
        return mean, None
    if not finite[ch.OPTIONAL].all():
        optional = Mask.of(x[:, ch.OPTIONAL], space)
        mean[ch.OPTIONAL] = np.add.reduce(optional.filled, axis=0) / at_least(optional.count, 1)
    if finite[ch.MAIN].all():
        return mean, None
    main = Mask.of(x[:, ch.MAIN], space, begun=ch.RECENT.start - ch.MAIN.start)
    mean[ch.MAIN] = np.add.reduce(main.filled, axis=0) / at_least(main.count, 1)
    return mean, main


def moments(x: Float, mean: Float, mask: Mask | None, space: Workspace) -> Moments:
    """Spread and trend of the core rows `x`, [10, 17, m], with the means `mean`."""
    deviation = np.subtract(x, mean, out=space.take(*x.shape))
    deviation[: ch.WINDOW - ch.ROLLING, ch.C_RECENT] = 0.0
    if mask is not None:
        np.copyto(deviation, 0.0, where=mask.missing)
    deviation *= deviation
    squares = np.add.reduce(deviation, axis=0)
    # The deviations are summed up: their memory holds the products with time next.
    np.multiply(x if mask is None else mask.filled, TIMES, out=deviation)
    products = np.add.reduce(deviation, axis=0)
    if mask is None:
        freedom, slope = FREEDOM, products / SQUARES
    else:
        freedom = at_least(mask.count, FEWEST_FOR_SPREAD) - ONE
        centre = np.add.reduce(mask.valid * TIMES, axis=0)
        spread = np.add.reduce(mask.valid * TIMES_SQUARED, axis=0)
        enough = at_least(mask.count, FEWEST_FOR_SLOPE)
        slope = (products - centre * mean) / (spread - centre * centre / enough)
    return Moments(std=np.sqrt(squares / freedom), square_sum=squares, slope=slope)
