"""Eight days of a feeder's load, by the quarter of an hour: the newest ones, and those of like days.

The like of a quarter is the same quarter a week before. Where that day was of another kind (working day,
Saturday, or Sunday and public holiday), it is that of the latest day of the same kind within the week, or of
the nearest kind where there is none. So a holiday is compared with a Sunday, and what comes a week after a
holiday with another working day.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from data_contracts.wire import Item
from data_contracts.wire.request import LoadHistory
from features import channels as ch
from features.context import day_kinds
from features.declaration import DEFINITION, Feature
from features.windows import Windows

Float = NDArray[np.float64]
Int = NDArray[np.int64]

GROUP = "load_history"
QUARTER_S, DAY, WEEK = 900.0, 96, 672
QUARTERS = WEEK + DAY
"""Quarters of history that the features look at."""

HOURS = 24
STALE_S = 120.0
"""A history that ends this much later than the last reading, or longer than its step and this before it, says
nothing about now."""

NEEDS = ("load_history",)
WHOLE = (
    f"NaN unless the history has steps of {QUARTER_S / 60:g} min or less, reaches {QUARTERS // DAY} days "
    f"back and ends no longer than its step and {STALE_S:g} s before the reading; what lies between has the "
    "reading's power"
)


def _feature(name: str, text: str) -> Feature:
    return Feature(name, GROUP, "pu", text, DEFINITION, NEEDS, WHOLE)


_NEWEST = 8
# Quarters from the newest one back to the quarter that is meant.
_LAGS = {
    **{f"load_quarter_{lag}_pu": lag for lag in range(_NEWEST)},
    "load_day_before_15min_pu": DAY - 1,
    "load_day_before_1h_pu": DAY - 4,
}
# Quarters from the newest one on to the quarter whose like is meant.
_LIKES = {"load_like_15min_pu": 1, "load_like_1h_pu": 4, "load_like_24h_pu": DAY}
_SERIES = {
    "load_hour_pu": "to now",
    "load_like_hour_pu": "to now, of the like quarters",
    "load_like_next_hour_pu": "from now on, of the like quarters",
}
# Days back to the like day, the first choice first.
_BACK = np.array([7, 1, 2, 3, 4, 5, 6])
# Days from that of the newest quarter to those whose likes are wanted.
_DAYS = np.array([-1, 0, 1])

LAGS = (
    *(
        _feature(f"load_quarter_{lag}_pu", f"quarter of an hour that ended {15 * lag} min ago")
        for lag in range(_NEWEST)
    ),
    *(
        _feature(f"load_day_before_{name}_pu", f"quarter that ends in {name}, a day before")
        for name in ("15min", "1h")
    ),
    _feature(
        "load_like_pu",
        "like of the quarter that ended now: that of a week before or, where that day was of another kind "
        "(working day, Saturday, Sunday or public holiday), of the latest day of the same kind",
    ),
    *(
        _feature(f"load_like_{name}_pu", f"like of the quarter that ends in {name}")
        for name in ("15min", "1h", "24h")
    ),
    _feature("load_like_day_mean_pu", "mean of the likes of the last day's quarters"),
)
MEANS = (
    _feature("load_day_mean_pu", "mean of the last day"),
    _feature("load_week_mean_pu", "mean of the last week"),
    _feature("load_week_level_pu", "mean of the last week's quarters without their sign"),
)
SERIES = tuple(
    tuple(
        _feature(f"{name}.{hour}", f"hour {hour} of the 24 h {text}; 0 the earliest") for hour in range(HOURS)
    )
    for name, text in _SERIES.items()
)
"""Features of the series of hours, by series and hour."""

FEATURES = (*LAGS, *MEANS, *(feature for series in SERIES for feature in series))


def compute(load_pu: Float, t_end: Float, utc_offset_s: Float, kinds: Int) -> Float:
    """Features of n histories, float64 [n, len(FEATURES)].

    Args:
        load_pu: Load of each of the last `QUARTERS` quarters of an hour, the newest last, of the point's
            rated apparent power, [n, QUARTERS]; a missing quarter is NaN and makes the features that need it
            NaN.
        t_end: Unix time at which the newest quarter ends, s, [n].
        utc_offset_s: Local time minus UTC, s, [n].
        kinds: Kinds of the days around, from `day_kinds.kinds`, [n, days].
    """
    out = np.empty((len(load_pu), len(FEATURES)))
    like = _like(load_pu, t_end, utc_offset_s, kinds)
    newest = QUARTERS - 1
    for column, lag in enumerate(_LAGS.values()):
        out[:, column] = load_pu[:, newest - lag]
    column = len(_LAGS)
    now = DAY - 1
    for ahead in (0, *_LIKES.values()):
        out[:, column] = like[:, now + ahead]
        column += 1
    # Pairwise sums of each row alone: a batch gives what its rows give one at a time.
    out[:, column] = like[:, :DAY].mean(axis=1)
    column += 1
    week = load_pu[:, QUARTERS - WEEK :]
    out[:, column] = load_pu[:, QUARTERS - DAY :].mean(axis=1)
    out[:, column + 1] = week.mean(axis=1)
    out[:, column + 2] = np.abs(week).mean(axis=1)
    column += len(MEANS)
    for day in (load_pu[:, QUARTERS - DAY :], like[:, :DAY], like[:, DAY:]):
        out[:, column : column + HOURS] = day.reshape(len(day), HOURS, DAY // HOURS).mean(axis=2)
        column += HOURS
    return out


def _like(load_pu: Float, t_end: Float, utc_offset_s: Float, kinds: Int) -> Float:
    """Likes of the last day's quarters and of the next day's, oldest first, [n, 2 · DAY]."""
    at = day_kinds.BEFORE + _DAYS
    apart = np.abs(kinds[:, at[:, None] - _BACK] - kinds[:, at, None])
    back = _BACK[np.argmin(apart, axis=2)]
    ahead = np.arange(1 - DAY, DAY + 1)
    ends = t_end[:, None] + QUARTER_S * ahead
    later = day_kinds.day_of(ends, utc_offset_s[:, None]) - day_kinds.day_of(t_end, utc_offset_s)[:, None]
    days = np.take_along_axis(back, later - _DAYS[0], axis=1)
    return np.take_along_axis(load_pu, QUARTERS - 1 + ahead - DAY * days, axis=1)


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of n items, float64 [n, len(FEATURES)]."""
    load_pu = histories(items, windows)
    if np.isnan(load_pu).all():
        return np.full((len(items), len(FEATURES)), np.nan)
    return compute(load_pu, windows.t_end, windows.utc_offset_s, day_kinds.read(items, windows))


