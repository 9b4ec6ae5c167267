"""The time between rows, told by the first rows of a series; they wait until there are enough of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ingestion.conversion import Converted
from ingestion.following import FIRST_ROWS, Integers, usual_step

MOST_WAITING = 100_000
"""So many rows of a series wait at most, where nearly all of them are rejected."""


@dataclass(slots=True)
class Steps:
    """Blocks on their way, held back while the step of their series is not known.

    Attributes:
        stated_ms: The step that the mapping states; 0 where the rows tell it.
        told_ms: What the rows of each series told; 0 where they are too few.
    """

    stated_ms: float
    told_ms: dict[str, float] = field(default_factory=dict)
    _waiting: dict[str, list[Converted]] = field(default_factory=dict)

    def of(self, series: str) -> float:
        """The step of a series, ms; 0 where it is not known."""
        return self.stated_ms or self.told_ms.get(series, 0.0)

    def pass_on(self, converted: Converted) -> list[Converted]:
        """The blocks of its series that wait no longer, this one among them."""
        series = converted.series
        if self.stated_ms > 0.0 or series in self.told_ms:
            return [converted]
        blocks = self._waiting.setdefault(series, [])
        blocks.append(converted)
        accepted = sum(int((block.inspection.broken < 0).sum()) for block in blocks)
        if accepted < FIRST_ROWS and sum(len(block.rows) for block in blocks) < MOST_WAITING:
            return []
        return self._told(series)

    def rest(self) -> Iterator[Converted]:
        """The blocks that still wait when no further rows come."""
        for series in list(self._waiting):
            yield from self._told(series)

    def _told(self, series: str) -> list[Converted]:
        blocks = self._waiting.pop(series)
        ms = np.concatenate([accepted_ms(block) for block in blocks])
        self.told_ms[series] = float(usual_step(ms[:FIRST_ROWS]))
        return blocks


def accepted_ms(converted: Converted) -> Integers:
    """Times of a block's accepted rows, Unix ms."""
    import pyarrow as pa

    inspection = converted.inspection
    column: Any = inspection.data.column("t").filter(pa.array(inspection.broken < 0))
    ms: Integers = column.cast(pa.int64()).to_numpy()
    return ms
