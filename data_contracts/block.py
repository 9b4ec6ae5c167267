"""One table's rows as numpy columns, with what the rules ask for again and again kept ready."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from data_contracts.contract import Mask, Table
from data_contracts.facts import PointFacts, SubstationFacts
from data_contracts.lists import Lists

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_FOLD_LIMIT = 1 << 31
_LONGEST = 80


class Block:
    """Rows that are checked together: one file.

    Attributes:
        table: The contract; every column of it is there and has its type.
        facts: What is known about the substation.
        rows: How many rows there are.
    """

    def __init__(self, table: Table, data: pa.Table, facts: SubstationFacts) -> None:
        self.table = table
        self.facts = facts
        self.rows = data.num_rows
        self._data = data
        self._floats: dict[str, Floats] = {}
        self._lists: dict[str, Lists] = {}
        self._codes: dict[str, tuple[Integers, list[str]]] = {}
        self._groups: dict[tuple[str, ...], tuple[Integers, int]] = {}

    def _column(self, name: str) -> pa.Array[Any]:
        import pyarrow as pa

        column = self._data.column(name)
        if column.num_chunks == 0:
            array: Any = pa.nulls(0, type=column.type)
        else:
            array = column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
        return cast("pa.Array[Any]", array)

    def none(self) -> Mask:
        """A mask with no row in it."""
        return np.zeros(self.rows, dtype=bool)

    def missing(self, name: str) -> Mask:
        """Rows where the column is null."""
        column = self._column(name)
        if column.null_count == 0:
            return self.none()
        mask: Mask = column.is_null().to_numpy(zero_copy_only=False)
        return mask

    def floats(self, name: str) -> Floats:
        """A numeric or boolean column as float64; NaN where it is null."""
        if name not in self._floats:
            import pyarrow as pa

            column = self._column(name)
            if pa.types.is_timestamp(column.type):
                column = column.cast(pa.int64())
            if not pa.types.is_floating(column.type):
                column = column.cast(pa.float64())
            self._floats[name] = column.to_numpy(zero_copy_only=False)
        return self._floats[name]

    def lists(self, name: str) -> Lists:
        """A column of lists."""
        if name not in self._lists:
            self._lists[name] = Lists.of(self._column(name))
        return self._lists[name]

    def phases(self, pattern: str, names: Sequence[str] = ("a", "b", "c")) -> Floats:
        """The columns of three phases side by side, [rows, 3]; `{}` in `pattern` is the phase."""
        return np.stack([self.floats(pattern.format(name)) for name in names], axis=1)

    def integers(self, name: str) -> Integers:
        """An integer or timestamp column (ms) as int64; the smallest integer where it is null."""
        import pyarrow as pa

        column: pa.Array[Any] = self._column(name).cast(pa.int64())
        if column.null_count:
            column = column.fill_null(int(np.iinfo(np.int64).min))
        values: Integers = column.to_numpy(zero_copy_only=False)
        return values

    def codes(self, name: str) -> tuple[Integers, list[str]]:
        """A string column as positions in the list of its distinct values; null is its own value "".

        Returns:
            Positions [rows] and the distinct values.
        """
        if name not in self._codes:
            import pyarrow as pa

            column = self._column(name)
            if isinstance(column, pa.DictionaryArray):
                column = column.dictionary_decode()
            encoded = column.fill_null("").dictionary_encode()
            positions = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
            self._codes[name] = (positions, [str(value) for value in encoded.dictionary.to_pylist()])
        return self._codes[name]

    def mapped(self, name: str, function: Callable[[str], float]) -> Floats:
        """`function` of a string column, called once for each distinct value."""
        codes, values = self.codes(name)
        if not values:
            return np.zeros(self.rows)
        return np.array([function(value) for value in values], dtype=np.float64)[codes]

    def where(self, name: str, accepts: Callable[[str], bool]) -> Mask:
        """Rows whose string value is accepted, asked once for each distinct value."""
        mask: Mask = self.mapped(name, lambda value: float(accepts(value))) > 0.0
        return mask

    def point_fact(self, read: Callable[[PointFacts], float]) -> Floats:
        """A fact of each row's measurement point; NaN where the point is not known."""
        points = self.facts.points
        return self.mapped("point", lambda name: read(points[name]) if name in points else np.nan)

    def groups(self, columns: tuple[str, ...]) -> tuple[Integers, int]:
        """Rows numbered by the values of `columns`: equal numbers for equal values.

        Returns:
            A number for each row from 0, [rows], and how many numbers there are at most.
        """
        if columns not in self._groups:
            ids, count = np.zeros(self.rows, dtype=np.int64), 1
            for name in columns:
                part, distinct = self._numbers(name)
                ids, count = ids * distinct + part, count * distinct
                if count > min(_FOLD_LIMIT, 4 * self.rows + 1000):
                    values, ids = np.unique(ids, return_inverse=True)
                    count = len(values)
            self._groups[columns] = (ids, count)
        return self._groups[columns]

    def _numbers(self, name: str) -> tuple[Integers, int]:
        if self.table.column(name).dtype == "string":
            codes, values = self.codes(name)
            return codes, max(len(values), 1)
        distinct, inverse = np.unique(self.integers(name), return_inverse=True)
        return inverse.astype(np.int64), max(len(distinct), 1)

    def details(self, columns: tuple[str, ...], rows: Integers) -> pa.Array[Any]:
        """The values of some columns in some rows, with their units, for messages: `v_a_v = 19.05 V, …`.

        Numbers are rounded to six digits, and of a list its length and range are given; the quarantine holds
        them as they were.

        Args:
            columns: Columns to show, in this order.
            rows: Positions of the rows.

        Returns:
            One text for each of the rows.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        if not columns:
            return pa.array([""] * len(rows), pa.string())
        parts: list[Any] = []
        for place, name in enumerate(columns):
            unit = self.table.column(name).unit
            values: Any = self._column(name).take(rows)
            if self.table.column(name).is_list:
                missing = self.missing(name)[rows]
                values = pa.array(Lists.of(values).in_words(), pa.string(), mask=missing)
            elif pa.types.is_floating(values.type):
                values = pa.array(_six_digits(self.floats(name)[rows]), mask=self.missing(name)[rows])
            values = values.cast(pa.string()).fill_null("null")
            parts += [f"{', ' if place else ''}{name} = ", pc.utf8_slice_codeunits(values, 0, _LONGEST)]
            if unit not in ("", "UTC"):
                parts.append(f" {unit}")
        return cast("pa.Array[Any]", pc.binary_join_element_wise(*parts, ""))


def _six_digits(values: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        scale = 10.0 ** (5.0 - np.floor(np.log10(np.abs(values))))
        rounded = np.round(values * scale) / scale
    usable: Floats = np.where(np.isfinite(rounded), rounded, values)
    return usable
