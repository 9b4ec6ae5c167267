"""From the causes' probabilities and an event's size to the forecast of a step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.metrics import Columns
from models.rows import Rows
from models.sag_truth import happened, weight_of

Float = NDArray[np.float64]

SCALES = (0.2, 5.0)
"""Least and most by which the causes' probabilities may be multiplied."""


def together(rates: Float, scale: float) -> Float:
    """Probability that an event of any cause comes, from the estimates [n, 3] of the causes; [n]."""
    risk = scale * np.maximum(rates, 0.0).sum(axis=1)
    found: Float = -np.expm1(-risk)
    return found


def scale_of(rates: Float, rows: Rows) -> float:
    """Events that came over those forecast, within SCALES."""
    weight = weight_of(rows)
    forecast = float((weight * rates.sum(axis=1)).sum())
    came = float(weight[happened(rows)].sum())
    return float(np.clip(came / forecast, *SCALES)) if forecast > 0.0 else 1.0


def answered(rates: Float, scale: float, ln_depth: Float, duration_log: Float, rows: Rows) -> Columns:
    """The forecast of every step, and whether its cause is the one that came, arrays [n] by name."""
    code = np.argmax(rates, axis=1)
    return {
        "probability": together(rates, scale),
        "code": code,
        "right": code == rows.truth["code"],
        "depth_pct": np.clip(np.exp(ln_depth), 0.0, 100.0),
        "duration_log": duration_log,
    }
