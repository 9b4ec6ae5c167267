"""Calendar: local time of the window's last reading, on circles so that midnight has no edge."""

from __future__ import annotations

import numpy as np

from features.declaration import DEFINITION, Feature
from features.statistics import Float, Statistics

DAY_S = np.array(86_400.0)
WEEK = np.array(7.0)
TURN = np.array(2.0 * np.pi)
EPOCH_WEEKDAY = np.array(3.0)  # 1970-01-01 was a Thursday; Monday is 0
SATURDAY = np.array(5.0)
NEVER = "nothing: needs the time only"

FEATURES = (
    Feature("hour_sin", "calendar", "1", "sin(2π · local hour / 24)", DEFINITION, ("t",), NEVER, 0),
    Feature("hour_cos", "calendar", "1", "cos(2π · local hour / 24)", DEFINITION, ("t",), NEVER, 0),
    Feature(
        "weekday_sin",
        "calendar",
        "1",
        "sin(2π · weekday / 7), Monday 0",
        DEFINITION,
        ("t",),
        NEVER,
        0,
    ),
    Feature(
        "weekday_cos",
        "calendar",
        "1",
        "cos(2π · weekday / 7), Monday 0",
        DEFINITION,
        ("t",),
        NEVER,
        0,
    ),
    Feature("weekend", "calendar", "1", "1 on Saturday and Sunday, else 0", DEFINITION, ("t",), NEVER, 0),
)


def fill(s: Statistics, out: Float) -> None:
    """Write the calendar features of `s` into the rows of `out`."""
    days = (s.t_end + s.utc_offset_s) / DAY_S
    whole = np.floor(days)
    weekday = np.fmod(whole + EPOCH_WEEKDAY, WEEK)
    angles = np.empty((2, whole.shape[0]))
    np.subtract(days, whole, out=angles[0])
    np.divide(weekday, WEEK, out=angles[1])
    angles *= TURN
    out[0:4:2] = np.sin(angles)
    out[1:4:2] = np.cos(angles)
    out[4] = weekday >= SATURDAY
