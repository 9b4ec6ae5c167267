"""Metrics that are functions of sums over rows, so that a bootstrap by episode costs one matrix product."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.rows import Rows

Columns = Mapping[str, NDArray[np.generic]]
Direction = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Tally:
    """Terms of which each row has a few out of many, such as its bin of a histogram.

    Attributes:
        width: Number of terms, k.
        cells: Places and values of each row's terms, int64 [n, m] and float64 [n, m].
    """

    width: int
    cells: Callable[[Columns, Rows], tuple[NDArray[np.int64], NDArray[np.float64]]]


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure computed from sums over rows.

    Attributes:
        name: Name in reports and in MLflow.
        direction: Which way is better.
        sums: Per row [n, k] terms from an answer and the rows it was given for.
        value: Figure from summed terms [..., k] to [...]; NaN where it is not defined.
        needs: Answer columns without which the metric is not computed (an opponent may not know them).
        detail: Reported over all kinds together only, not for every substation and kind.
        tally: Set where a row's terms are nearly all 0: which they are and what they hold. `sums` then gives
            the same, spread out.
    """

    name: str
    direction: Direction
    sums: Callable[[Columns, Rows], NDArray[np.float64]]
    value: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    needs: tuple[str, ...] = ()
    detail: bool = False
    tally: Tally | None = None

    def of(self, answer: Columns, rows: Rows) -> float:
        """The figure over all rows; NaN where it is not defined."""
        if not len(rows):
            return float("nan")
        return float(self.value(self.grouped(answer, rows, np.zeros(len(rows), dtype=np.int64))[0]))

    def grouped(self, answer: Columns, rows: Rows, place: NDArray[np.int64]) -> NDArray[np.float64]:
        """Terms summed over groups of rows, float64 [groups, k].

        Args:
            answer: An answer for `rows`.
            rows: The rows.
            place: Group of each row, int64 [n].
        """
        groups = int(place.max()) + 1 if place.size else 0
        if self.tally is not None:
            cell, weight = self.tally.cells(answer, rows)
            width = self.tally.width
            at = place[:, None] * width + cell
            counted = np.bincount(at.ravel(), weights=weight.ravel(), minlength=groups * width)
            return counted.astype(np.float64).reshape(groups, width)
        terms = self.sums(answer, rows)
        return np.stack(
            [
                np.bincount(place, weights=terms[:, column], minlength=groups)
                for column in range(terms.shape[1])
            ],
            axis=1,
        )


