"""A calibrated risk, its level, and the hours until the chance of having failed is a half."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import boosting

Float = NDArray[np.float64]

HORIZON_D = 30.0
LEVELS = ("low", "medium", "high")
CUTS = (0.3, 0.7)
MOST_H = 1e6


def level_of(risk: Float) -> NDArray[np.int64]:
    """Level by risk: low below the first cut, high above the second."""
    return (risk >= CUTS[0]).astype(np.int64) + (risk > CUTS[1])


def risk_and_hours(decoder: Mapping[str, Any], raw: Float) -> tuple[Float, Float]:
    """Calibrated risk, and hours until the chance of having failed is a half.

    The hazard is constant over the horizon T, as the risk p says, and from then on constant with the median m
    of the second ensemble's law (piecewise exponential): t = T·ln 2/−ln(1 − p) where p ≥ ½, else
    t = T + m·(ln 2 + ln(1 − p))/ln 2.
    """
    slope, level = decoder["curve"]
    margin = raw[:, :-1].sum(axis=1) + decoder["start"]
    risk = boosting.probability(slope * margin + level)
    survives = -np.log1p(-np.minimum(risk, 1.0 - 1e-12))
    horizon = decoder["horizon_d"]
    median = np.exp(np.clip(raw[:, -1] + decoder["time_start_d"], -20.0, 20.0))
    median = median * np.log(2.0) ** decoder["time_scale"]
    with np.errstate(divide="ignore"):
        soon = horizon * np.log(2.0) / survives
    late = horizon + median * (np.log(2.0) - survives) / np.log(2.0)
    return risk, np.minimum(24.0 * np.where(survives >= np.log(2.0), soon, late), decoder["most_h"])
