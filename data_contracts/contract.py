"""The vocabulary in which tables are declared: columns, rules and tables.

A declaration is plain data. Enforcement (numpy), the Great Expectations suite, the checks of the wire and the
generated documentation are all made from it, so that a unit or a range is written down once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from data_contracts.block import Block

DType = Literal["float64", "int8", "int32", "int64", "bool", "string", "timestamp", "float32[]", "float64[]"]
"""`timestamp` is milliseconds since 1970 in UTC (`timestamp[ms, tz=UTC]` in Parquet); `[]` is a list."""

LIST_DTYPES = ("float32[]", "float64[]")

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        name: Name in the file; it ends in the unit where a bare number could be misread.
        dtype: Type in the file.
        unit: SI symbol or "" for what has none.
        description: What it says, in one line.
        nullable: Whether a value may be missing. Missing is null; NaN and infinities are always refused. A
            list is missing as a whole: a null inside of it is refused.
        minimum: Smallest value allowed, in `unit`; None for no bound. Of a list: of its elements.
        maximum: Largest value allowed, in `unit`; None for no bound. Of a list: of its elements.
        allowed: The only values allowed; empty for any.
        length: Elements of every list; None for any number.
    """

    name: str
    dtype: DType
    unit: str
    description: str
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str | int, ...] = ()
    length: int | None = None

    @property
    def is_list(self) -> bool:
        """Whether a value is a list of numbers."""
        return self.dtype in LIST_DTYPES


@dataclass(frozen=True, slots=True)
class Rule:
    """A relation that rows must keep, beyond what single columns say.

    Attributes:
        name: Name in reports and in the quarantine.
        description: What must hold.
        remedy: What to do when it does not.
        columns: The columns it reads; their values are shown with each rejected row.
        check: Gives a mask that is true at every row of the block that breaks the rule, shape [rows].
        known: Says of a block what would have been right, for the message; None where the description does.
    """

    name: str
    description: str
    remedy: str
    columns: tuple[str, ...]
    check: Callable[[Block], Mask]
    known: Callable[[Block], str] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The contract of one table.

    Attributes:
        name: Name of the table and of its folder in a dataset.
        description: What one row is.
        key: Columns that together name one row; the file is sorted by them.
        columns: All columns, in file order.
        rules: Relations between columns and rows.
        beside: Table that has a row of the same key for every row of this one; "" for none.
    """

    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()
    beside: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in file order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column called `name`.

        Raises:
            KeyError: The table has no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")
