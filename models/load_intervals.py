"""Intervals of a load forecast: half widths by local hour, made to hold by split conformal prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from features.context.load_history import HOURS
from models.load_inputs import INDEX

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Intervals:
    """Half widths by local hour in units of the level; between full hours they are interpolated.

    Attributes:
        hourly: Mean absolute error at the full hours of training rows, float64 [24, 3].
        factor: What it is multiplied by for 90 %, by split conformal prediction, float64 [3].
    """

    hourly: Float
    factor: Float

    def half(self, X: Float) -> Float:
        """Half widths in units of the level, float64 [n, 3]."""
        return self.factor * at_hour(self.hourly, X[:, INDEX["hour_sin"]], X[:, INDEX["hour_cos"]])


class Forecaster(Protocol):
    """A fitted load forecast with intervals, by whatever algorithm."""

    @property
    def intervals(self) -> Intervals:
        """Half widths."""

    def predict(self, X: Float, *, keras: bool = False) -> Float:
        """Load at each horizon, of rated power, float64 [n, 3]."""

    def half(self, X: Float) -> Float:
        """Half widths of the intervals, of rated power, float64 [n, 3]."""


def conformal(model: Forecaster, X: Float, y_pu: Float, share: float) -> Intervals:
    """Intervals that hold `share` of what follows, from rows that the model was not fitted on.

    Split conformal prediction with a scaled error (Papadopoulos et al., "Inductive Confidence Machines for
    Regression", 2002; Lei et al., JASA 113, 2018): the factor is the ⌈(n + 1)·share⌉-th smallest ratio of an
    error to its half width.
    """
    ratio = np.abs(model.predict(X) - y_pu) / np.maximum(model.half(X) / model.intervals.factor, 1e-12)
    return Intervals(model.intervals.hourly, np.sort(ratio, axis=0)[rank(len(X), share) - 1])


def rank(n: int, share: float) -> int:
    """Which of n ratios, the smallest first, split conformal prediction takes."""
    return min(int(np.ceil((n + 1) * share)), n)


def at_hour(hourly: Float, sine: Float, cosine: Float) -> Float:
    """Values between those at full hours, float64 [n, 3], at the hours of a sine and a cosine."""
    hour = np.arctan2(sine, cosine) * (HOURS / (2.0 * np.pi)) + HOURS
    first = np.floor(hour)
    share = (hour - first)[:, None]
    before = first.astype(np.int64) % HOURS
    found: Float = (1.0 - share) * hourly[before] + share * hourly[(before + 1) % HOURS]
    return found


def by_hour(error: Float, X: Float) -> Float:
    """Mean error of the rows nearest to each full hour, float64 [24, 3]; that of all where there is none."""
    count, total = sums_by_hour(error, X)
    return np.where(count > 0, total / np.maximum(count, 1), error.mean(axis=0))


def sums_by_hour(error: Float, X: Float) -> tuple[NDArray[np.int64], Float]:
    """Rows nearest to each full hour, int64 [24, 1], and the sums of their errors, float64 [24, 3]."""
    hour = np.arctan2(X[:, INDEX["hour_sin"]], X[:, INDEX["hour_cos"]]) * (HOURS / (2.0 * np.pi))
    nearest = np.round(hour).astype(np.int64) % HOURS
    total = np.stack([np.bincount(nearest, weights=column, minlength=HOURS) for column in error.T], axis=1)
    return np.bincount(nearest, minlength=HOURS)[:, None].astype(np.int64), total.astype(np.float64)
