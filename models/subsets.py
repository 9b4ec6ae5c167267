"""Smaller sets of rows that still tell as much as they can."""

from __future__ import annotations

import numpy as np

from models.rows import Rows


def spread(rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    """At most `most` rows, as evenly as can be from all episodes: the first k of each in random order.

    Rows of one episode resemble each other; a few of every episode tell more than all rows of a few.

    Args:
        rows: Where to choose from.
        most: Rows at most.
        rng: Decides which rows of an episode come first.
    """
    if len(rows) <= most:
        return rows
    shuffled = rng.permutation(len(rows))
    order = shuffled[np.argsort(rows.episode.codes[shuffled], kind="stable")]
    episode = rows.episode.codes[order]
    rank = np.arange(episode.size) - np.searchsorted(episode, episode)
    within = np.cumsum(np.bincount(rank))
    k = max(int(np.searchsorted(within, most, side="right")), 1)
    return rows.select(np.sort(order[rank < k][:most]))
