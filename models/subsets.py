"""Smaller sets of rows that keep whole episodes and rare classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.rows import Rows


def by_episode(rows: Rows, stratum: NDArray[np.int64], most: int, rng: np.random.Generator) -> Rows:
    """At most `most` rows in whole episodes, taken in turn from the strata.

    An episode belongs to the highest stratum among its rows. Strata take turns until the next episode would
    not fit, so that each is represented as evenly as its number of episodes allows.

    Args:
        rows: Where to choose from.
        stratum: Code of each row, int64 [n]; higher is rarer.
        most: Rows at most.
        rng: Decides which episodes of a stratum come first.
    """
    if len(rows) <= most:
        return rows
    episode = rows.episode.codes
    count = np.bincount(episode)
    highest = np.full(count.size, -1, dtype=np.int64)
    np.maximum.at(highest, episode, stratum)
    queues = [
        list(rng.permutation(np.flatnonzero(highest == code))) for code in np.unique(highest[highest >= 0])
    ]
    chosen: list[int] = []
    room = most
    while queues:
        for queue in list(queues):
            taken = int(queue.pop())
            if count[taken] > room:
                queues.remove(queue)
                continue
            chosen.append(taken)
            room -= int(count[taken])
            if not queue:
                queues.remove(queue)
    return rows.select(np.isin(episode, np.asarray(chosen, dtype=np.int64)))


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
