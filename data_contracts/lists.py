"""A column of lists as one flat array, so that all rows are reduced at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists of numbers, one a row. A missing list has no elements.

    Attributes:
        values: Elements of all rows one after the other, float32 or float64 as in the file; NaN where an
            element is null.
        starts: Place in `values` of each row's first element, and how many elements there are, [rows + 1].
    """

    values: NDArray[np.floating[Any]]
    starts: Integers

    @classmethod
    def of(cls, column: pa.Array[Any]) -> Lists:
        """The lists of an Arrow column; shares its memory where no element is null."""
        import pyarrow.compute as pc

        lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
        starts = np.zeros(len(column) + 1, dtype=np.int64)
        np.cumsum(lengths, out=starts[1:])
        flat: Any = pc.list_flatten(column)
        return cls(flat.to_numpy(zero_copy_only=False), starts)

    @property
    def lengths(self) -> Integers:
        """Elements of each list, [rows]."""
        lengths: Integers = np.diff(self.starts)
        return lengths

    def any(self, elements: Mask) -> Mask:
        """Rows with at least one element in the mask `elements`, [rows]."""
        if not elements.any():
            return np.zeros(len(self.starts) - 1, dtype=bool)
        places = np.searchsorted(self.starts, np.flatnonzero(elements), side="right") - 1
        return np.bincount(places, minlength=len(self.starts) - 1) > 0

    def smallest(self) -> Floats:
        """Smallest element of each list, NaN for none; elements that are NaN do not count, [rows]."""
        return self._reduce(np.fmin, self.values)

    def largest(self) -> Floats:
        """Largest element of each list, NaN for none; elements that are NaN do not count, [rows]."""
        return self._reduce(np.fmax, self.values)

    def rms(self) -> Floats:
        """Root of the mean square of each list, NaN for none or with a NaN in it, [rows]."""
        squares = self._reduce(np.add, np.square(self.values, dtype=np.float64))
        return np.sqrt(np.divide(squares, self.lengths, out=squares, where=self.lengths > 0))

    def root_sum_square(self, first: int) -> Floats:
        """Root of the sum of squares of each list's elements from position `first` on, [rows]; 0 for none."""
        squares = np.square(self.values, dtype=np.float64)
        places = np.arange(len(squares)) - np.repeat(self.starts[:-1], self.lengths)
        squares[places < first] = 0.0
        return np.sqrt(np.nan_to_num(self._reduce(np.add, squares), nan=0.0))

    def element(self, place: int) -> Floats:
        """The element at position `place` of each list, NaN where the list is shorter, [rows]."""
        found = np.full(len(self.starts) - 1, np.nan)
        there = self.lengths > place
        found[there] = self.values[self.starts[:-1][there] + place]
        return found

    def in_words(self) -> list[str]:
        """Length and range of each list, and where it has an element that is no finite number, [rows]."""
        figures = zip(self.lengths.tolist(), self.smallest().tolist(), self.largest().tolist(), strict=True)
        texts = [f"{length} values, {smallest:.6g} to {largest:.6g}" for length, smallest, largest in figures]
        odd = np.flatnonzero(~np.isfinite(self.values))
        rows, first, counts = np.unique(
            np.searchsorted(self.starts, odd, side="right") - 1, return_index=True, return_counts=True
        )
        places = odd[first] - self.starts[rows]
        for row, place, count in zip(rows.tolist(), places.tolist(), counts.tolist(), strict=True):
            texts[row] = f"{self.lengths[row]} values, {count} of them not finite, the first at [{place}]"
        return texts

    def _reduce(self, reduction: np.ufunc, values: NDArray[np.floating[Any]]) -> Floats:
        found = np.full(len(self.starts) - 1, np.nan)
        # Rows without elements would make `reduceat` take the next row's first one.
        there = self.lengths > 0
        if there.any():
            found[there] = reduction.reduceat(values, self.starts[:-1][there])
        return found
