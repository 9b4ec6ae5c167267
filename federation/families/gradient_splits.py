"""Best split of every open node of boosted trees, from sums of gradients and Hessians alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

LEAST_GAIN = 1e-9
"""Share of a node's own score that a split must gain; below it lies rounding."""

Whole = NDArray[np.int64]
Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sums:
    """What the rows of a cell, a side or a node add up to; arrays of one shape.

    Attributes:
        rows: Rows.
        gradient: Their negative gradients, in whole steps.
        hessian: Their second derivatives, in whole steps.
    """

    rows: Whole
    gradient: Whole
    hessian: Whole

    @property
    def parts(self) -> tuple[Whole, Whole, Whole]:
        """The three arrays."""
        return self.rows, self.gradient, self.hessian

    def plus(self, other: Sums) -> Sums:
        """Sums of both."""
        return Sums(*(mine + theirs for mine, theirs in zip(self.parts, other.parts, strict=True)))

    def of_nodes(self) -> Sums:
        """Sums of o nodes from histograms [o, columns, bins]; every column adds up to the same."""
        return Sums(*(part[:, 0].sum(axis=1) for part in self.parts))

    def left(self, *, missing: bool) -> Sums:
        """Sums left of each split of histograms whose last bin is that of missing values.

        Args:
            missing: Whether those go left.
        """
        sides = (np.cumsum(part[:, :, :-1], axis=2) + missing * part[:, :, -1:] for part in self.parts)
        return Sums(*sides)

    def at(self, node: Whole, column: Whole, bin_of: Whole) -> Sums:
        """Sums of one cell of each node."""
        return Sums(*(part[node, column, bin_of] for part in self.parts))


@dataclass(frozen=True, slots=True)
class Limits:
    """What a split must leave.

    Attributes:
        rows: Rows on either side, over all sites.
        hessian: Sum of second derivatives on either side.
        penalty: λ, added to every sum of second derivatives.
        step: Size of a whole step.
    """

    rows: int
    hessian: float
    penalty: float
    step: float

    def score(self, sums: Sums) -> Float:
        """G²/(H + λ)."""
        found: Float = (sums.gradient * self.step) ** 2 / (sums.hessian * self.step + self.penalty)
        return found

    def answer(self, sums: Sums) -> Float:
        """G/(H + λ): what a leaf adds to the margin at a learning rate of 1."""
        found: Float = sums.gradient * self.step / (sums.hessian * self.step + self.penalty)
        return found

    def allow(self, sums: Sums) -> NDArray[np.bool_]:
        """Where a side keeps enough."""
        enough: NDArray[np.bool_] = (sums.rows >= self.rows) & (sums.hessian * self.step >= self.hessian)
        return enough


@dataclass(frozen=True, slots=True)
class GradientSplits:
    """The best split of each of o nodes.

    Attributes:
        column: Column to test, int64 [o]; -1 where no split helps.
        bin: Rows in this bin or a lower one go left, int64 [o]; the last bin parts measured from missing.
        missing_left: Whether missing values go left, bool [o].
        left: Sums of what goes left, [o].
    """

    column: Whole
    bin: Whole
    missing_left: NDArray[np.bool_]
    left: Sums

    def among(self, tried: Whole) -> GradientSplits:
        """The splits where the histograms' columns were those in `tried`, [o, columns]."""
        named = tried[np.arange(self.column.size), np.maximum(self.column, 0)]
        return replace(self, column=np.where(self.column < 0, -1, named))


def best_splits(sums: Sums, limits: Limits) -> GradientSplits:
    """Find the split of every node that gains most: G'²/(H' + λ) + G''²/(H'' + λ) − G²/(H + λ).

    Source: Chen and Guestrin, "XGBoost: A Scalable Tree Boosting System", KDD 2016, eq. 7 and algorithm 3 for
    missing values, which are tried on both sides. Of equal splits the first wins, and within a run of edges
    that part the rows alike the middle one.

    Args:
        sums: Histograms by node, column and bin, [o, columns, bins + 1]; the last bin: missing values.
        limits: What a split must leave.
    """
    own = sums.of_nodes()
    sides = [sums.left(missing=missing) for missing in (False, True)]
    gain = np.stack([_gain(side, own, limits) for side in sides], axis=1)
    nodes = np.arange(own.rows.size)
    best = np.argmax(gain.reshape(nodes.size, -1), axis=1)
    side, column, bin_of = (part.astype(np.int64) for part in np.unravel_index(best, gain.shape[1:]))
    helps = gain[nodes, side, column, bin_of] > LEAST_GAIN * np.maximum(limits.score(own), 1.0)
    both = [one.at(nodes, column, bin_of) for one in sides]
    left = Sums(*(np.where(side == 0, a, b) for a, b in zip(both[0].parts, both[1].parts, strict=True)))
    # Where the node has seen no missing value, one goes with the larger side.
    unmeasured = sums.rows[nodes, column, -1] == 0
    return GradientSplits(
        column=np.where(helps, column, -1),
        bin=middle_of_run(sides[0].rows[nodes, column], bin_of),
        missing_left=np.where(unmeasured, 2 * left.rows >= own.rows, side == 1),
        left=left,
    )


def middle_of_run(left: Whole, first: Whole) -> Whole:
    """Middle of the run of bins with as many measured rows below them as `first`, int64 [o].

    A run that reaches the last bin has all measured rows below it, and stays there.
    """
    last = left.shape[1] - 1
    alike = (left <= left[np.arange(first.size), first][:, None]).sum(axis=1) - 1
    middle: Whole = np.where(alike == last, last, (first + alike) // 2)
    return middle


def _gain(left: Sums, own: Sums, limits: Limits) -> Float:
    wide = Sums(*(part[:, None, None] for part in own.parts))
    right = Sums(*(whole - part for whole, part in zip(wide.parts, left.parts, strict=True)))
    gain: Float = limits.score(left) + limits.score(right) - limits.score(wide)
    gain[~(limits.allow(left) & limits.allow(right))] = -np.inf
    return gain
