"""What a transformer's loading will do in the coming hour if it does as a day ago.

Blocks of load come and go by the clock. What was switched yesterday, such as a parallel transformer, says
nothing about today: a jump from one minute to the next is taken out of yesterday's shape.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_contracts.wire import Item
from features.context import loading
from features.declaration import DEFINITION, Feature
from features.windows import Windows

Float = NDArray[np.float64]

GROUP = "day_ago"
DAY_MIN = 1440
AROUND_MIN = 60
"""Minutes before and behind the same time of yesterday that are looked at."""

REACH_MIN = DAY_MIN + AROUND_MIN
"""Minutes of history that the features need."""

WHOLE = f"NaN unless the history reaches {REACH_MIN} min back and ends within {loading.STALE_S:g} s of now"
NOW_MIN = 5
"""Minutes whose mean is the present loading."""

_LEVEL_MIN, _SOON_MIN, _PEAK_MIN = 15, 15, 10
# Customers ramp by at most 4 % a minute and move by 1 %; a breaker does more.
_JUMP = 0.12
_LEAST_PU, _MOST_CHANGE = 0.02, float(np.log(2.0))

FEATURES = tuple(
    Feature(
        name, GROUP, "pu",
        f"{what} if the loading takes yesterday's shape, in proportion to that of the last {_LEVEL_MIN} min, "
        f"less the mean of the last {NOW_MIN} min",
        DEFINITION, loading.NEEDS, WHOLE,
    )
    for name, what in (
        ("day_ago_rise_15min_pu", f"mean loading of the next {_SOON_MIN} min"),
        ("day_ago_peak_60min_pu", f"mean of the {_PEAK_MIN} most loaded minutes of the next hour"),
    )
)  # fmt: skip


def ahead(hour_pu: Float, around_pu: Float) -> Float:
    """Loading of the next `AROUND_MIN` minutes if it takes yesterday's shape, float64 [n, AROUND_MIN].

    Args:
        hour_pu: Loading of the last `AROUND_MIN` minutes, of rated power, [n, AROUND_MIN].
        around_pu: Loading of the minutes from as long before to as long behind this time of yesterday,
            [n, 2·AROUND_MIN]; a row with NaN gives NaN.
    """
    today = _smooth(hour_pu[:, -_LEVEL_MIN:])
    yesterday = _smooth(around_pu)
    level = today.mean(axis=1) - today[:, -1]
    base = yesterday[:, AROUND_MIN - _LEVEL_MIN : AROUND_MIN].mean(axis=1)
    change = np.clip(yesterday[:, AROUND_MIN:] - base[:, None], -_MOST_CHANGE, _MOST_CHANGE)
    last = np.log(np.maximum(hour_pu[:, -1], _LEAST_PU))
    found: Float = np.exp((last + level)[:, None] + change)
    return found


def _smooth(pu: Float) -> Float:
    """Logarithm of a loading less that of its first minute, without its jumps; shape as `pu`."""
    steps = np.diff(np.log(np.maximum(pu, _LEAST_PU)), axis=1)
    steps = np.where(np.abs(steps) > _JUMP, 0.0, steps)
    return np.concatenate([np.zeros((len(pu), 1)), np.cumsum(steps, axis=1)], axis=1)


def compute(hour_pu: Float, around_pu: Float) -> Float:
    """Features of n transformers, float64 [n, len(FEATURES)]; arguments as of `ahead`."""
    coming = ahead(hour_pu, around_pu)
    now = hour_pu[:, -NOW_MIN:].mean(axis=1)
    most = np.sort(coming, axis=1)[:, -_PEAK_MIN:].mean(axis=1)
    return np.stack([coming[:, :_SOON_MIN].mean(axis=1) - now, most - now], axis=1)


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of n items, float64 [n, len(FEATURES)]."""
    pu = loading.histories(items, windows, REACH_MIN)
    return compute(*parts(pu))


def parts(pu: Float) -> tuple[Float, Float]:
    """The last hour and what lies around this time of yesterday, of histories [n, REACH_MIN]."""
    return pu[:, -AROUND_MIN:], pu[:, : 2 * AROUND_MIN]