def histories(items: Sequence[Item], windows: Windows) -> Float:
    """Loads of the last quarters of an hour of n items, of rated power, NaN where unknown, [n, QUARTERS]."""
    load_pu = np.full((len(items), QUARTERS), np.nan)
    for row, item in enumerate(items):
        if item.load_history is not UNSET:
            now_w = float(windows.samples[-1, ch.P, row].sum())
            by_quarter = _quarters(item.load_history, float(windows.t_end[row]), now_w)
            load_pu[row] = by_quarter / windows.s_rated_va[row]
    return load_pu


def _quarters(history: LoadHistory, t_end: float, now_w: float) -> Float:
    """A history up to an instant; nothing but NaN where it is too coarse, too old or of the future."""
    step_s = float(history.step_s)
    gap_s = t_end - history.end.timestamp()
    if step_s > QUARTER_S or not -STALE_S <= gap_s <= step_s + STALE_S:
        return np.full(QUARTERS, np.nan)
    return by_quarter(np.asarray(history.p, dtype=np.float64), step_s, max(gap_s, 0.0), now_w)


def by_quarter(values: Float, step_s: float, gap_s: float = 0.0, now: float = 0.0) -> Float:
    """Values of steps as means of the last `QUARTERS` quarters of an hour, NaN before the first, [QUARTERS].

    Args:
        values: One a step, oldest first, [k].
        step_s: Length of a step, s.
        gap_s: Time between the end of the last step and the end of the last quarter, s.
        now: Value of that time.
    """
    # ∫ of the values back from the end, read off at the quarters' bounds.
    steps = np.full(values.size + 1, step_s)
    steps[0] = gap_s
    known = np.append(values, now if gap_s > 0.0 else 0.0)[::-1]
    back = np.concatenate([[0.0], np.cumsum(known * steps)])
    reach = np.concatenate([[0.0], np.cumsum(steps)])
    bounds = QUARTER_S * np.arange(QUARTERS + 1)
    quarters = np.diff(np.interp(bounds, reach, back)) / QUARTER_S
    quarters[bounds[1:] > reach[-1] + 1e-6] = np.nan
    found: Float = quarters[::-1]
    return found
