"""Rules of `customers`: what is stated beside the shapes is what the shapes say."""

from __future__ import annotations

import numpy as np

from data_contracts.block import Block, Floats
from data_contracts.contract import Mask, Rule

QUARTERS = 96
NIGHT_H, PEAK_H = (0, 6), (18, 22)
"""Local hours of the night and of the evening's peak."""

ROOM = 1e-6
"""Relative difference that rounding may leave."""


def _quarters(block: Block, name: str) -> Floats:
    """A column of shapes as [rows, 96]; NaN where a list has another length."""
    lists = block.lists(name)
    found = np.full((block.rows, QUARTERS), np.nan)
    whole = lists.lengths == QUARTERS
    found[whole] = lists.values[np.repeat(whole, lists.lengths)].reshape(-1, QUARTERS)
    return found


def _off(found: Floats, expected: Floats) -> Mask:
    mask: Mask = np.abs(found - expected) > ROOM * np.maximum(np.abs(expected), 1e-3)
    return mask


def _mean(block: Block) -> Mask:
    working, weekend = _quarters(block, "working_w"), _quarters(block, "weekend_w")
    return _off(block.floats("mean_w"), (5.0 * working.mean(axis=1) + 2.0 * weekend.mean(axis=1)) / 7.0)


MEAN_AGREES = Rule(
    "mean_agrees",
    "mean_w is the mean over five working days and two of the weekend",
    "take it from the shapes: (5·mean(working_w) + 2·mean(weekend_w)) / 7",
    ("mean_w", "working_w", "weekend_w"),
    _mean,
)


def _peak(block: Block) -> Mask:
    larger = np.fmax(block.lists("working_w").largest(), block.lists("weekend_w").largest())
    return _off(block.floats("peak_w"), larger) | _off(
        block.floats("load_factor") * block.floats("peak_w"), block.floats("mean_w")
    )


PEAK_AGREES = Rule(
    "peak_agrees",
    "peak_w is the largest quarter of both shapes, and load_factor is mean_w / peak_w",
    "take both from the shapes",
    ("peak_w", "load_factor", "mean_w", "working_w", "weekend_w"),
    _peak,
)


def _shares(block: Block) -> Mask:
    working, weekend = _quarters(block, "working_w"), _quarters(block, "weekend_w")
    energy = np.maximum(working.sum(axis=1), 1e-9)
    found = block.none()
    for name, (first, stop) in (("night_share", NIGHT_H), ("peak_hours_share", PEAK_H)):
        found |= _off(block.floats(name), working[:, 4 * first : 4 * stop].sum(axis=1) / energy)
    return found | _off(block.floats("weekend_ratio"), weekend.sum(axis=1) / energy)


SHARES_AGREE = Rule(
    "shares_agree",
    f"night_share ({NIGHT_H[0]}–{NIGHT_H[1]} h) and peak_hours_share ({PEAK_H[0]}–{PEAK_H[1]} h) are shares "
    "of the working day's energy, weekend_ratio is the weekend day's energy over it",
    "take them from the shapes, whose first quarter begins at local midnight",
    ("night_share", "peak_hours_share", "weekend_ratio", "working_w", "weekend_w"),
    _shares,
)


def _too_flexible(block: Block) -> Mask:
    peak = _quarters(block, "working_w")[:, 4 * PEAK_H[0] : 4 * PEAK_H[1]].mean(axis=1)
    mask: Mask = block.floats("flexible_w") > peak * (1.0 + 0.25)
    return mask


FLEXIBLE_POSSIBLE = Rule(
    "flexible_possible",
    "flexible_w is no more than what the customer draws in the peak hours, with a quarter for the averaging",
    "state the mean power that leaves the peak hours, in W",
    ("flexible_w", "working_w"),
    _too_flexible,
)
