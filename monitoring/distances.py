"""Distances between two samples of one quantity, with numpy only."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

SHARE_FLOOR = 1e-4
"""Smallest share of a bin in the index: an empty bin would make it infinite."""

KS_COEFFICIENT = math.sqrt(-0.5 * math.log(0.01 / 2.0))
"""Of the critical value at the 1 % level, 1.628."""


def population_stability_index(expected: Float, actual: Float) -> float:
    """PSI = Σ (a − e)·ln(a/e) over the bins' shares, each at least `SHARE_FLOOR`.

    Below 0.1 two samples are taken as alike, from 0.25 on as different (Siddiqi, Credit Risk Scorecards,
    2006). Without any drift it is (bins − 1)·(1/n + 1/m) on average for samples of n and m rows.

    Args:
        expected: Shares of the reference, summing to 1, [bins].
        actual: Shares of the later sample, [bins].
    """
    e, a = np.maximum(expected, SHARE_FLOOR), np.maximum(actual, SHARE_FLOOR)
    return float(np.sum((a - e) * np.log(a / e)))


def kolmogorov_smirnov(first: Float, second: Float) -> float:
    """Largest distance between the empirical distribution functions of two samples, 0…1.

    Args:
        first: Finite values, at least one, in ascending order.
        second: Finite values, at least one, in ascending order.
    """
    both = np.concatenate([first, second])
    one = np.searchsorted(first, both, side="right") / first.shape[0]
    other = np.searchsorted(second, both, side="right") / second.shape[0]
    return float(np.max(np.abs(one - other)))


def ks_critical(n: int, m: int) -> float:
    """Distance that two samples of n and m independent rows exceed once in a hundred without any drift.

    Asymptotic: 1.628·√((n + m)/(n·m)). Windows of one episode are not independent, so that a real sample
    exceeds it more often: it is an aid for the eye, not a verdict.
    """
    return KS_COEFFICIENT * math.sqrt((n + m) / (n * m))
