"""What a study returns: facts, notes and tables of columns, whatever engine they come from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

Fact = str | float | int | bool | None


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of equal length; an unknown number is NaN.

    Attributes:
        name: Names the table in files.
        title: Says what its rows are.
        columns: Values by column; the unit is in the column's name.
        shown: Columns that a screen shows; all if empty.
        ranked: The rows come most important first, so that the first ones stand for all.
    """

    name: str
    title: str
    columns: Mapping[str, Sequence[Any] | np.ndarray[Any, Any]]
    shown: tuple[str, ...] = ()
    ranked: bool = False

    @classmethod
    def of(
        cls, name: str, title: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], **rest: Any
    ) -> Self:
        """A table from its rows, which all have these columns."""
        return cls(name, title, {column: [row[column] for row in rows] for column in columns}, **rest)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def records(self, columns: Sequence[str] = (), rows: int | None = None) -> list[dict[str, Any]]:
        """Rows as plain values; null stands for what is not known."""
        names = list(columns or self.columns)
        values = [self.columns[name][:rows] for name in names]
        return [dict(zip(names, map(plain, row), strict=True)) for row in zip(*values, strict=True)]


@dataclass(frozen=True, slots=True)
class Study:
    """A finished study.

    Attributes:
        kind: powerflow, faults, harmonics, contingency, opf or timeseries.
        engine: Engine with its version.
        facts: Single figures: convergence, iterations, losses.
        tables: The first is the study's main result.
        notes: What a reader must know to read them rightly.
    """

    kind: str
    engine: str
    facts: Mapping[str, Fact]
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()


def plain(value: Any) -> Any:
    """A value that JSON knows: NaN and infinities become null."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
