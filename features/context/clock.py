"""The local time of day as a plain number: what a tree cuts a shift or a schedule out of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_contracts.wire import Item
from features.declaration import DEFINITION, Feature
from features.windows import Windows

Float = NDArray[np.float64]

GROUP = "clock"

FEATURES = (
    Feature(
        "hour_local", GROUP, "h", "local time of day of the last reading", DEFINITION, (),
        "nothing: needs the time only", 0,
    ),
)  # fmt: skip


def compute(t_end: Float, utc_offset_s: Float) -> Float:
    """Features of n instants, float64 [n, features].

    Args:
        t_end: Unix seconds, [n].
        utc_offset_s: Local time minus UTC, s, [n].
    """
    found: Float = np.mod(t_end + utc_offset_s, 86_400.0)[:, None] / 3600.0
    return found


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of n items, float64 [n, features]."""
    del items
    return compute(windows.t_end, windows.utc_offset_s)
