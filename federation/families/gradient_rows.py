"""What a site works out from its rows for boosted trees: bins, margins, gradients, histograms."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from federation.families.gradient_splits import Sums
from federation.families.gradient_trees import Shape
from federation.message import Update
from federation.shared_bins import SharedBins
from models.boosting import probability

Float = NDArray[np.float64]
Whole = NDArray[np.int64]

STEP = 2.0**-16
"""Gradients and second derivatives leave a site in whole multiples of this: sums of those are exact."""
HEAVIEST = 128.0
"""Largest weight of a row."""
STEEPEST = 16.0
"""Largest gradient and second derivative of a row of weight 1."""
OUTPUTS = 2
"""Trees that grow at a time: one of the outcome, one of the time."""


@dataclass(frozen=True, slots=True)
class Binned:
    """Rows by shared bins, and what the trees of a state add up to for them.

    Attributes:
        X: The rows, [n, columns].
        bins: The bins.
        numbers: Bin of every value, int64 [n, columns]; `missing` where there is none.
        missing: Number of the bin of missing values.
        grown: The trees that `margin` holds.
        margin: Sum of those trees by output, float64 [outputs, n].
    """

    X: Float
    bins: SharedBins
    numbers: Whole
    missing: int
    grown: Shape
    margin: Float

    @classmethod
    def of(cls, X: Float, bins: SharedBins, missing: int, outputs: int = OUTPUTS) -> Binned:
        """Rows before any tree; trees belong to the outputs in turn."""
        numbers = bins.index(X)
        numbers[np.isnan(X)] = missing
        return cls(X, bins, numbers, missing, Shape.none(), np.zeros((outputs, X.shape[0])))

    def holds(self, X: Float, bins: SharedBins) -> bool:
        """Whether these are the rows `X` in the bins `bins`."""
        return X is self.X and all(
            np.array_equal(getattr(self.bins, part.name), getattr(bins, part.name)) for part in fields(bins)
        )

    def after(self, shape: Shape, trees: int) -> Binned:
        """The same rows with the first `trees` trees of `shape`, each added in its turn.

        Trees that are known already are not walked again; the sums are the same.
        """
        own = shape.first(trees)
        begin, margin = (self.grown.count, self.margin.copy()) if own.continues(self.grown) else (0, None)
        total = np.zeros_like(self.margin) if margin is None else margin
        for tree in range(begin, trees):
            ends = own.walk(int(own.roots[tree]), self.numbers, self.missing)
            total[tree % total.shape[0]] += own.value[ends]
        return Binned(self.X, self.bins, self.numbers, self.missing, own, total)


@dataclass(frozen=True, slots=True)
class Slopes:
    """Negative gradients and second derivatives of n rows, in whole steps.

    Attributes:
        gradient: [n].
        hessian: [n].
    """

    gradient: Float
    hessian: Float

    @classmethod
    def of_outcome(cls, margin: Float, outcome: Float, weight: Float) -> Slopes:
        """Of the logistic loss."""
        p = probability(margin)
        return cls.rounded(outcome - p, p * (1.0 - p), weight)

    @classmethod
    def of_time(cls, margin: Float, time: Float, seen: Float, weight: Float) -> Slopes:
        """Of the exponential law with mean exp(margin), censored where the event was not seen."""
        passed = np.minimum(time * np.exp(-np.clip(margin, -50.0, 50.0)), STEEPEST - 1.0)
        return cls.rounded(passed - seen, passed, weight)

    @classmethod
    def rounded(cls, gradient: Float, hessian: Float, weight: Float) -> Slopes:
        """In whole steps, weighted."""
        heavy = np.minimum(weight, HEAVIEST) / STEP
        return cls(np.rint(gradient * heavy), np.rint(hessian * heavy))


@dataclass(frozen=True, slots=True)
class Cells:
    """Order of the cells of one round's histograms: open node, then column, then bin.

    Attributes:
        nodes: Open nodes.
        columns: Columns.
        width: Bins of a column, that of missing values included.
        tried: Columns that each open node tries, int64 [nodes, columns]; all of them where not given.
    """

    nodes: int
    columns: int
    width: int
    tried: Whole | None = None

    @property
    def size(self) -> int:
        """Number of cells."""
        return self.nodes * self.columns * self.width

    def count(self, place: Whole, numbers: Whole, slopes: Slopes) -> Sums:
        """Histograms of n rows, whole numbers [size].

        Args:
            place: Which of the open nodes each row is in; -1 for none.
            numbers: Bin of every value, [n, columns].
            slopes: Gradients and second derivatives.
        """
        inside = np.flatnonzero(place >= 0)
        first = (place[inside, None] * self.columns + np.arange(self.columns)) * self.width
        if self.tried is None:
            cell = (first + numbers[inside]).ravel()
        else:
            cell = (first + numbers[inside[:, None], self.tried[place[inside]]]).ravel()
        rows = np.bincount(cell, minlength=self.size)
        gradient, hessian = (
            np.bincount(cell, np.repeat(part[inside], self.columns), self.size).astype(np.int64)
            for part in (slopes.gradient, slopes.hessian)
        )
        return Sums(rows, gradient, hessian)

    def sparse(self, sums: Sums) -> dict[str, NDArray[Any]]:
        """The cells that hold rows."""
        filled = np.flatnonzero(sums.rows)
        return {
            "cell": filled.astype(np.int32),
            "rows": sums.rows[filled].astype(np.int32),
            "gradient": sums.gradient[filled],
            "hessian": sums.hessian[filled],
        }

    def dense(self, update: Update) -> Sums:
        """An update's histograms, [nodes, columns, width]."""
        parts = []
        for part in fields(Sums):
            flat = np.zeros(self.size, dtype=np.int64)
            flat[update.array("cell")] = update.array(part.name)
            parts.append(flat.reshape(self.nodes, self.columns, self.width))
        return Sums(*parts)

    def check(self, update: Update, steepest: int) -> str:
        """What is wrong with an update whose arrays are as expected; empty if nothing is.

        Args:
            update: The update.
            steepest: Largest gradient and second derivative of a row, in whole steps.
        """
        cell, rows, gradient, hessian = (
            update.array(name).astype(np.int64) for name in ("cell", "rows", "gradient", "hessian")
        )
        if not cell.size == rows.size == gradient.size == hessian.size or np.any(np.diff(cell) <= 0):
            return "cells do not rise, or have other sums"
        largest = rows * steepest
        if np.any(np.abs(gradient) > largest) or np.any(hessian > largest):
            return "a sum is larger than its rows can make it"
        for part in fields(Sums):
            by_column = getattr(self.dense(update), part.name).sum(axis=2)
            if np.any(by_column != by_column[:, :1]):
                return f"columns have different sums of {part.name}"
        return ""


def steepest() -> int:
    """Largest gradient and second derivative of a row, in whole steps."""
    return round(HEAVIEST * STEEPEST / STEP)
