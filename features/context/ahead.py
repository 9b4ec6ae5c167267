"""Calendar of what is forecast: the kind of day in 15 min, 1 h and 24 h, and the season."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_contracts.wire import Item
from features.context import day_kinds
from features.declaration import DEFINITION, Feature
from features.windows import Windows

Float = NDArray[np.float64]

GROUP = "ahead"

HORIZONS: dict[str, float] = {"15min": 900.0, "1h": 3600.0, "24h": 86_400.0}
"""Seconds ahead by the horizon's name."""

YEAR_DAYS = 365.25
_KINDS = {
    "saturday": (day_kinds.SATURDAY, "Saturday that is no public holiday"),
    "free": (day_kinds.FREE, "Sunday or public holiday"),
}
_NEVER = "nothing: needs the time only"
_CALENDAR = (
    "nothing: needs the time and, for public holidays, `context.holidays` or else the calendar of the "
    "substation's country"
)

FEATURES = (
    *(
        Feature(
            f"{kind}_{name}", GROUP, "1", f"1 where the quarter that ends in {name} is of a {text}",
            DEFINITION, (), _CALENDAR, 0,
        )
        for name in HORIZONS
        for kind, (_, text) in _KINDS.items()
    ),
    Feature("year_sin", GROUP, "1", "sin(2π · local days since 1970 / 365.25)", DEFINITION, (), _NEVER, 0),
    Feature("year_cos", GROUP, "1", "cos(2π · local days since 1970 / 365.25)", DEFINITION, (), _NEVER, 0),
)  # fmt: skip


def compute(t: Float, utc_offset_s: Float, kinds: NDArray[np.int64]) -> Float:
    """Features of n instants, float64 [n, len(FEATURES)].

    Args:
        t: Unix seconds, [n].
        utc_offset_s: Local time minus UTC, s, [n].
        kinds: Kinds of the days around, from `day_kinds.kinds`, [n, days].
    """
    out = np.empty((t.size, len(FEATURES)))
    column = 0
    for ahead_s in HORIZONS.values():
        later = day_kinds.day_of(t + ahead_s, utc_offset_s) - day_kinds.day_of(t, utc_offset_s)
        kind = np.take_along_axis(kinds, day_kinds.BEFORE + later[:, None], axis=1)[:, 0]
        for number, _ in _KINDS.values():
            out[:, column] = kind == number
            column += 1
    turn = 2.0 * np.pi / YEAR_DAYS * ((t + utc_offset_s) / day_kinds.DAY_S)
    out[:, column], out[:, column + 1] = np.sin(turn), np.cos(turn)
    return out


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of the instants of n items, float64 [n, len(FEATURES)]."""
    return compute(windows.t_end, windows.utc_offset_s, day_kinds.read(items, windows))
