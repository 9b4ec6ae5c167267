"""What kind of customer draws its load here: the shape of its typical days, and what records say of it.

The shape is that of the two typical days of the table `customers`: the mean of every quarter of an hour over
working days and over days of rest. A request brings the load of the last weeks, from which the same two days
are averaged. How customers answer to prices and to warmth takes months of records; these figures come as they
were estimated there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from data_contracts.wire import Item
from features.declaration import DEFINITION, Feature
from features.windows import Windows

Float = NDArray[np.float64]

GROUP = "profile"

QUARTERS, QUARTER_S, DAY_S = 96, 900.0, 86_400.0
"""Quarters of an hour of a day, and their length."""

NIGHT_H, PEAK_H = (0, 6), (18, 22)
"""Local hours of the night and of the evening's peak price."""

WORKING_DAYS, DAYS_OF_REST = 5, 2
"""Fewest whole local days of each kind (Monday to Friday; Saturday and Sunday) that make a typical day."""

OLDEST_S = 2 * DAY_S
"""A history that ended longer than this before the last reading is not of these weeks."""

LATEST_S = 120.0
"""How far the history's end may lie behind the last reading."""

_EPOCH_WEEKDAY, _SATURDAY = 3, 5  # 1970-01-01 was a Thursday; Monday is 0

_HISTORY = ("load_history",)
_WHOLE = (
    f"NaN unless the history has steps of {QUARTER_S / 60:g} min or less, holds {WORKING_DAYS} working days "
    f"and {DAYS_OF_REST} days of rest, whole and local, and ends within {OLDEST_S / 3600:g} h of the reading"
)
_ABSENT = "NaN when it was not sent"


def _shape(name: str, unit: str, text: str) -> Feature:
    return Feature(name, GROUP, unit, text, DEFINITION, _HISTORY, _WHOLE)


def _record(name: str, unit: str, text: str) -> Feature:
    return Feature(name, GROUP, unit, text, DEFINITION, (f"context.profile.{name}",), _ABSENT)


SHAPES = (
    _shape(
        "profile_load_factor", "1",
        "mean of a week of five typical working days and two of rest, over the largest quarter of both",
    ),
    _shape("profile_night_share", "1", "share of a typical working day's energy from 0 to 6 h"),
    _shape("profile_peak_hours_share", "1", "share of a typical working day's energy from 18 to 22 h"),
    _shape("profile_weekend_ratio", "1", "energy of a typical day of rest over a working day's"),
    _shape(
        "profile_ramp_pu", "pu",
        "largest change from hour to hour of a typical working day, midnight too, over the largest quarter",
    ),
    _shape("profile_floor_share", "1", "smallest quarter of a typical working day over its mean"),
    _shape("profile_peak_hours_w", "W", "mean of a typical working day from 18 to 22 h"),
)  # fmt: skip

RECORDS = (
    _record(
        "price_response_pct", "%", "fall of the energy from 18 to 22 h on days of high price, as estimated"
    ),
    _record("temperature_pct_per_k", "%/K", "rise of the mean with outdoor temperature, as estimated"),
    _record("variability_pct", "%", "standard deviation of a quarter from day to day, of its mean"),
    _record("standby_pct", "%", "share of the load that own generators can carry, as registered"),
)

FEATURES = (*SHAPES, *RECORDS)


# A customer that draws nothing has no shape: NaN.
@np.errstate(divide="ignore", invalid="ignore")
def compute(working_w: Float, rest_w: Float) -> Float:
    """Figures of n load shapes, float64 [n, len(SHAPES)].

    Args:
        working_w: Typical working day: mean of each quarter from local midnight, W, [n, 96].
        rest_w: Typical day of rest, [n, 96].

    Returns:
        The figures; NaN where a day is unknown or nothing is drawn.
    """
    mean, peak = working_w.mean(axis=1), np.maximum(working_w.max(axis=1), rest_w.max(axis=1))
    total = working_w.sum(axis=1)
    week = (5.0 * mean + 2.0 * rest_w.mean(axis=1)) / 7.0
    night, evening = (working_w[:, 4 * first : 4 * stop] for first, stop in (NIGHT_H, PEAK_H))
    hourly = working_w.reshape(-1, 24, 4).mean(axis=2)
    step = np.abs(hourly - np.roll(hourly, 1, axis=1)).max(axis=1)
    found = np.stack(
        [
            week / peak,
            night.sum(axis=1) / total,
            evening.sum(axis=1) / total,
            rest_w.mean(axis=1) / mean,
            step / peak,
            working_w.min(axis=1) / mean,
            evening.mean(axis=1),
        ],
        axis=1,
    )
    return np.where((mean > 0)[:, None], found, np.nan)


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of n items, float64 [n, len(FEATURES)]."""
    days = np.full((2, len(items), QUARTERS), np.nan)
    out = np.full((len(items), len(FEATURES)), np.nan)
    for row, item in enumerate(items):
        history = item.load_history
        if history is not UNSET and history.step_s <= QUARTER_S:
            end = history.end.timestamp()
            if -LATEST_S <= float(windows.t_end[row]) - end <= OLDEST_S:
                days[:, row] = typical_days(
                    np.asarray(history.p, dtype=np.float64),
                    float(history.step_s),
                    end + float(windows.utc_offset_s[row]),
                )
        if item.context is not UNSET and item.context.profile is not UNSET:
            for column, feature in enumerate(RECORDS, len(SHAPES)):
                value = getattr(item.context.profile, feature.name)
                if value is not UNSET:
                    out[row, column] = value
    out[:, : len(SHAPES)] = compute(days[0], days[1])
    return out


def typical_days(power_w: Float, step_s: float, end_s: float) -> Float:
    """Mean quarters of whole local working days and days of rest, W, float64 [2, 96]; NaN with too few days.

    A quarter has the mean of what it holds of the steps, weighted by time.

    Args:
        power_w: Mean power of steps, oldest first, W, [k].
        step_s: Length of a step, s.
        end_s: Local time at which the last one ends, s since 1970-01-01 00:00 local.
    """
    days = np.full((2, QUARTERS), np.nan)
    begin = end_s - step_s * power_w.size
    first, stop = int(np.ceil(begin / DAY_S - 1e-9)), int(np.floor(end_s / DAY_S + 1e-9))
    if stop - first < WORKING_DAYS + DAYS_OF_REST:
        return days
    # ∫ of the power from the first midnight on, read off at the quarters' bounds.
    energy = np.concatenate([[0.0], np.cumsum(power_w)]) * step_s
    at = begin - first * DAY_S + step_s * np.arange(power_w.size + 1)
    bounds = QUARTER_S * np.arange((stop - first) * QUARTERS + 1)
    quarters = np.diff(np.interp(bounds, at, energy)).reshape(-1, QUARTERS) / QUARTER_S
    rests = (np.arange(first, stop) + _EPOCH_WEEKDAY) % 7 >= _SATURDAY
    for place, (which, fewest) in enumerate(((~rests, WORKING_DAYS), (rests, DAYS_OF_REST))):
        if which.sum() >= fewest:
            days[place] = quarters[which].mean(axis=0)
    return days
