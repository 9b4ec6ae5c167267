"""Levels of a transformer's hottest spot, and where estimates are cut into them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.metrics import Columns
from models.thermal_rows import AHEAD_MIN

Float = NDArray[np.float64]

CLASSES = ("low", "medium", "high", "critical")
LIMITS_C = (98.0, 120.0, 140.0)
OVER_C = LIMITS_C[1]
OVER, CRITICAL = 2, 3
# What the bars ask for at the level critical, and how wide the cuts are looked for, K.
CRITICAL_RECALL, CRITICAL_PRECISION = 0.95, 0.70
SEARCHED_K = 10.0


def level_of(temperature_c: Float, cuts_c: tuple[float, ...] = LIMITS_C) -> NDArray[np.int64]:
    """Level by temperature; a cut itself belongs to the level above it."""
    codes: NDArray[np.int64] = np.searchsorted(cuts_c, temperature_c, side="right").astype(np.int64)
    return codes


@dataclass(frozen=True, slots=True)
class Cuts:
    """How an estimated temperature becomes a level.

    Attributes:
        levels_c: Estimates from which on each level but the first begins.
        score: Slope (1/K) and middle (°C) of the probability of the level `high` or above.
    """

    levels_c: tuple[float, float, float] = LIMITS_C
    score: tuple[float, float] = (0.5, OVER_C)


def columns_of(
    cuts: tuple[Cuts, Cuts], day_known: NDArray[np.bool_], hottest: Float, minutes: Float
) -> Columns:
    """Levels by the cuts of each row's form."""
    code = np.where(day_known, *(level_of(hottest, one.levels_c) for one in cuts))
    slope, middle = np.where(day_known[:, None], *(np.array(one.score) for one in cuts)).T
    probability = 1.0 / (1.0 + np.exp(-np.clip(slope * (hottest - middle), -50.0, 50.0)))
    return {
        "code": code,
        "says_critical": code == CRITICAL,
        "hottest_c": hottest,
        "probability": probability,
        "minutes": np.clip(minutes, 1.0, float(AHEAD_MIN)),
    }


def cuts_of(decoder: Mapping[str, Any]) -> tuple[Cuts, Cuts]:
    """Cuts with the day before and without, from the decoder's parameters."""
    known, unknown = (
        Cuts(tuple(levels), tuple(score))
        for levels, score in zip(decoder["cuts_c"], decoder["score"], strict=True)
    )
    return known, unknown


def levels_cut(
    known: tuple[Float, NDArray[np.int64]], unknown: tuple[Float, NDArray[np.int64]]
) -> tuple[Cuts, Cuts]:
    """Cuts with the day before and without.

    Args:
        known: Estimates and true levels of validation rows with the day before.
        unknown: Those of rows without. Where one of the two is empty, the other's cuts serve both.
    """
    first, second = (one if one[0].size else other for one, other in ((known, unknown), (unknown, known)))
    return _cuts(*first), _cuts(*second)


def _cuts(estimate: Float, code: NDArray[np.int64]) -> Cuts:
    """Cuts between the levels and the curve of the probability, from estimates and true levels."""
    first, second = (_best_cut(estimate, code, k, LIMITS_C[k - 1]) for k in (1, 2))
    third = _critical_cut(estimate, code == CRITICAL)
    return Cuts((first, max(first, second), max(first, second, third)), logistic(estimate, code >= OVER))


def _best_cut(estimate: Float, code: NDArray[np.int64], level: int, limit: float) -> float:
    """Cut near `limit` with the best F1 between the levels below `level` and from it on."""
    candidates, says_count, hit = _tried(estimate, code >= level, limit)
    f1 = 2.0 * hit / np.maximum(says_count + (code >= level).sum(), 1)
    return _nearest(candidates, f1, limit)


def _critical_cut(estimate: Float, critical: NDArray[np.bool_]) -> float:
    """Cut that keeps recall and precision of the level critical both as far above what is asked as can be.

    The lesser distance counts: by chance of the episodes either may come out some points lower.
    """
    limit = LIMITS_C[CRITICAL - 1]
    if not critical.any():
        return limit
    candidates, says_count, hit = _tried(estimate, critical, limit)
    recall, right = hit / critical.sum(), hit / np.maximum(says_count, 1)
    margin = np.minimum(recall - CRITICAL_RECALL, right - CRITICAL_PRECISION)
    return _nearest(candidates, margin, limit)


def _tried(
    estimate: Float, true: NDArray[np.bool_], limit: float
) -> tuple[Float, NDArray[np.int64], NDArray[np.int64]]:
    """Cuts around a limit, and the numbers of rows that each takes in, and rightly so."""
    candidates = limit + np.linspace(-SEARCHED_K, SEARCHED_K, int(8 * SEARCHED_K) + 1)
    every, right = np.sort(estimate), np.sort(estimate[true])
    says = every.size - np.searchsorted(every, candidates, side="left")
    hit = right.size - np.searchsorted(right, candidates, side="left")
    return candidates, says.astype(np.int64), hit.astype(np.int64)


def _nearest(candidates: Float, merit: Float, limit: float) -> float:
    """Of the best candidates the one nearest to the limit."""
    best = np.flatnonzero(merit == merit.max())
    return float(candidates[best[np.argmin(np.abs(candidates[best] - limit))]])


def logistic(estimate: Float, true: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and middle of the logistic curve with the largest likelihood (Platt, 1999)."""
    if true.all() or not true.any():
        return (0.5, OVER_C)
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e3).fit((estimate - OVER_C)[:, None], true)
    slope = max(float(fitted.coef_[0, 0]), 1e-3)
    return slope, OVER_C - float(fitted.intercept_[0]) / slope
