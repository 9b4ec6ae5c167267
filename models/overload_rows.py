"""Rows of transformers by what the standard expects of them, and which of them to learn from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.context import day_ago
from models.rows import Rows, concatenate
from models.subsets import spread

Float = NDArray[np.float64]

AHEAD = "hot_spot_ahead_c"
DAY_AGO = tuple(feature.name for feature in day_ago.FEATURES)
# Rows that are expected near a limit teach most: expected hot spot, °C, their share, and of them the share
# that knows the day before. What came of a row must not decide whether it is learnt from.
NEAR_C, NEAR_SHARE, DAY_SHARE = 85.0, 0.9, 0.75


def day_known(rows: Rows) -> NDArray[np.bool_]:
    """Whether the inputs of each row hold the day before, [n]."""
    return np.isfinite(rows.column(DAY_AGO[0]))


def hottest_c(rows: Rows) -> Float:
    """Largest true hot spot of each row's next hour, °C, [n]."""
    return np.asarray(rows.truth["hottest_c"], dtype=np.float64)


def expected_near(rows: Rows) -> NDArray[np.bool_]:
    """Whether the standard expects each row near a limit or above it, [n]."""
    near: NDArray[np.bool_] = rows.column(AHEAD) >= NEAR_C
    return near


def hot_ones_too(rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    """At most `most` rows: `NEAR_SHARE` of them expected near a limit or above it, the rest as they come."""
    near, known = expected_near(rows), day_known(rows)
    parts: list[Rows] = []
    for mask, part_of in ((near & known, DAY_SHARE * NEAR_SHARE), (near & ~known, NEAR_SHARE), (~near, 1.0)):
        left = int(part_of * most) - sum(len(part) for part in parts)
        if mask.any() and left > 0:
            parts.append(spread(rows.select(mask), left, rng))
    return concatenate(parts)
