"""The last four hours of a transformer's loading, minute by minute."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from data_contracts.wire import Item
from features.declaration import DEFINITION, Feature
from features.windows import Windows

Float = NDArray[np.float64]

GROUP = "loading"
MINUTES = 240
"""Minutes of history that the features look at."""

STALE_S = 120.0
"""A history that ends longer than this before the last reading says nothing about now."""

NEEDS = ("context.loading_history",)
WHOLE = f"NaN unless the history reaches {MINUTES} min back and ends within {STALE_S:g} s of the reading"
I2R = "Joule's law; resistance left out"

_MEANS = (5, 15, 30, 60, 120, 240)
_SQUARES = (60, 240)
_PEAKS = (60, 240)
_SLOPES = (15, 60)

FEATURES = (
    *(
        Feature(
            f"loading_{minutes}min_pu", GROUP, "pu", f"mean of the last {minutes} min, of rated power",
            "IEC 60076-7 (load factor K)", NEEDS, WHOLE,
        )
        for minutes in _MEANS
    ),
    *(
        Feature(
            f"loading_loss_{minutes}min_pu2", GROUP, "pu²",
            f"mean of the squared loading of the last {minutes} min", I2R, NEEDS, WHOLE,
        )
        for minutes in _SQUARES
    ),
    *(
        Feature(
            f"loading_max_{minutes}min_pu", GROUP, "pu", f"largest minute of the last {minutes} min",
            DEFINITION, NEEDS, WHOLE,
        )
        for minutes in _PEAKS
    ),
    *(
        Feature(
            f"loading_slope_{minutes}min_pu_h", GROUP, "pu/h",
            f"least-squares slope of the last {minutes} min", DEFINITION, NEEDS, WHOLE,
        )
        for minutes in _SLOPES
    ),
)  # fmt: skip


def compute(loading_pu: Float) -> Float:
    """Features of n histories, float64 [n, len(FEATURES)].

    Args:
        loading_pu: Loading of each of the last `MINUTES` minutes, the newest last, of rated power,
            [n, MINUTES]; a missing minute is NaN and makes the features that need it NaN.
    """
    out = np.empty((len(loading_pu), len(FEATURES)))
    column = 0
    for minutes in _MEANS:
        out[:, column] = loading_pu[:, MINUTES - minutes :].mean(axis=1)
        column += 1
    for minutes in _SQUARES:
        out[:, column] = (loading_pu[:, MINUTES - minutes :] ** 2).mean(axis=1)
        column += 1
    for minutes in _PEAKS:
        out[:, column] = loading_pu[:, MINUTES - minutes :].max(axis=1)
        column += 1
    for minutes in _SLOPES:
        hours = (np.arange(minutes) - 0.5 * (minutes - 1)) / 60.0
        recent = loading_pu[:, MINUTES - minutes :]
        # Pairwise sums of each row alone: a batch gives what its rows give one at a time.
        out[:, column] = (recent * hours).sum(axis=1) / float((hours**2).sum())
        column += 1
    return out


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of n items, float64 [n, len(FEATURES)]."""
    return compute(histories(items, windows))


def histories(items: Sequence[Item], windows: Windows, minutes: int = MINUTES) -> Float:
    """Loading of each of the last `minutes` minutes of n items, the newest last, float64 [n, minutes].

    A minute that the history does not hold is NaN, and so is all of one that does not end now.
    """
    loading_pu = np.full((len(items), minutes), np.nan)
    for row, item in enumerate(items):
        context = item.context
        if context is UNSET or context.loading_history is UNSET:
            continue
        history = context.loading_history
        if abs(float(windows.t_end[row]) - history.end.timestamp()) <= STALE_S:
            pu = np.asarray(history.pu, dtype=np.float64)
            loading_pu[row] = by_minute(pu, float(history.step_s), minutes)
    return loading_pu


def by_minute(values: Float, step_s: float, last: int = MINUTES) -> Float:
    """Values of steps as values of the `last` minutes, NaN before the first, float64 [last].

    A minute has the mean of what it holds of the steps, weighted by time.

    Args:
        values: One a step, oldest first; the last ends when the last minute ends, [k].
        step_s: Length of a step, s.
        last: Number of minutes wanted.
    """
    # ∫ of the values back from the end, read off at the minutes' bounds.
    back = np.concatenate([[0.0], np.cumsum(values[::-1])]) * step_s
    reach = step_s * np.arange(values.size + 1)
    bounds = 60.0 * np.arange(last + 1)
    total = np.interp(bounds, reach, back)
    minutes = np.diff(total) / 60.0
    minutes[bounds[1:] > reach[-1] + 1e-6] = np.nan
    found: Float = minutes[::-1]
    return found
