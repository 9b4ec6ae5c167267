"""The largest value over the three phases, of everything that is judged by its worst phase, in one pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features import channels as ch
from features.moments import Moments
from features.workspace import Workspace

Float = NDArray[np.float64]

# Rows of the result; a smallest value is minus the largest negative.
I_LOW, V_LOW = 0, 1
I_HIGH, V_HIGH = 2, 3
I_RANGE, V_RANGE = 4, 5
I_STEP, V_STEP = 6, 7
UNBALANCE = slice(8, 13)  # v_ll, p, q, i, v
STD_LEAST, STD_MOST = 13, 14
DRIFT = 15
STEP_APART, SPIKE = 16, 17
FACTOR_LEAST, FACTOR_MOST = 18, 19
MEAN_SQUARE = 20
DIP, RISE, THD = 21, 22, 23
ROWS = 24

SIGN = np.ones((ROWS, 1))
SIGN[I_LOW] = SIGN[V_LOW] = SIGN[STD_LEAST] = SIGN[FACTOR_LEAST] = -1.0


@dataclass(slots=True, eq=False)
class Steps:
    """The largest of the first differences over time.

    Attributes:
        largest: Largest absolute first difference of the core rows, [12, m].
        apart: The same of the phase voltages against the three-phase mean, [3, m].
        spike: Largest difference of a phase voltage against the three-phase mean that the next one takes
            back: max over time and sign of min(±d_k, ∓d_(k+1)), [3, m]; negative where there is none.
    """

    largest: Float
    apart: Float
    spike: Float


def step_rows(core: Float, space: Workspace) -> Steps:
    """What the first differences of the whole core rows, [10, 12, m], say."""
    count, rows, m = core.shape[0] - 1, core.shape[1], core.shape[2]
    steps = np.subtract(core[1:], core[:-1], out=space.take(count, rows, m))
    apart = np.subtract(steps[:, ch.C_V], steps[:, ch.C_V3, None], out=space.take(count, 3, m))
    there, back = apart[:-1], np.negative(apart[1:], out=space.take(count - 1, 3, m))
    up = np.minimum(there, back, out=space.take(count - 1, 3, m))
    down = np.maximum(there, back, out=back)
    np.negative(down, out=down)
    np.maximum(up, down, out=up)
    spike = np.fmax.reduce(up, axis=0)
    sizes = np.abs(steps, out=space.take(count, rows, m))
    np.abs(apart, out=apart)
    return Steps(np.fmax.reduce(sizes, axis=0), np.fmax.reduce(apart, axis=0), spike)


class Worst:
    """Collects rows of three phases, [24, 3, m], and takes the largest of each.

    Attributes:
        rows: What is to be compared; every row is written before `largest` is called.
    """

    __slots__ = ("rows",)

    def __init__(self, m: int) -> None:
        self.rows: Float = np.empty((ROWS, 3, m))

    def levels(self, low: Float, high: Float, deviation: Float, i_square: Float) -> None:
        """Compare extremes of the core rows, deviations of the phases from their mean, and mean squares."""
        rows, pair = self.rows, (2, 3, low.shape[1])
        least, most = low[ch.C_IV].reshape(pair), high[ch.C_IV].reshape(pair)
        np.negative(least, out=rows[I_LOW:I_HIGH])
        rows[I_HIGH:I_RANGE] = most
        np.subtract(most, least, out=rows[I_RANGE:I_STEP])
        np.abs(deviation, out=rows[UNBALANCE])
        rows[MEAN_SQUARE] = i_square

    def shapes(self, spread: Moments, steps: Steps, factor: Float) -> None:
        """Compare how the phases move, and their power factors."""
        rows = self.rows
        rows[I_STEP : V_STEP + 1] = steps.largest[ch.C_IV].reshape(2, 3, -1)
        rows[STEP_APART] = steps.apart
        rows[SPIKE] = steps.spike
        np.negative(spread.std[ch.C_V], out=rows[STD_LEAST])
        rows[STD_MOST] = spread.std[ch.C_V]
        np.abs(spread.slope[ch.C_V] - spread.slope[ch.C_V3], out=rows[DRIFT])
        np.negative(factor[:3], out=rows[FACTOR_LEAST])
        rows[FACTOR_MOST] = factor[:3]

    def seconds(self, x: Float) -> None:
        """Compare channels second by second: dips and rises within a second, and THD."""
        seconds, v = x[:, ch.V_MIN.start : ch.THD.stop].copy(), x[:, ch.V]
        dip, rise = seconds[:, :3], seconds[:, 3:6]
        np.subtract(v, dip, out=dip)
        np.subtract(rise, v, out=rise)
        np.fmax.reduce(seconds, axis=0, out=self.rows[DIP : THD + 1].reshape(9, -1))

    def largest(self) -> Float:
        """The largest over the phases that have a value, NaN where none has, [24, m]."""
        worst = np.asarray(np.fmax.reduce(self.rows, axis=1))
        worst *= SIGN
        return worst
