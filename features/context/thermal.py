"""What the standard's thermal model makes of a transformer's loading, its top oil and the air.

IEC 60076-7's exponential equations, a minute a step, with all cooling running: where a temperature comes near
a limit, fans and pumps have started. Characteristics are those that the standard recommends; a heat run's
are not known. Shares of the steady state that a lag has reached are sums of past targets, weighted by
exp(−age/τ), so nothing is simulated step by step.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from data_contracts.wire import Item
from features.context import day_ago, loading
from features.declaration import Feature
from features.windows import Windows

Float = NDArray[np.float64]

GROUP = "thermal"
SOURCE = "IEC 60076-7, exponential equations"
NEEDS = ("context.loading_history", "context.top_oil_c", "context.ambient_c")
MISSING = f"NaN unless all three are known and the history reaches {loading.MINUTES} min back"

LOSS_RATIO = 6.0
"""R, load losses at rated power over no-load losses, of a usual power transformer."""

OIL_RISE_K, GRADIENT_K, OIL_EXPONENT, WINDING_EXPONENT = 56.0, 22.0, 1.0, 1.3
OVERSHOOT, TAU_OIL_MIN, TAU_WINDING_MIN = 1.3, 90.0, 7.0
"""Δθor, Δθhr, x, y, k21, k11·τo = τo/k22 and k22·τw of OFAF."""

AHEAD_MIN = day_ago.AROUND_MIN
"""Minutes that are looked ahead."""

OVER_C = 120.0
"""Hot spot above which a transformer is overloaded (IEC 60076-7, normal cyclic loading)."""

_EXCESS = (0.7, 1.6)
_LEAST_RISE_K = 5.0

FEATURES = (
    Feature(
        "oil_rise_k", GROUP, "K", "top oil above the air", "IEC 60076-7", NEEDS[1:],
        "NaN unless both are known",
    ),
    Feature(
        "oil_excess_k", GROUP, "K",
        "top oil above what the standard makes of the last four hours: cooling that is not whole, or not on",
        SOURCE, NEEDS, MISSING,
    ),
    Feature(
        "gradient_k", GROUP, "K", "hot spot above top oil by the last four hours", SOURCE, NEEDS[:1],
        loading.WHOLE,
    ),
    Feature(
        "hot_spot_ahead_c", GROUP, "°C",
        f"largest hot spot of the next hour if the loading takes yesterday's shape, or stays at the mean of "
        f"the last {day_ago.NOW_MIN} min where yesterday is not known, and the oil's rise at its present "
        "ratio to the standard's",
        SOURCE, NEEDS, MISSING,
    ),
    Feature(
        "over_120_ahead_min", GROUP, "min",
        f"first minute of the next hour in which that hot spot exceeds {OVER_C:g} °C, {AHEAD_MIN} where none "
        "does",
        SOURCE, NEEDS, MISSING,
    ),
)  # fmt: skip


def _shares(tau_min: float) -> Float:
    """Weight of each past minute's target in a lag's present value, oldest first; they sum to 1.

    What was before the history is taken to be its first minute's steady state.
    """
    age = np.arange(loading.MINUTES - 1, -1, -1.0)
    weights = np.exp(-age / tau_min) - np.exp(-(age + 1.0) / tau_min)
    weights[0] += np.exp(-loading.MINUTES / tau_min)
    return weights


_OIL, _WINDING = _shares(TAU_OIL_MIN), _shares(TAU_WINDING_MIN)
_OIL_LEFT, _WINDING_LEFT = float(np.exp(-1.0 / TAU_OIL_MIN)), float(np.exp(-1.0 / TAU_WINDING_MIN))


def _rise_k(load_pu: Float) -> Float:
    """Steady rise of the top oil, K; any shape."""
    rise: Float = OIL_RISE_K * ((1.0 + LOSS_RATIO * load_pu**2) / (1.0 + LOSS_RATIO)) ** OIL_EXPONENT
    return rise


def compute(loading_pu: Float, top_oil_c: Float, ambient_c: Float, ahead_pu: Float) -> Float:
    """Features of n transformers, float64 [n, len(FEATURES)].

    Args:
        loading_pu: Loading of each of the last `loading.MINUTES` minutes, the newest last, of rated power,
            [n, MINUTES].
        top_oil_c: Top oil now, °C, [n].
        ambient_c: Air, °C, [n].
        ahead_pu: Loading that the next minutes are expected to bring, [n, AHEAD_MIN]; NaN where unknown: the
            load is held.
    """
    model, (fast, slow) = _model_k(loading_pu), _gradient_k(loading_pu)
    rise = top_oil_c - ambient_c
    hot = hot_spots_c(loading_pu, top_oil_c, ambient_c, ahead_pu)
    return np.stack([rise, rise - model, fast - slow, hot.max(axis=1), first_over(hot)], axis=1)


def hot_spots_c(loading_pu: Float, top_oil_c: Float, ambient_c: Float, ahead_pu: Float) -> Float:
    """Hot spot at the end of each of the next minutes, °C, float64 [n, AHEAD_MIN]; arguments as `compute`."""
    held = loading_pu[:, -day_ago.NOW_MIN :].mean(axis=1)
    coming = np.where(np.isfinite(ahead_pu), ahead_pu, held[:, None])
    ratio = np.clip((top_oil_c - ambient_c) / np.maximum(_model_k(loading_pu), _LEAST_RISE_K), *_EXCESS)
    end_oil, end = ambient_c[:, None] + ratio[:, None] * _rise_k(coming), _steady_k(coming)
    oil, (fast, slow) = top_oil_c, _gradient_k(loading_pu)
    out = np.empty_like(coming)
    for minute in range(coming.shape[1]):
        oil = end_oil[:, minute] + (oil - end_oil[:, minute]) * _OIL_LEFT
        fast = OVERSHOOT * end[:, minute] + (fast - OVERSHOOT * end[:, minute]) * _WINDING_LEFT
        lagging = (OVERSHOOT - 1.0) * end[:, minute]
        slow = lagging + (slow - lagging) * _OIL_LEFT
        out[:, minute] = oil + np.maximum(fast - slow, 0.0)
    return out


def first_over(hot_spot_c: Float) -> Float:
    """First minute, from 1, in which a hot spot exceeds `OVER_C`, else the last; float64 [n]."""
    over = hot_spot_c > OVER_C
    found = np.where(over.any(axis=1), over.argmax(axis=1) + 1.0, float(hot_spot_c.shape[1]))
    return np.where(np.isnan(hot_spot_c).any(axis=1), np.nan, found)


# Sums of each row alone: a batch gives what its rows give one at a time.
def _model_k(loading_pu: Float) -> Float:
    """Rise of the top oil that a history gives, K, [n]."""
    found: Float = (_rise_k(loading_pu) * _OIL).sum(axis=1)
    return found


def _steady_k(load_pu: Float) -> Float:
    """Steady gradient, K; any shape."""
    found: Float = GRADIENT_K * load_pu**WINDING_EXPONENT
    return found


def _gradient_k(loading_pu: Float) -> tuple[Float, Float]:
    """Both terms of the gradient that a history gives, K, [n] each."""
    steady = _steady_k(loading_pu)
    fast = OVERSHOOT * (steady * _WINDING).sum(axis=1)
    slow = (OVERSHOOT - 1.0) * (steady * _OIL).sum(axis=1)
    return fast, slow


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of n items, float64 [n, len(FEATURES)]."""
    oil_c, ambient_c = np.full((2, len(items)), np.nan)
    for row, item in enumerate(items):
        if item.context is UNSET:
            continue
        for known, value in ((oil_c, item.context.top_oil_c), (ambient_c, item.context.ambient_c)):
            if value is not UNSET:
                known[row] = value
    pu = loading.histories(items, windows, day_ago.REACH_MIN)
    return compute(pu[:, -loading.MINUTES :], oil_c, ambient_c, day_ago.ahead(*day_ago.parts(pu)))