def ratio(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Second sum over the first, NaN where the first is 0; [..., 2] to [...]."""
    of = sums[..., 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(of > 0, sums[..., 1] / of, np.nan)


def share(name: str, counted: str, hit: str, direction: Direction = "higher") -> Metric:
    """Share of `counted` rows (a truth column) in which the answer column `hit` holds."""

    def sums(answer: Columns, rows: Rows) -> NDArray[np.float64]:
        of = np.asarray(rows.truth[counted], dtype=bool)
        return np.stack([of, of & np.asarray(answer[hit], dtype=bool)], axis=1).astype(np.float64)

    return Metric(name, direction, sums, ratio, (hit,))


def confusion(labels: int, answer: str, truth: str) -> Callable[[Columns, Rows], NDArray[np.float64]]:
    """Terms of a confusion matrix [true, answered], flattened to [n, labels²]; codes from 0."""

    def sums(given: Columns, rows: Rows) -> NDArray[np.float64]:
        cell = np.asarray(rows.truth[truth], dtype=np.int64) * labels + np.asarray(
            given[answer], dtype=np.int64
        )
        terms = np.zeros((cell.size, labels * labels))
        terms[np.arange(cell.size), cell] = 1.0
        return terms

    return sums


def accuracy(name: str, labels: int, answer: str, truth: str) -> Metric:
    """Share of rows whose code is the true one."""

    def value(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        matrix = sums.reshape(*sums.shape[:-1], labels, labels)
        return ratio(np.stack([matrix.sum(axis=(-2, -1)), np.trace(matrix, axis1=-2, axis2=-1)], axis=-1))

    return Metric(name, "higher", confusion(labels, answer, truth), value, (answer,))


def macro_f1(name: str, labels: int, answer: str, truth: str) -> Metric:
    """Mean of the F1 scores of the classes that occur, truly or answered (as scikit-learn's default)."""

    def value(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        matrix = sums.reshape(*sums.shape[:-1], labels, labels)
        hit = np.diagonal(matrix, axis1=-2, axis2=-1)
        total = matrix.sum(axis=-1) + matrix.sum(axis=-2)
        with np.errstate(invalid="ignore", divide="ignore"):
            f1 = np.where(total > 0, 2 * hit / total, 0.0)
            occurs = (total > 0).sum(axis=-1)
            return np.where(occurs > 0, f1.sum(axis=-1) / occurs, np.nan)

    return Metric(name, "higher", confusion(labels, answer, truth), value, (answer,))


def calibration_error(name: str, confidence: str, answer: str, truth: str, bins: int = 10) -> Metric:
    """Expected calibration error: |confidence − accuracy| weighted over equal bins of confidence.

    Source: Naeini, Cooper, Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning",
    AAAI 2015.
    """

    def sums(given: Columns, rows: Rows) -> NDArray[np.float64]:
        sure = np.asarray(given[confidence], dtype=np.float64)
        right = np.asarray(given[answer]) == np.asarray(rows.truth[truth])
        at = np.minimum((sure * bins).astype(np.int64), bins - 1)
        terms = np.zeros((sure.size, 3, bins))
        row = np.arange(sure.size)
        terms[row, 0, at], terms[row, 1, at], terms[row, 2, at] = 1.0, sure, right
        return terms.reshape(sure.size, 3 * bins)

    def value(total: NDArray[np.float64]) -> NDArray[np.float64]:
        parts = total.reshape(*total.shape[:-1], 3, bins)
        gap = np.abs(parts[..., 1, :] - parts[..., 2, :]).sum(axis=-1)
        return ratio(np.stack([parts[..., 0, :].sum(axis=-1), gap], axis=-1))

    return Metric(name, "lower", sums, value, (confidence, answer))


def mean_of(name: str, counted: str, column: str, direction: Direction = "lower") -> Metric:
    """Mean of the answer column `column`, such as an absolute error, over `counted` rows (a truth column)."""

    def sums(answer: Columns, rows: Rows) -> NDArray[np.float64]:
        of = np.asarray(rows.truth[counted], dtype=bool)
        return np.stack([of, np.where(of, np.asarray(answer[column], dtype=np.float64), 0.0)], axis=1)

    return Metric(name, direction, sums, ratio, (column,))


def determination(name: str, counted: str, error: str, truth: str) -> Metric:
    """Coefficient of determination R² over `counted` rows (a truth column).

    Args:
        name: Name of the metric.
        counted: Truth column that chooses the rows.
        error: Answer column of the errors.
        truth: Truth column of the quantity, in the unit of the errors.
    """

    def sums(answer: Columns, rows: Rows) -> NDArray[np.float64]:
        of = np.asarray(rows.truth[counted], dtype=bool)
        y, e = (
            np.where(of, np.asarray(x, dtype=np.float64), 0.0) for x in (rows.truth[truth], answer[error])
        )
        return np.stack([of, e**2, y, y**2], axis=1)

    def value(total: NDArray[np.float64]) -> NDArray[np.float64]:
        n, residual, first, second = (total[..., k] for k in range(4))
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = second - first**2 / n
            return np.where(spread > 0, 1.0 - residual / spread, np.nan)

    return Metric(name, "higher", sums, value, (error,))


def precision(name: str, says: str, truth: str) -> Metric:
    """Share of the rows that the answer column `says` names in which the truth column holds."""

    def sums(answer: Columns, rows: Rows) -> NDArray[np.float64]:
        named = np.asarray(answer[says], dtype=bool)
        return np.stack([named, named & np.asarray(rows.truth[truth], dtype=bool)], axis=1).astype(np.float64)

    return Metric(name, "higher", sums, ratio, (says,))


def brier(name: str, probability: str, truth: str) -> Metric:
    """Mean squared difference of a probability and what came (Brier, 1950)."""

    def sums(answer: Columns, rows: Rows) -> NDArray[np.float64]:
        came = np.asarray(rows.truth[truth], dtype=np.float64)
        apart = (np.asarray(answer[probability], dtype=np.float64) - came) ** 2
        return np.stack([np.ones(came.size), apart], axis=1)

    return Metric(name, "lower", sums, ratio, (probability,))
