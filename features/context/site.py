"""What the substation's description says of the measurement point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_contracts.wire import Item
from features.declaration import DEFINITION, Feature
from features.windows import Windows

Float = NDArray[np.float64]

GROUP = "site"

FEATURES = (
    Feature(
        "s_rated_log", GROUP, "log10 MVA", "log10 of the point's rated apparent power", DEFINITION, (),
        "nothing: needs the description only", 0,
    ),
)  # fmt: skip


def compute(s_rated_va: Float) -> Float:
    """Features of n points, float64 [n, features], from their rated apparent power, VA, [n]."""
    found: Float = np.log10(s_rated_va / 1e6)[:, None]
    return found


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of the points of n items, float64 [n, features]."""
    del items
    return compute(windows.s_rated_va)
