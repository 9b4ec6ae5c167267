"""Calendar of what is forecast: the kind of day in 15 min, 1 h and 24 h, and the season."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_contracts.wire import Item
from features.declaration import DEFINITION, Feature
from features.windows import Windows

Float = NDArray[np.float64]

GROUP = "ahead"

HORIZONS: dict[str, float] = {"15min": 900.0, "1h": 3600.0, "24h": 86_400.0}
"""Seconds ahead by the horizon's name."""

YEAR_DAYS = 365.25
_DAY_S, _EPOCH_WEEKDAY = 86_400.0, 3.0  # 1970-01-01 was a Thursday; Monday is 0
_KINDS = {"saturday": 5.0, "sunday": 6.0}
_NEVER = "nothing: needs the time only"

FEATURES = (
    *(
        Feature(
            f"{kind}_{name}", GROUP, "1", f"1 where the quarter that ends in {name} is of a {kind}",
            DEFINITION, (), _NEVER, 0,
        )
        for name in HORIZONS
        for kind in _KINDS
    ),
    Feature("year_sin", GROUP, "1", "sin(2π · local days since 1970 / 365.25)", DEFINITION, (), _NEVER, 0),
    Feature("year_cos", GROUP, "1", "cos(2π · local days since 1970 / 365.25)", DEFINITION, (), _NEVER, 0),
)  # fmt: skip


def compute(t: Float, utc_offset_s: Float) -> Float:
    """Features of n instants, float64 [n, len(FEATURES)].

    Args:
        t: Unix seconds, [n].
        utc_offset_s: Local time minus UTC, s, [n].
    """
    out = np.empty((t.size, len(FEATURES)))
    column = 0
    for ahead_s in HORIZONS.values():
        # A quarter that ends at midnight belongs to the day before it.
        day = np.floor((t + utc_offset_s + ahead_s - 450.0) / _DAY_S)
        weekday = np.fmod(day + _EPOCH_WEEKDAY, 7.0)
        for number in _KINDS.values():
            out[:, column] = weekday == number
            column += 1
    turn = 2.0 * np.pi / YEAR_DAYS * ((t + utc_offset_s) / _DAY_S)
    out[:, column], out[:, column + 1] = np.sin(turn), np.cos(turn)
    return out


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of the instants of n items, float64 [n, len(FEATURES)]."""
    del items
    return compute(windows.t_end, windows.utc_offset_s)
