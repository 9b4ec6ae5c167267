"""One row of a pandapower network, and the error that names it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studies.errors import StudyError
from studies.pandapower.network import name_of

ELSEWHERE = "solve the network with --solver pandapower"


@dataclass(frozen=True, slots=True)
class Element:
    """One row in service.

    Attributes:
        file: The network's file.
        index: The row's index in its table.
        name: Class and name.
        row: Its values.
    """

    file: Path
    index: Any
    name: str
    row: Any

    def refuse(self, why: str, remedy: str = ELSEWHERE) -> StudyError:
        """The error that names it."""
        return StudyError(f"{self.file}: {self.name}: {why}", remedy)

    def optional(self, column: str, missing: float) -> float:
        """A number, or `missing` where the network has none."""
        found = getattr(self.row, column, None)
        return missing if found is None or math.isnan(float(found)) else float(found)

    def required(self, column: str, remedy: str) -> float:
        """A number that the circuit needs.

        Raises:
            StudyError: It is not stated.
        """
        found = self.optional(column, math.nan)
        if not math.isfinite(found):
            raise self.refuse(f"{column} is not stated", remedy)
        return found


def elements(net: Any, file: Path, kind: str) -> Iterator[Element]:
    """Rows of a table that are in service."""
    if kind not in net:
        return
    for row in net[kind].itertuples():
        if bool(getattr(row, "in_service", True)):
            yield Element(file, row.Index, name_of(net, kind, row.Index), row)
