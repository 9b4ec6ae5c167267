"""Best split of every open node of regression trees, from counts and sums of targets alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_IMPROVEMENT = 1e-9
"""Share of a node's squared sum that a split must take away; below it lies rounding."""


@dataclass(frozen=True, slots=True)
class RegressionSplits:
    """The best split of each of o nodes.

    Attributes:
        place: Which of the node's tried columns to test, int64 [o]; -1 where no split helps.
        bin: Rows in this bin or a lower one go left, int64 [o]; the last bin parts measured from missing.
        missing_left: Whether missing values go left, bool [o].
        improvement: Sum of squared errors taken away, float64 [o]; 0 where no split helps.
        rows: Draws that go left, int64 [o].
        total: Sum of their targets, int64 [o].
    """

    place: NDArray[np.int64]
    bin: NDArray[np.int64]
    missing_left: NDArray[np.bool_]
    improvement: NDArray[np.float64]
    rows: NDArray[np.int64]
    total: NDArray[np.int64]


def best_splits(counts: NDArray[np.int64], totals: NDArray[np.int64], least_rows: int) -> RegressionSplits:
    """Find the split of every node that takes away most of its squared error.

    With n draws and sum s of a node, parted into (n', s') and (n'', s''), the error falls by
    s'²/n' + s''²/n'' − s²/n (Breiman et al., 1984, ch. 8). Missing values are tried on both sides. Of equal
    splits the first wins, and within a run of edges that part the rows alike the middle one.

    Args:
        counts: Draws by node, tried column and bin, int64 [o, m, bins + 1]; the last bin: missing values.
        totals: Sums of their targets in whole steps, likewise.
        least_rows: Draws that either side must keep.
    """
    o = counts.shape[0]
    n, s = counts[:, 0].sum(axis=1), totals[:, 0].sum(axis=1)
    gains, lefts = [], []
    for missing_left in (False, True):
        left_n = np.cumsum(counts[:, :, :-1], axis=2)
        left_s = np.cumsum(totals[:, :, :-1], axis=2)
        if missing_left:
            left_n, left_s = left_n + counts[:, :, -1:], left_s + totals[:, :, -1:]
        gains.append(_gain(left_n, left_s, n, s, least_rows))
        lefts.append((left_n, left_s))
    flat = np.stack(gains, axis=1).reshape(o, -1)
    best = np.argmax(flat, axis=1)
    nodes = np.arange(o)
    improvement = flat[nodes, best]
    side, place, bin_of = np.unravel_index(best, (2, *gains[0].shape[1:]))
    rows = np.where(side == 0, lefts[0][0][nodes, place, bin_of], lefts[1][0][nodes, place, bin_of])
    total = np.where(side == 0, lefts[0][1][nodes, place, bin_of], lefts[1][1][nodes, place, bin_of])
    helps = improvement > LEAST_IMPROVEMENT * np.maximum(s.astype(np.float64) ** 2 / np.maximum(n, 1), 1.0)
    missing_left = side == 1
    unmeasured = counts[nodes, place, -1] == 0
    # Where the node has seen no missing value, one goes with the larger side.
    missing_left = np.where(unmeasured, 2 * rows >= n, missing_left)
    return RegressionSplits(
        place=np.where(helps, place, -1).astype(np.int64),
        bin=_middle(lefts[0][0][nodes, place], bin_of.astype(np.int64)),
        missing_left=missing_left,
        improvement=np.where(helps, improvement, 0.0),
        rows=rows,
        total=total,
    )


def _gain(
    left_n: NDArray[np.int64],
    left_s: NDArray[np.int64],
    n: NDArray[np.int64],
    s: NDArray[np.int64],
    least_rows: int,
) -> NDArray[np.float64]:
    right_n, right_s = n[:, None, None] - left_n, s[:, None, None] - left_s
    own = s.astype(np.float64) ** 2 / np.maximum(n, 1)
    gain: NDArray[np.float64] = (
        left_s.astype(np.float64) ** 2 / np.maximum(left_n, 1)
        + right_s.astype(np.float64) ** 2 / np.maximum(right_n, 1)
        - own[:, None, None]
    )
    gain[(left_n < least_rows) | (right_n < least_rows)] = -np.inf
    return gain


def _middle(left_n: NDArray[np.int64], first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Middle of the run of bins with as many measured rows below them as `first`, int64 [o].

    A run that reaches the last bin has all measured rows below it, and stays there.
    """
    nodes = np.arange(first.size)
    last = left_n.shape[1] - 1
    alike = (left_n <= left_n[nodes, first][:, None]).sum(axis=1) - 1
    middle: NDArray[np.int64] = np.where(alike == last, last, (first + alike) // 2)
    return middle
