"""Which piece of equipment a point belongs to, as a fixed direction that its name alone decides.

A winding's gradient or a cooler's state differs from piece to piece and stands on no nameplate. A model that
reads the direction can keep apart what it has learnt of each (feature hashing: Weinberger et al., ICML 2009).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from data_contracts.wire import Item
from features.declaration import Feature
from features.windows import Windows
from switchyard.identity import generator

Float = NDArray[np.float64]

GROUP = "equipment"
DIMENSIONS = 5

FEATURES = tuple(
    Feature(
        f"equipment_{k + 1}", GROUP, "1",
        f"coordinate {k + 1} of the direction of length √{DIMENSIONS} that is drawn from the names of the "
        "substation and of the equipment, which is the point's up to its first dot",
        "Weinberger et al. 2009 (feature hashing)", (), "nothing: needs the names only", 0,
    )
    for k in range(DIMENSIONS)
)  # fmt: skip


def compute(substation: str, points: Iterable[str]) -> Float:
    """Features of points of a substation, float64 [n, len(FEATURES)]."""
    rows = [_direction(substation, point.partition(".")[0]) for point in points]
    return np.array(rows).reshape(-1, DIMENSIONS)


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of the points of n items, float64 [n, len(FEATURES)]."""
    del windows
    return np.concatenate([compute(item.substation, [item.point]) for item in items])


@cache
def _direction(substation: str, equipment: str) -> tuple[float, ...]:
    drawn = generator(substation, equipment, "equipment").normal(size=DIMENSIONS)
    scaled = drawn * np.sqrt(DIMENSIONS / float((drawn**2).sum()))
    return tuple(float(value) for value in scaled)
