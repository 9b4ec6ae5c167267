"""Forecasts of rare events by their likelihood, per event that came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.metrics import Columns, Metric, ratio
from models.rows import Rows

Float = NDArray[np.float64]

LEAST = 1e-9
"""Smallest probability that a forecast is held to."""


@dataclass(frozen=True, slots=True)
class Rare:
    """Truth columns of rows in which something rare may happen.

    Attributes:
        came: Whether it did.
        reference: Constant probability that a forecast is compared with.
        weight: How many rows of the whole this one stands for.
    """

    came: str
    reference: str
    weight: str


def log_likelihood(probability: NDArray[np.generic], came: NDArray[np.generic]) -> Float:
    """Logarithm of p where the event came, else ln(1 − p), float64 [n]."""
    p = np.clip(np.asarray(probability, dtype=np.float64), LEAST, 1.0 - LEAST)
    found: Float = np.where(np.asarray(came, dtype=bool), np.log(p), np.log1p(-p))
    return found


def gain(name: str, probability: str, rare: Rare) -> Metric:
    """Gain of log-likelihood over a constant rate, nats per event.

    The information gain of D. Vere-Jones, International Journal of Forecasting 14 (1998).
    """

    def sums(answer: Columns, rows: Rows) -> Float:
        more = _more(answer[probability], rows, rare)
        happened = _column(rows, rare.weight) * np.asarray(rows.truth[rare.came], dtype=bool)
        return np.stack([happened, more], axis=1)

    return Metric(name, "higher", sums, ratio, (probability,))


def gain_share(name: str, probability: str, oracle: str, rare: Rare) -> Metric:
    """The same gain as a share of that of the truth column `oracle`, a probability too."""

    def sums(answer: Columns, rows: Rows) -> Float:
        most = _more(rows.truth[oracle], rows, rare)
        return np.stack([most, _more(answer[probability], rows, rare)], axis=1)

    return Metric(name, "higher", sums, ratio, (probability,))


def share_of(name: str, right: str, best: str, counted: str) -> Metric:
    """Rows that are right (an answer column) per row that the truth column `best` says can be."""

    def sums(answer: Columns, rows: Rows) -> Float:
        of = np.asarray(rows.truth[counted], dtype=bool)
        could = of & np.asarray(rows.truth[best], dtype=bool)
        return np.stack([could, of & np.asarray(answer[right], dtype=bool)], axis=1).astype(np.float64)

    return Metric(name, "higher", sums, ratio, (right,))


def pinball(name: str, estimate: str, truth: str, counted: str, level: float = 0.5) -> Metric:
    """Mean pinball loss of a quantile over rows in which the truth `counted` holds.

    R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46 (1978).
    """

    def sums(answer: Columns, rows: Rows) -> Float:
        of = np.asarray(rows.truth[counted], dtype=bool)
        apart = np.asarray(rows.truth[truth], dtype=np.float64) - np.asarray(answer[estimate], np.float64)
        loss = np.maximum(level * apart, (level - 1.0) * apart)
        return np.stack([of.astype(np.float64), np.where(of, loss, 0.0)], axis=1)

    return Metric(name, "lower", sums, ratio, (estimate,))


def _column(rows: Rows, name: str) -> Float:
    return np.asarray(rows.truth[name], dtype=np.float64)


def _more(probability: NDArray[np.generic], rows: Rows, rare: Rare) -> Float:
    happened = rows.truth[rare.came]
    more = log_likelihood(probability, happened) - log_likelihood(rows.truth[rare.reference], happened)
    return _column(rows, rare.weight) * more
