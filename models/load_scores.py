"""What a load forecast is judged by, at each horizon; loads count in the feeder's rated power."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models.load_inputs import HORIZONS
from models.metrics import Columns, Metric, ratio
from models.rows import Rows

Float = NDArray[np.float64]

NAIVE = ("persistence", "yesterday", "last_week")
COVERAGE = 0.90


def _percent(total: Float) -> Float:
    return 100.0 * ratio(total)


def wape(name: str, horizon: str, counted: str = "") -> Metric:
    """Weighted absolute percentage error, 100·Σ|error| / Σ|load|.

    Args:
        name: Name of the metric.
        horizon: Which forecast.
        counted: Truth column that chooses rows; such a metric is a detail. All rows where it is empty.
    """

    def sums(answer: Columns, rows: Rows) -> Float:
        of = np.asarray(rows.truth[counted] if counted else np.ones(len(rows)), dtype=bool)
        true = np.asarray(rows.truth[f"p_{horizon}"], dtype=np.float64)
        error = np.abs(np.asarray(answer[f"p_{horizon}"], dtype=np.float64) - true)
        return np.stack([np.where(of, np.abs(true), 0.0), np.where(of, error, 0.0)], axis=1)

    return Metric(name, "lower", sums, _percent, (f"p_{horizon}",), bool(counted))


def _errors(horizon: str) -> Callable[[Columns, Rows], Float]:
    """Absolute errors of the answer, of each naive forecast and of the oracle, [n, 5]."""

    def sums(answer: Columns, rows: Rows) -> Float:
        true = np.asarray(rows.truth[f"p_{horizon}"], dtype=np.float64)
        said = [answer[f"p_{horizon}"], *(rows.truth[f"{name}_{horizon}"] for name in (*NAIVE, "oracle"))]
        return np.stack([np.abs(np.asarray(one, dtype=np.float64) - true) for one in said], axis=1)

    return sums


def skill() -> Metric:
    """1 − error over the best naive forecast's, mean of the horizons."""
    each = [_errors(horizon) for horizon in HORIZONS]

    def sums(answer: Columns, rows: Rows) -> Float:
        return np.concatenate([one(answer, rows) for one in each], axis=1)

    def value(total: Float) -> Float:
        parts = total.reshape(*total.shape[:-1], len(HORIZONS), 2 + len(NAIVE))
        best = parts[..., 1:-1].min(axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            kept = np.where(best > 0, parts[..., 0] / best, np.nan)
        return np.asarray(1.0 - kept.mean(axis=-1))

    return Metric("skill", "higher", sums, value, tuple(f"p_{horizon}" for horizon in HORIZONS))


def gap(name: str, horizon: str) -> Metric:
    """Share of the way from the best naive forecast's error to the oracle's."""

    def value(total: Float) -> Float:
        best, oracle = total[..., 1:-1].min(axis=-1), total[..., -1]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(best > oracle, (best - total[..., 0]) / (best - oracle), np.nan)

    return Metric(name, "higher", _errors(horizon), value, (f"p_{horizon}",), detail=True)


def coverage(name: str, horizon: str) -> Metric:
    """Share of the loads that lie in their interval."""

    def sums(answer: Columns, rows: Rows) -> Float:
        true = np.asarray(rows.truth[f"p_{horizon}"], dtype=np.float64)
        low, high = (np.asarray(answer[f"{end}_{horizon}"], dtype=np.float64) for end in ("low", "high"))
        return np.stack([np.ones(true.size), (low <= true) & (true <= high)], axis=1).astype(np.float64)

    return Metric(name, "higher", sums, ratio, (f"low_{horizon}", f"high_{horizon}"))


def width(name: str, horizon: str) -> Metric:
    """Mean width of the intervals, % of the mean load."""

    def sums(answer: Columns, rows: Rows) -> Float:
        true = np.abs(np.asarray(rows.truth[f"p_{horizon}"], dtype=np.float64))
        low, high = (np.asarray(answer[f"{end}_{horizon}"], dtype=np.float64) for end in ("low", "high"))
        return np.stack([true, high - low], axis=1)

    return Metric(name, "lower", sums, _percent, (f"low_{horizon}", f"high_{horizon}"), detail=True)
