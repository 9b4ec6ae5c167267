"""Whether rows follow each other in time, told from those around each, however a file is cut into blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from data_contracts.contract import Mask

Integers = NDArray[np.int64]

RULES = ("time_ahead", "unique_key", "time_increasing")
LOOK_AHEAD = 2
"""Rows behind a row that tell whether it alone lies ahead."""


@dataclass(slots=True)
class Order:
    """Follows the times of each key through the blocks of all files.

    Attributes:
        latest: Time of the last decided row of each key, Unix ms.
    """

    latest: dict[str, int] = field(default_factory=dict)

    def follow(
        self, keys: NDArray[np.str_] | str, ms: Integers, usable: Mask, *, last: bool
    ) -> tuple[dict[str, Mask], Mask]:
        """Decide on rows; those that further rows decide on are to be given again, before these.

        Args:
            keys: Key of each row, [rows], or of all.
            ms: Times, Unix ms, [rows].
            usable: Rows with a time, [rows].
            last: No further rows come.

        Returns:
            By rule of `RULES` the rows that break it, and the rows that are not decided, [rows] each.
        """
        found = {name: np.zeros(len(ms), dtype=bool) for name in RULES}
        ahead, same, before = (found[name] for name in RULES)
        waiting = np.zeros(len(ms), dtype=bool)
        for key, given in _by_key(keys, usable):
            start = self.latest.get(key, int(np.iinfo(np.int64).min))
            decided = len(given) if last else max(len(given) - LOOK_AHEAD, 0)
            lone = lone_ahead(ms[given], start)[:decided]
            waiting[given[decided:]] = True
            ahead[given[:decided][lone]] = True
            rows = given[:decided][~lone]
            if not len(rows):
                continue
            t = ms[rows]
            past = np.maximum.accumulate(np.concatenate(([start], t)))
            same[rows] = t == past[:-1]
            before[rows] = t < past[:-1]
            self.latest[key] = int(past[-1])
        return found, waiting


def _by_key(keys: NDArray[np.str_] | str, usable: Mask) -> Iterator[tuple[str, Integers]]:
    """Usable rows of each key, in their order."""
    rows = np.flatnonzero(usable)
    if isinstance(keys, str):
        if len(rows):
            yield keys, rows
        return
    names, place = np.unique(keys[rows], return_inverse=True)
    order = np.argsort(place, kind="stable")
    bounds = np.searchsorted(place[order], np.arange(len(names) + 1))
    for k, name in enumerate(names.tolist()):
        yield name, rows[order[bounds[k] : bounds[k + 1]]]


def lone_ahead(t: Integers, start: int) -> Mask:
    """Rows that alone are out of order: their neighbours rise without them, and fall behind with them.

    A clock that ran ahead for one row would otherwise cost every row up to that time.

    Args:
        t: Times of a series' rows, [rows].
        start: The latest time before them.
    """
    found = np.zeros(len(t), dtype=bool)
    past = np.maximum.accumulate(np.concatenate(([start], t)))
    for place in np.flatnonzero(t[:-2] > t[1:-1]).tolist():
        before = past[place]
        if before < t[place + 1] < t[place + 2] <= t[place]:
            found[place] = True
            past[place + 1 :] = np.maximum.accumulate(np.concatenate(([before], t[place + 1 :])))
    return found
