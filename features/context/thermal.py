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
from features.context import loading
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

HELD_MIN = 5
"""Minutes whose mean load is the one that is held."""

AHEAD_MIN = np.arange(5.0, 61.0, 5.0)
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
        "hot_spot_held_c", GROUP, "°C",
        f"largest hot spot of the next hour if the load stays at the mean of the last {HELD_MIN} min and the "
        "oil's rise at its present ratio to the standard's",
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
_OIL_LEFT, _WINDING_LEFT = np.exp(-AHEAD_MIN / TAU_OIL_MIN), np.exp(-AHEAD_MIN / TAU_WINDING_MIN)


def _rise_k(load_pu: Float) -> Float:
    """Steady rise of the top oil, K; any shape."""
    rise: Float = OIL_RISE_K * ((1.0 + LOSS_RATIO * load_pu**2) / (1.0 + LOSS_RATIO)) ** OIL_EXPONENT
    return rise


def compute(loading_pu: Float, top_oil_c: Float, ambient_c: Float) -> Float:
    """Features of n transformers, float64 [n, len(FEATURES)].

    Args:
        loading_pu: Loading of each of the last `loading.MINUTES` minutes, the newest last, of rated power,
            [n, MINUTES].
        top_oil_c: Top oil now, °C, [n].
        ambient_c: Air, °C, [n].
    """
    rise = top_oil_c - ambient_c
    # Sums of each row alone: a batch gives what its rows give one at a time.
    model = (_rise_k(loading_pu) * _OIL).sum(axis=1)
    steady = GRADIENT_K * loading_pu**WINDING_EXPONENT
    fast = OVERSHOOT * (steady * _WINDING).sum(axis=1)
    slow = (OVERSHOOT - 1.0) * (steady * _OIL).sum(axis=1)
    held = loading_pu[:, -HELD_MIN:].mean(axis=1)
    ratio = np.clip(rise / np.maximum(model, _LEAST_RISE_K), *_EXCESS)
    end_oil, end = ambient_c + ratio * _rise_k(held), GRADIENT_K * held**WINDING_EXPONENT
    oil = end_oil[:, None] + (top_oil_c - end_oil)[:, None] * _OIL_LEFT
    quick = OVERSHOOT * end[:, None] + (fast - OVERSHOOT * end)[:, None] * _WINDING_LEFT
    lagging = (OVERSHOOT - 1.0) * end
    late = lagging[:, None] + (slow - lagging)[:, None] * _OIL_LEFT
    ahead = (oil + np.maximum(quick - late, 0.0)).max(axis=1)
    return np.stack([rise, rise - model, fast - slow, ahead], axis=1)


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of n items, float64 [n, len(FEATURES)]."""
    known = np.full((2, len(items)), np.nan)
    for row, item in enumerate(items):
        if item.context is UNSET:
            continue
        for place, value in enumerate((item.context.top_oil_c, item.context.ambient_c)):
            if value is not UNSET:
                known[place, row] = value
    return compute(loading.histories(items, windows), *known)
