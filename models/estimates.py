"""Metrics of estimated figures, and metrics among some of the rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.metrics import Columns, Metric, ratio
from models.rows import Rows


def absolute_error(name: str, estimate: str, truth: str, counted: str) -> Metric:
    """Mean absolute error of the answer column `estimate` over rows in which the truth `counted` holds."""

    def sums(answer: Columns, rows: Rows) -> NDArray[np.float64]:
        of = np.asarray(rows.truth[counted], dtype=bool)
        known = np.asarray(rows.truth[truth], dtype=np.float64)
        error = np.abs(np.asarray(answer[estimate], dtype=np.float64) - known)
        return np.stack([of.astype(np.float64), np.where(of, error, 0.0)], axis=1)

    return Metric(name, "lower", sums, ratio, (estimate,))


def among(metric: Metric, counted: str) -> Metric:
    """The same metric over rows in which the truth `counted` holds."""

    def sums(answer: Columns, rows: Rows) -> NDArray[np.float64]:
        of = np.asarray(rows.truth[counted], dtype=bool)
        return np.where(of[:, None], metric.sums(answer, rows), 0.0)

    return replace(metric, sums=sums)
