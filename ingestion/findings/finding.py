"""Something that a series shows, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingestion.following import Sample

Floats = NDArray[np.float64]
Severity = Literal["error", "warning"]
Place = tuple[str, int]
"""A file and a row number in it, from 1; 0 where it is not of one row."""

FEWEST = 20
"""With fewer rows nothing is judged."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a series shows.

    Attributes:
        rule: What it is.
        severity: An `error` stops the ingestion unless the mapping accepts it.
        series: Point, or site.
        column: Column of the contract, "" for time.
        message: The values, and what must hold.
        remedy: What to do about it.
        file: Where it shows first.
        row: Row number there, from 1; 0 where it is not of one row.
    """

    rule: str
    severity: Severity
    series: str
    column: str
    message: str
    remedy: str
    file: str = ""
    row: int = 0

    def text(self) -> str:
        """One line for people."""
        place = f" ({self.file}, row {self.row})" if self.row else ""
        return f"{self.rule}: {self.series}{'.' + self.column if self.column else ''}: {self.message}{place}"


def finding(
    rule: str,
    series: str,
    column: str,
    message: str,
    remedy: str,
    *,
    at: Place = ("", 0),
    severity: Severity = "error",
) -> Finding:
    """A finding, an error unless said otherwise."""
    return Finding(
        rule=rule,
        severity=severity,
        series=series,
        column=column,
        message=message,
        remedy=remedy,
        file=at[0],
        row=at[1],
    )


@dataclass(frozen=True, slots=True)
class Sampled:
    """A series' sample, and findings with their place in it.

    Attributes:
        series: Point, or site.
        sample: Its sampled rows.
    """

    series: str
    sample: Sample

    def values(self, name: str) -> Floats:
        """Sampled values of a column; empty where it is not mapped."""
        return self.sample.values(name)

    def error(self, rule: str, column: str, message: str, remedy: str, row: int) -> Finding:
        """An error that shows first in a sampled row."""
        return finding(rule, self.series, column, message, remedy, at=self.sample.place(row))
