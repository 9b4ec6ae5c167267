"""Rules of `load`."""

from __future__ import annotations

import numpy as np

from data_contracts.block import Block
from data_contracts.contract import Mask, Rule

PLAUSIBLE = (0.005, 3.0)
"""The upper quartile of a feeder's |P| lies within these multiples of its rated power."""

DAY_MS = 86_400_000


def _unit(block: Block) -> Mask:
    rated = block.point_fact(lambda point: point.rated_mva * 1e6)
    ids, count = block.groups(("point",))
    found = block.none()
    for name in ("p_w", "p_noise_free_w"):
        ratio = np.abs(block.floats(name)) / rated
        known = ~np.isnan(ratio)
        total = np.bincount(ids[known], minlength=count)
        small = np.bincount(ids[known & (ratio < PLAUSIBLE[0])], minlength=count)
        large = np.bincount(ids[known & (ratio > PLAUSIBLE[1])], minlength=count)
        guilty = (total > 0) & ((small > 0.75 * total) | (large > 0.25 * total))
        found |= guilty[ids]
    return found


LOAD_UNIT = Rule(
    "load_unit",
    f"a feeder's power is in W: the upper quartile of |P| over the file lies within {PLAUSIBLE[0]:g} and "
    f"{PLAUSIBLE[1]:g} of its point's rated power",
    "convert to W; check the feeder's point",
    ("p_w", "p_noise_free_w", "point"),
    _unit,
)


def _calendar(block: Block) -> Mask:
    local = block.integers("t") + block.facts.utc_offset_s * 1000
    hour = (local % DAY_MS) / 3_600_000.0
    # Day 0 of Unix time was a Thursday; Monday is 0 here.
    weekday = (local // DAY_MS + 3) % 7
    known = ~block.missing("t")
    off = np.abs(block.floats("hour_local") - hour) > 1e-3
    mask: Mask = known & (off | (block.floats("day_of_week") != weekday))
    return mask


CALENDAR = Rule(
    "calendar",
    "hour_local and day_of_week are those of t at the substation's offset from UTC",
    "derive them from t + utc_offset_s",
    ("t", "hour_local", "day_of_week"),
    _calendar,
)
