"""Rules about keys and time."""

from __future__ import annotations

from functools import partial

import numpy as np

from data_contracts.block import Block
from data_contracts.contract import Mask, Rule


def _keyed(block: Block, key: tuple[str, ...]) -> Mask:
    mask = ~block.none()
    for name in key:
        mask &= ~block.missing(name)
    return mask


def _repeats(key: tuple[str, ...], block: Block) -> Mask:
    ids, _ = block.groups(key)
    order = np.argsort(ids, kind="stable")
    repeated = block.none()
    repeated[order[1:]] = ids[order[1:]] == ids[order[:-1]]
    return repeated & _keyed(block, key)


def unique_key(*key: str) -> Rule:
    """No two rows of a file have the same key; the first of them is kept."""
    return Rule(
        "unique_key",
        f"{', '.join(key)} name one row",
        "find out why rows were written twice",
        key,
        partial(_repeats, key),
    )


def _backwards(group: tuple[str, ...], time: str, block: Block) -> Mask:
    usable = _keyed(block, (*group, time))
    ids, _ = block.groups(group)
    rows = np.flatnonzero(usable)
    order = rows[np.argsort(ids[rows], kind="stable")]
    ids, t = ids[order], block.integers(time)[order]
    same = ids[1:] == ids[:-1]
    found = block.none()
    if not (same & (t[1:] <= t[:-1])).any():
        return found
    # Ranks keep group number and time apart in one integer, so that one running maximum serves all groups.
    distinct, rank = np.unique(t, return_inverse=True)
    latest = np.maximum.accumulate(ids * len(distinct) + rank)
    found[order[1:]] = same & (ids[1:] * len(distinct) + rank[1:] <= latest[:-1])
    return found


def time_increasing(*group: str, time: str = "t") -> Rule:
    """Within a group, in the order of the file, every row is later than all before it."""
    return Rule(
        "time_increasing",
        f"{time} increases strictly for each {', '.join(group)}, in the order of the file",
        "sort the rows by their key before writing; look for a clock that was set back",
        (*group, time),
        partial(_backwards, group, time),
    )


def _off_grid(time: str, step_ms: int, block: Block) -> Mask:
    mask: Mask = (block.integers(time) % step_ms != 0) & ~block.missing(time)
    return mask


def on_grid(step_ms: int, words: str, time: str = "t") -> Rule:
    """Times are whole multiples of the table's step."""
    return Rule(
        "time_grid",
        f"{time} is a multiple of {words}",
        "write one row for each step, timed at its beginning in UTC",
        (time,),
        partial(_off_grid, time, step_ms),
    )
