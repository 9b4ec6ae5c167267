"""The six days of a feeder's load before the last one, by the hour.

With the 24 hours of the last day (`features.context.load_history`) they are the last week, hour by hour.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_contracts.wire import Item
from features.context import load_history
from features.context.load_history import DAY, QUARTERS, WEEK
from features.declaration import DEFINITION, Feature
from features.windows import Windows

Float = NDArray[np.float64]

GROUP = "load_week"
HOURS = 144
_PER_HOUR = (WEEK - DAY) // HOURS

FEATURES = tuple(
    Feature(
        f"load_earlier_hour_pu.{hour}",
        GROUP,
        "pu",
        f"hour {hour} of the {HOURS} h before the last 24 h; 0 the earliest",
        DEFINITION,
        load_history.NEEDS,
        load_history.WHOLE,
    )
    for hour in range(HOURS)
)


def compute(load_pu: Float) -> Float:
    """Features of n histories, float64 [n, HOURS].

    Args:
        load_pu: Load of each of the last `load_history.QUARTERS` quarters of an hour, the newest last, of the
            point's rated apparent power, [n, QUARTERS]; a missing quarter is NaN and makes its hour NaN.
    """
    days = load_pu[:, QUARTERS - WEEK : QUARTERS - DAY]
    found: Float = days.reshape(len(load_pu), HOURS, _PER_HOUR).mean(axis=2)
    return found


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of n items, float64 [n, HOURS]."""
    return compute(load_history.histories(items, windows))
