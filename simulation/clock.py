"""Time: Unix seconds in UTC everywhere, local calendar where people decide what they do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from data_contracts.holidays import holidays

QUARTER_S = 900
DAY_S = 86_400

COUNTRY = "IN"
"""Whose public holidays everybody keeps."""


@dataclass(frozen=True, slots=True)
class LocalTime:
    """Calendar fields of a vector of instants, each of shape [n].

    Attributes:
        hour: Local hour of the day, 0 ≤ hour < 24, with fractions.
        day_of_week: 0 is Monday.
        day_of_year: 1 … 366, with the fraction of the day.
        holiday: Whether the local date is a public holiday.
    """

    hour: NDArray[np.float64]
    day_of_week: NDArray[np.int8]
    day_of_year: NDArray[np.float64]
    holiday: NDArray[np.bool_]


def local_midnight(day: date, utc_offset_s: int) -> int:
    """Unix seconds at which the local date `day` begins."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) - utc_offset_s


def local_time(t: NDArray[np.float64] | NDArray[np.int64], utc_offset_s: int) -> LocalTime:
    """Calendar fields of the instants `t` (Unix seconds, shape [n]) at a fixed offset from UTC."""
    local = np.asarray(t, dtype=np.float64) + utc_offset_s
    days = np.floor_divide(local, DAY_S).astype(np.int64)
    dates = days.astype("datetime64[D]")
    year_start = dates.astype("datetime64[Y]").astype("datetime64[D]")
    seconds = local - days * DAY_S
    return LocalTime(
        hour=seconds / 3600.0,
        # 1 January 1970 was a Thursday.
        day_of_week=((days + 3) % 7).astype(np.int8),
        day_of_year=(dates - year_start).astype(np.float64) + 1.0 + seconds / DAY_S,
        holiday=np.isin(dates, _holidays(dates)),
    )


def _holidays(dates: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    if not dates.size:
        return np.empty(0, dtype="datetime64[D]")
    first, last = (
        int(year.astype(np.int64)) + 1970
        for year in (
            dates.min().astype("datetime64[Y]"),
            dates.max().astype("datetime64[Y]"),
        )
    )
    return holidays(COUNTRY, range(first, last + 1))
