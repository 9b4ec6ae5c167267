"""Readings of one or many items as one array: packed once, checked as a whole, handed to the features."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from data_contracts.plausible import CHANNEL_COLUMNS
from data_contracts.ranges import QUALITIES
from data_contracts.wire.request import Item, Reading

CHANNELS: dict[str, slice] = {
    "v": slice(0, 3),
    "i": slice(3, 6),
    "p": slice(6, 9),
    "q": slice(9, 12),
    "f": slice(12, 13),
    "v_ll": slice(13, 16),
    "v_min": slice(16, 19),
    "v_max": slice(19, 22),
    "thd": slice(22, 25),
    "pst": slice(25, 26),
}
"""Where each field of a reading lies in a row, in the order of `CHANNEL_COLUMNS`."""

REQUIRED = slice(0, 13)
"""The fields that a reading must have: v, i, p, q, f."""

_WIDTH = len(CHANNEL_COLUMNS)
_ABSENT = (math.nan, math.nan, math.nan)
_CODES = {name: float(code) for code, name in enumerate(QUALITIES)}


@dataclass(frozen=True, slots=True)
class Rows:
    """Readings of `n` items, one row a reading, item after item.

    Attributes:
        values: Channels, float64 [rows, 26] in the order of `CHANNEL_COLUMNS`; NaN where absent or null.
        quality: Codes 0 good, 1 questionable, 2 invalid, int8 [rows].
        t: Unix time, s UTC, float64 [rows].
        starts: First row of each item, and the number of rows, int64 [n + 1].
    """

    values: NDArray[np.float64]
    quality: NDArray[np.int8]
    t: NDArray[np.float64]
    starts: NDArray[np.int64]

    def channel(self, name: str) -> NDArray[np.float64]:
        """The field `name` of all readings: [rows, 3], or [rows, 1] for `f` and `pst`."""
        return self.values[:, CHANNELS[name]]

    def item(self, index: int) -> Rows:
        """The rows of one item."""
        first, last = int(self.starts[index]), int(self.starts[index + 1])
        return Rows(
            self.values[first:last],
            self.quality[first:last],
            self.t[first:last],
            np.array([0, last - first], dtype=np.int64),
        )


def _row(reading: Reading) -> tuple[float | None, ...]:
    return (
        *reading.v,
        *reading.i,
        *reading.p,
        *reading.q,
        reading.f,
        *(reading.v_ll or _ABSENT),
        *(reading.v_min or _ABSENT),
        *(reading.v_max or _ABSENT),
        *(reading.thd or _ABSENT),
        math.nan if reading.pst is UNSET else reading.pst,
        _CODES[reading.quality],
        reading.t.timestamp(),
    )


def pack(items: Sequence[Item]) -> Rows:
    """Pack the readings of `items` into one array."""
    starts = np.zeros(len(items) + 1, dtype=np.int64)
    np.cumsum([len(item.readings) for item in items], out=starts[1:])
    table = np.array([_row(reading) for item in items for reading in item.readings], dtype=np.float64)
    table = table.reshape(-1, _WIDTH + 2)
    return Rows(table[:, :_WIDTH], table[:, _WIDTH].astype(np.int8), table[:, _WIDTH + 1], starts)
