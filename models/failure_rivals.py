"""What an engineer would use instead of `equipment_failure`: age, points for condition, a count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.boosting import logistic_curve, probability
from models.failure_outlook import HORIZON_D
from models.metrics import Columns
from models.ranking import FAILED, FAILS, RANK, RISK, TIME_D, WEIGHT
from models.rows import Rows

Float = NDArray[np.float64]

YEAR_D = 365.25

# Points of the health index for a value above the limit. Gases: upper typical values of IEC 60599 for
# transformers (from common knowledge); the rest is what maintenance guides look at.
POINTS: Mapping[str, tuple[tuple[float, float], ...]] = {
    "asset_anomalies_30d": ((30.0, 1.0), (100.0, 2.0), (300.0, 2.0)),
    "asset_anomalies_7d": ((14.0, 1.0), (60.0, 2.0)),
    "asset_h2_ppm": ((150.0, 1.0),),
    "asset_ch4_ppm": ((130.0, 1.0),),
    "asset_c2h2_ppm": ((20.0, 2.0),),
    "asset_c2h4_ppm": ((280.0, 1.0),),
    "asset_co_ppm": ((600.0, 1.0),),
    "asset_moisture_pct": ((3.0, 1.0),),
    "asset_age_y": ((25.0, 1.0), (40.0, 1.0)),
    "maintenance_age_h": ((24.0 * 3 * YEAR_D, 1.0),),
    "asset_hot_spot_c": ((110.0, 1.0),),
}


def age_weibull(train: Rows, rows: Rows) -> Columns:
    """One Weibull law of age for all equipment, fitted to the failures of the training rows.

    Each row is thirty days of exposure; shape and scale maximise the Poisson likelihood of the failures in
    them. Risk and median are those of the law given the age reached.
    """
    age, (fails, weight) = train.column("asset_age_y"), _outcome(train)
    best = (-np.inf, 1.0, 100.0)
    for shape in np.linspace(0.5, 5.0, 46):
        grown = (age + HORIZON_D / YEAR_D) ** shape - age**shape
        events = max(float((weight * fails).sum()), 0.5)
        scale = (float((weight * grown).sum()) / events) ** (1.0 / shape)
        expected = grown / scale**shape
        likely = float((weight * (fails * np.log(np.maximum(expected, 1e-300)) - expected)).sum())
        best = max(best, (likely, float(shape), scale))
    _, shape, scale = best
    now = rows.column("asset_age_y")
    risk = -np.expm1(-((now + HORIZON_D / YEAR_D) ** shape - now**shape) / scale**shape)
    years = (now**shape + np.log(2.0) * scale**shape) ** (1.0 / shape) - now
    return {RISK: risk, RANK: -years, "hours": 24.0 * YEAR_D * years}


def health_index(train: Rows, rows: Rows) -> Columns:
    """Points for what is above its limit; the risk is the rate of failures by points, made monotone."""
    from sklearn.isotonic import IsotonicRegression

    fails, weight = _outcome(train)
    curve = IsotonicRegression(out_of_bounds="clip").fit(_points(train), fails, sample_weight=weight)
    points = _points(rows)
    return {RISK: np.asarray(curve.predict(points), dtype=np.float64), RANK: points}


def anomaly_count(train: Rows, rows: Rows) -> Columns:
    """A logistic curve over the logarithm of the anomalies of thirty days and nothing else.

    Where nobody counted them it is the base rate.
    """
    fails, weight = _outcome(train)
    known, count = _count(train), _count(rows)
    if np.ptp(known) == 0.0:
        return {RISK: np.full(len(rows), np.average(fails, weights=weight)), RANK: count}
    slope, level = logistic_curve(known, fails, weight)
    return {RISK: probability(slope * count + level), RANK: count}


def shallow_trees(train: Rows, rows: Rows, features: Sequence[str]) -> Columns:
    """Outcome and logarithm of the time in trees of depth 3; a censored time counts as it stands.

    Where no times are known there is the outcome alone.
    """
    from sklearn.tree import DecisionTreeRegressor

    X, (fails, weight) = train.inputs(features), _outcome(train)
    time = np.log(np.asarray(train.truth[TIME_D], dtype=np.float64))
    risk = DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, fails, sample_weight=weight)
    own = rows.inputs(features)
    chance = np.asarray(risk.predict(own), dtype=np.float64)
    known = np.isfinite(time)
    if not known.any():
        return {RISK: chance}
    failed = np.asarray(train.truth[FAILED], dtype=bool) & known
    failed = failed if failed.any() else known
    lasting = DecisionTreeRegressor(max_depth=3, random_state=0)
    lasting.fit(X[failed], time[failed], sample_weight=weight[failed])
    log_days = np.asarray(lasting.predict(own), dtype=np.float64)
    return {
        RISK: chance,
        RANK: -log_days,
        "hours": 24.0 * np.exp(log_days),
    }


RIVALS: Mapping[str, Callable[[Rows, Rows], Columns]] = {
    "age_weibull": age_weibull,
    "health_index": health_index,
    "anomaly_count": anomaly_count,
}


def _outcome(rows: Rows) -> tuple[Float, Float]:
    return np.asarray(rows.truth[FAILS], dtype=np.float64), np.asarray(rows.truth[WEIGHT], dtype=np.float64)


def _count(rows: Rows) -> Float:
    """Logarithm of the count; nobody's count is none."""
    return np.log1p(np.nan_to_num(rows.column("asset_anomalies_30d"), nan=0.0))


def _points(rows: Rows) -> Float:
    points = np.zeros(len(rows))
    for name, limits in POINTS.items():
        value = np.nan_to_num(rows.column(name), nan=0.0)
        for limit, worth in limits:
            points += worth * (value > limit)
    return points
