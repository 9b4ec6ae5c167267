"""The largest value over the three phases, of everything that is judged by its worst phase, in one pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features import channels as ch
from features.workspace import Workspace

Float = NDArray[np.float64]

# Rows of the result. Pairs are current, then voltage; a smallest value is minus the largest negative.
LOW = slice(0, 2)
HIGH = slice(2, 4)
RANGE = slice(4, 6)
STEP = slice(6, 8)
REPEATS = slice(8, 10)
UNBALANCE = slice(10, 15)  # v_ll, p, q, i, v
STD_LEAST, STD_MOST = 15, 16
DRIFT = 17
STEP_APART, SPIKE = 18, 19
FACTOR_LEAST, FACTOR_MOST = 20, 21
MEAN_SQUARE = 22
DIP, RISE, THD = 23, 24, 25
ROWS = 26

I, V = 0, 1


class Worst:
    """Collects rows of three phases, [26, 3, m], and takes the largest of each.

    Attributes:
        rows: What is to be compared; every row is written before `largest` is called.
    """

    __slots__ = ("rows",)

    def __init__(self, m: int) -> None:
        self.rows: Float = np.empty((ROWS, 3, m))

    def largest(self) -> Float:
        """The largest over the phases that have a value, NaN where none has, [26, m]."""
        worst = np.fmax.reduce(self.rows, axis=1)
        for row in (LOW, STD_LEAST, FACTOR_LEAST):
            np.negative(worst[row], out=worst[row])
        return worst


@dataclass(slots=True, eq=False)
class Steps:
    """First differences, and the largest of what is made of them.

    Attributes:
        steps: First differences of the core rows, NaN where either sample is missing, [9, 12, m].
        largest: Largest absolute first difference of the core rows, [12, m].
        apart: The same of the phase voltages against the three-phase mean, [3, m].
        spike: Largest difference of a phase voltage against the three-phase mean that the next one takes
            back: max over time and sign of min(±d_k, ∓d_(k+1)), [3, m]; negative where there is none.
    """

    steps: Float
    largest: Float
    apart: Float
    spike: Float


def step_rows(core: Float, space: Workspace) -> Steps:
    """What the first differences of the core rows, [10, 12, m], say."""
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
    return Steps(steps, np.fmax.reduce(sizes, axis=0), np.fmax.reduce(apart, axis=0), spike)
