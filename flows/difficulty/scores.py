"""How answers are judged: figures of sums over rows, so that whole groups can be resampled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 400
LEAST_CHANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Score:
    """A figure.

    Attributes:
        name: Its name.
        unit: Its unit; empty for a share or a ratio.
        direction: Which way is better.
        terms: Terms of each row [n, k] from answer and truth.
        value: Figure of summed terms, [..., k] to [...]; NaN where it is not defined.
        perfect: The figure of an answer without any error; None where there is no such figure.
    """

    name: str
    unit: str
    direction: Literal["higher", "lower"]
    terms: Callable[[Floats, Floats], Floats]
    value: Callable[[Floats], Floats]
    perfect: float | None


def _ratio(sums: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(sums[..., 1] > 0, sums[..., 0] / sums[..., 1], np.nan))


def mean_absolute(unit: str) -> Score:
    """Mean absolute error in the values' unit."""

    def terms(answer: Floats, y: Floats) -> Floats:
        return np.stack([np.abs(answer - y), np.ones(y.size)], axis=1)

    return Score("mean_absolute_error", unit, "lower", terms, _ratio, 0.0)


def weighted_percentage() -> Score:
    """Sum of absolute errors over the sum of absolute values, %."""

    def terms(answer: Floats, y: Floats) -> Floats:
        return np.stack([100.0 * np.abs(answer - y), np.abs(y)], axis=1)

    return Score("wape", "%", "lower", terms, _ratio, 0.0)


def _confusion(labels: int) -> Callable[[Floats, Floats], Floats]:
    def terms(answer: Floats, y: Floats) -> Floats:
        cells = np.zeros((y.size, labels * labels))
        cells[np.arange(y.size), (y * labels + answer).astype(np.int64)] = 1.0
        return cells

    return terms


def _matrix(sums: Floats, labels: int) -> Floats:
    return sums.reshape(*sums.shape[:-1], labels, labels)


def accuracy(labels: int) -> Score:
    """Share of rows whose class is the true one."""

    def value(sums: Floats) -> Floats:
        matrix = _matrix(sums, labels)
        hit = np.trace(matrix, axis1=-2, axis2=-1)
        return _ratio(np.stack([hit, matrix.sum(axis=(-2, -1))], axis=-1))

    return Score("accuracy", "", "higher", _confusion(labels), value, 1.0)


def macro_f1(labels: int) -> Score:
    """Mean F1 of the classes that occur, truly or answered."""

    def value(sums: Floats) -> Floats:
        matrix = _matrix(sums, labels)
        hit = np.diagonal(matrix, axis1=-2, axis2=-1)
        total = matrix.sum(axis=-1) + matrix.sum(axis=-2)
        with np.errstate(invalid="ignore", divide="ignore"):
            f1 = np.where(total > 0, 2.0 * hit / total, 0.0)
            return np.asarray(f1.sum(axis=-1) / (total > 0).sum(axis=-1))

    return Score("macro_f1", "", "higher", _confusion(labels), value, 1.0)


def adjusted_rand(labels: int) -> Score:
    """Adjusted Rand index of two partitions (L. Hubert and P. Arabie, Journal of Classification 2, 1985)."""

    def pairs(counts: Floats) -> Floats:
        return np.asarray(counts * (counts - 1.0) / 2.0)

    def value(sums: Floats) -> Floats:
        matrix = _matrix(sums, labels)
        both = pairs(matrix).sum(axis=(-2, -1))
        rows, columns = pairs(matrix.sum(axis=-1)).sum(axis=-1), pairs(matrix.sum(axis=-2)).sum(axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            expected = rows * columns / pairs(matrix.sum(axis=(-2, -1)))
            return np.asarray((both - expected) / ((rows + columns) / 2.0 - expected))

    return Score("adjusted_rand_index", "", "higher", _confusion(labels), value, 1.0)


def ranking() -> Score:
    """Area under the ROC curve of a chance, its odds in bins of a twentieth of their logarithm."""

    def terms(answer: Floats, y: Floats) -> Floats:
        p = np.clip(answer, LEAST_CHANCE, 1.0 - LEAST_CHANCE)
        place = np.floor(20.0 * np.log10(p / (1.0 - p)) + BINS / 2).astype(np.int64)
        cells = np.zeros((y.size, 2 * BINS))
        cells[np.arange(y.size), np.clip(place, 0, BINS - 1) + BINS * (y > 0.5)] = 1.0
        return cells

    def value(sums: Floats) -> Floats:
        quiet, hit = sums[..., :BINS], sums[..., BINS:]
        below = np.cumsum(quiet, axis=-1) - 0.5 * quiet
        pairs = quiet.sum(axis=-1) * hit.sum(axis=-1)
        return _ratio(np.stack([(hit * below).sum(axis=-1), pairs], axis=-1))

    return Score("roc_auc", "", "higher", terms, value, 1.0)


def information(rate: float) -> Score:
    """Log-likelihood of a chance less that of the constant `rate`, by event, in bits."""

    def said(p: Floats | float, y: Floats) -> Floats:
        sure = np.clip(p, LEAST_CHANCE, 1.0 - LEAST_CHANCE)
        return np.asarray(np.where(y > 0.5, np.log2(sure), np.log2(1.0 - sure)))

    def terms(answer: Floats, y: Floats) -> Floats:
        return np.stack([said(answer, y) - said(rate, y), y], axis=1)

    return Score("information_gain", "bit/event", "higher", terms, _ratio, None)


def obtained() -> Score:
    """What the chosen rows bring over the most that one could have, %.

    An answer is 1 in the row chosen and 2 in the best one; the truth is what a row brings.
    """

    def terms(answer: Floats, y: Floats) -> Floats:
        chosen, best = answer % 2.0 > 0.5, answer >= 2.0
        return np.stack([100.0 * y * chosen, y * best], axis=1)

    return Score("share_of_best", "%", "higher", terms, _ratio, 100.0)
