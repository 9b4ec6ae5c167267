"""What a transformer's loading did in the coming hour a day ago: blocks of load come and go by the clock."""

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
_NOW_MIN, _SOON_MIN, _PEAK_MIN = 5, 15, 10
_GROWTH, _LEAST_PU = (0.5, 2.0), 0.05

FEATURES = tuple(
    Feature(
        name, GROUP, "pu",
        f"{what} less the mean of the {_NOW_MIN} min before it, a day ago, in proportion to the last hour's "
        "growth since then",
        DEFINITION, loading.NEEDS, WHOLE,
    )
    for name, what in (
        ("day_ago_rise_15min_pu", f"mean loading of the {_SOON_MIN} min after this time of day"),
        ("day_ago_rise_60min_pu", f"mean loading of the {AROUND_MIN} min after this time of day"),
        ("day_ago_peak_60min_pu", f"mean of the {_PEAK_MIN} most loaded minutes of the hour after this time"),
    )
)  # fmt: skip


def compute(hour_pu: Float, around_pu: Float) -> Float:
    """Features of n transformers, float64 [n, len(FEATURES)].

    Args:
        hour_pu: Loading of the last `AROUND_MIN` minutes, of rated power, [n, AROUND_MIN].
        around_pu: Loading of the minutes from as long before to as long behind this time of yesterday,
            [n, 2·AROUND_MIN].
    """
    before, after = around_pu[:, :AROUND_MIN], around_pu[:, AROUND_MIN:]
    growth = np.clip(hour_pu.mean(axis=1) / np.maximum(before.mean(axis=1), _LEAST_PU), *_GROWTH)
    now = before[:, -_NOW_MIN:].mean(axis=1)
    most = np.sort(after, axis=1)[:, -_PEAK_MIN:].mean(axis=1)
    means = (after[:, :_SOON_MIN].mean(axis=1), after.mean(axis=1), most)
    return np.stack([growth * (mean - now) for mean in means], axis=1)


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of n items, float64 [n, len(FEATURES)]."""
    pu = loading.histories(items, windows, REACH_MIN)
    return compute(pu[:, -AROUND_MIN:], pu[:, : 2 * AROUND_MIN])
