"""What kind of day the days around a load are: working day, Saturday, or Sunday and public holiday."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from data_contracts.holidays import holiday_days
from data_contracts.wire import Item
from features.windows import Windows

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

WORKING, SATURDAY, FREE = 0, 1, 3
"""Kinds of day; the nearer two numbers are, the more alike are the days."""

BEFORE = 8
OFFSETS = np.arange(-BEFORE, 2)
"""Days that are looked at, from that of the newest quarter of an hour: eight before it to one after."""

DAY_S = 86_400.0
HALF_QUARTER_S = 450.0
_MONDAY, _SATURDAY, _SUNDAY, _WEEK = 3, 5, 6, 7  # 1970-01-01 was a Thursday; Monday is 0


def day_of(t_end: Float, utc_offset_s: Float) -> Int:
    """Local days since 1970 of the quarters of an hour that end at given instants, int64, any shape.

    A quarter that ends at midnight belongs to the day before it.

    Args:
        t_end: Unix seconds.
        utc_offset_s: Local time minus UTC, s.
    """
    found: Int = np.floor((t_end + utc_offset_s - HALF_QUARTER_S) / DAY_S).astype(np.int64)
    return found


def kinds(day: Int, holiday: Bool) -> Int:
    """Kind of each of the days around n days, int64 [n, len(OFFSETS)].

    Args:
        day: Local days since 1970, [n].
        holiday: Whether each of the days around is a public holiday, [n, len(OFFSETS)].
    """
    weekday = (day[:, None] + OFFSETS + _MONDAY) % _WEEK
    free = holiday | (weekday == _SUNDAY)
    return np.where(free, FREE, np.where(weekday == _SATURDAY, SATURDAY, WORKING))


def read(items: Sequence[Item], windows: Windows) -> Int:
    """Kind of each of the days around n items, int64 [n, len(OFFSETS)].

    Holidays are those that the item names, else those of the country's calendar.
    """
    day = day_of(windows.t_end, windows.utc_offset_s)
    holiday = np.zeros((len(items), OFFSETS.size), dtype=bool)
    for row, item in enumerate(items):
        if item.context is not UNSET and item.context.holidays is not UNSET:
            told = np.array(item.context.holidays, dtype="datetime64[D]").astype(np.int64)
            known = frozenset(told.tolist())
        else:
            known = holiday_days(windows.countries[row] if windows.countries else "")
        holiday[row] = [one in known for one in (day[row] + OFFSETS).tolist()]
    return kinds(day, holiday)
