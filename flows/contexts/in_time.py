"""Rows of a table by their time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class InTime:
    """Rows in the order of the column `t`; those of one time keep theirs.

    Attributes:
        table: The rows.
        t_ms: Their Unix times, ms, int64 [n].
    """

    table: pa.Table
    t_ms: NDArray[np.int64]

    @classmethod
    def of(cls, table: pa.Table) -> Self:
        """Sort a table."""
        import pyarrow as pa

        times = table["t"].cast(pa.timestamp("ms", tz="UTC")).cast(pa.int64()).to_numpy()
        order = np.argsort(times, kind="stable")
        return cls(table.take(order), times[order])

    def between(self, first_ms: float, last_ms: float) -> list[dict[str, Any]]:
        """Rows from `first_ms` to `last_ms`, both included."""
        begin = int(np.searchsorted(self.t_ms, first_ms, side="left"))
        end = int(np.searchsorted(self.t_ms, last_ms, side="right"))
        rows: list[dict[str, Any]] = self.table.slice(begin, max(end - begin, 0)).to_pylist()
        return rows

    def at(self, second: float) -> list[dict[str, Any]]:
        """Rows of one time."""
        ms = round(1e3 * second)
        return self.between(ms, ms)
