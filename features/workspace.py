"""Scratch memory that is taken once per call and used again for every chunk."""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

# float64 values that the statistics of one window take at most; `take` falls back to fresh memory beyond it.
PER_WINDOW = 1664

# Numpy keeps small arrays by itself; below this many windows nothing is gained.
FEWEST = 16


class Workspace:
    """Hands out arrays from one block of memory.

    Large arrays that come and go with every chunk would be given back to the operating system and fetched
    again page by page, which costs more than what is computed in them.

    Args:
        m: Windows of the largest chunk.
    """

    __slots__ = ("_block", "_used")

    def __init__(self, m: int) -> None:
        self._block = np.empty(PER_WINDOW * m) if m >= FEWEST else None
        self._used = 0

    def clear(self) -> None:
        """Take all arrays back; their content is overwritten by the next ones."""
        self._used = 0

    def take(self, *shape: int) -> Float:
        """An array of `shape` with undefined content, valid until `clear`."""
        if self._block is None:
            return np.empty(shape)
        start = self._used
        stop = start + prod(shape)
        if stop > self._block.shape[0]:
            return np.empty(shape)
        self._used = stop
        return self._block[start:stop].reshape(shape)
