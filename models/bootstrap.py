"""Confidence intervals by resampling whole episodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.metrics import Columns, Metric
from models.rows import Rows

RESAMPLES = 1000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Resamples:
    """How often each episode occurs in each resample, float64 [resamples, episodes]."""

    weights: NDArray[np.float64]


def draw(episodes: int, rng: np.random.Generator, resamples: int = RESAMPLES) -> Resamples:
    """Draw as many episodes as there are, with replacement, `resamples` times."""
    drawn = rng.integers(episodes, size=(resamples, episodes))
    cell = drawn + episodes * np.arange(resamples)[:, None]
    count = np.bincount(cell.ravel(), minlength=resamples * episodes)
    return Resamples(count.reshape(resamples, episodes).astype(np.float64))


def episode_sums(
    metric: Metric, answer: Columns, rows: Rows, place: NDArray[np.int64]
) -> NDArray[np.float64]:
    """A metric's terms summed over each episode, float64 [episodes, k].

    Args:
        metric: What is measured.
        answer: An answer for `rows`.
        rows: All evaluated rows.
        place: Index of each row's episode, int64 [n].
    """
    return metric.grouped(answer, rows, place)


def values(metric: Metric, sums: NDArray[np.float64], resamples: Resamples) -> NDArray[np.float64]:
    """The metric in each resample of episodes, float64 [resamples]."""
    return metric.value(resamples.weights @ sums)


def interval(figures: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """Percentile interval of resampled figures; None where none of them is defined."""
    known = figures[np.isfinite(figures)]
    if not known.size:
        return None, None
    tail = (1.0 - LEVEL) / 2.0
    low, high = np.quantile(known, (tail, 1.0 - tail))
    return float(low), float(high)
