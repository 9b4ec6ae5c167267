"""Judging an episode at a point by how many of its rows show something, not by single rows."""

from __future__ import annotations

import numpy as np

from data_contracts.block import Block
from data_contracts.contract import Mask

FEWEST = 5
"""An episode with fewer rows to judge by is not judged."""


def episodes(
    block: Block,
    hits: Mask,
    judged: Mask,
    share: float,
    group: tuple[str, ...] = ("scenario_id", "point"),
) -> Mask:
    """All rows of the episodes (scenario and point) in which a large part of the judged rows are hits.

    Args:
        block: The rows.
        hits: Rows that show it; only those that are judged count.
        judged: Rows to judge by.
        share: Smallest share of hits among the judged rows of an episode.
        group: Columns that together name an episode.

    Returns:
        A mask of whole episodes, [rows].
    """
    hits = hits & judged
    if not hits.any():
        return block.none()
    ids, count = block.groups(group)
    total = np.bincount(ids[judged], minlength=count)
    found = np.bincount(ids[hits], minlength=count)
    guilty = (total >= FEWEST) & (found >= share * total)
    mask: Mask = guilty[ids]
    return mask


def most_points(block: Block, guilty: Mask, judged: Mask) -> Mask:
    """Rows of the scenarios in which most of the judged rows, over all points, are guilty.

    One instrument at odds with itself is an anomaly; most of a station's instruments at odds are corrupt.
    """
    ids, count = block.groups(("scenario_id",))
    total = np.bincount(ids[judged], minlength=count)
    found = np.bincount(ids[guilty & judged], minlength=count)
    mask: Mask = (2 * found > total)[ids]
    return mask
