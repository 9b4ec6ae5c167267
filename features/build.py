"""Windows from the table `readings`: the training side's way into `features.compute`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features import channels as ch
from features.errors import FeatureError
from features.nominals import PointNominals
from features.windows import NOMINALS, Windows

if TYPE_CHECKING:
    import pyarrow as pa

Float = NDArray[np.float64]
Int = NDArray[np.int64]

STEP_MS = 1000
CHUNK = 4096
"""Windows that `Readings.batches` hands out at a time: 8 MB of samples."""


@dataclass(frozen=True, slots=True, eq=False)
class WindowIndex:
    """Where n windows lie in a table of readings, in the order of its rows.

    Attributes:
        last_row: Row of each window's last reading, [n].
        scenario: Code of its scenario, [n].
        scenarios: Scenario ids by code.
        point: Code of its measurement point, [n].
        points: Point ids by code.
        t_end: Unix time of its last reading, s UTC, [n].
    """

    last_row: Int
    scenario: Int
    scenarios: tuple[str, ...]
    point: Int
    points: tuple[str, ...]
    t_end: Float

    def __len__(self) -> int:
        return int(self.last_row.shape[0])

    def part(self, rows: slice) -> WindowIndex:
        """The windows in `rows`."""
        return WindowIndex(
            self.last_row[rows],
            self.scenario[rows],
            self.scenarios,
            self.point[rows],
            self.points,
            self.t_end[rows],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """The columns of a table of readings as arrays; r rows.

    Attributes:
        values: Channels in SI units, rows as in `features.channels`, NaN where null, float64 [26, r].
        quality: Quality codes, int8 [r].
        t_ms: Unix time, ms UTC, int64 [r].
        scenario: Code of the scenario, [r].
        scenarios: Scenario ids by code.
        point: Code of the measurement point, [r].
        points: Point ids by code.
    """

    values: Float
    quality: NDArray[np.int8]
    t_ms: Int
    scenario: Int
    scenarios: tuple[str, ...]
    point: Int
    points: tuple[str, ...]

    @classmethod
    def of(cls, table: pa.Table) -> Readings:
        """Take the columns of a contracted table `readings`.

        Channels that an instrument may lack (line voltages, extremes, THD, Pst) may be absent as columns.

        Raises:
            FeatureError: A column that every reading has is missing.
        """
        required = ("scenario_id", "point", "t", "quality", *ch.COLUMNS[ch.POWER.start :])
        missing = [name for name in required if name not in table.column_names]
        if missing:
            raise FeatureError(
                f"readings: column {missing[0]} is missing", "read the table with all of its columns"
            )
        values = np.full((ch.CHANNELS, table.num_rows), np.nan)
        for row, name in enumerate(ch.COLUMNS):
            if name in table.column_names:
                values[row] = table.column(name).to_numpy()
        scenario, scenarios = _codes(table.column("scenario_id"))
        point, points = _codes(table.column("point"))
        t = table.column("t").to_numpy().astype("datetime64[ms]").astype(np.int64)
        quality = table.column("quality").to_numpy().astype(np.int8)
        return cls(values, quality, t, scenario, scenarios, point, points)

    def index(self, stride_s: int) -> WindowIndex:
        """All full windows whose ends are `stride_s` readings apart, counted within each unbroken run.

        A run ends where the scenario or the point changes, or where the next row is not one second later.

        Raises:
            FeatureError: `stride_s` is below 1.
        """
        if stride_s < 1:
            raise FeatureError(f"stride_s is {stride_s}, must be at least 1")
        rows = self.t_ms.shape[0]
        breaks = (
            (self.scenario[1:] != self.scenario[:-1])
            | (self.point[1:] != self.point[:-1])
            | (self.t_ms[1:] - self.t_ms[:-1] != STEP_MS)
        )
        starts = np.concatenate([[0], np.flatnonzero(breaks) + 1]) if rows else np.zeros(0, np.int64)
        lengths = np.diff(np.append(starts, rows))
        counts = np.where(lengths >= ch.WINDOW, (lengths - ch.WINDOW) // stride_s + 1, 0)
        total = int(counts.sum())
        within = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
        last = np.repeat(starts + ch.WINDOW - 1, counts) + stride_s * within
        return WindowIndex(
            last_row=last,
            scenario=self.scenario[last],
            scenarios=self.scenarios,
            point=self.point[last],
            points=self.points,
            t_end=self.t_ms[last] / 1e3,
        )

    def windows(self, index: WindowIndex, nominals: Mapping[str, PointNominals]) -> Windows:
        """The windows of `index`; takes 2 KB each, so use `batches` for many.

        Args:
            index: Made by this table's `index`, or a part of it.
            nominals: Of every point that occurs, by its id.

        Raises:
            FeatureError: A point has no nominals.
        """
        n = len(index)
        table = _nominal_table(index, nominals)
        samples = np.empty((ch.WINDOW, ch.CHANNELS, n))
        quality = np.empty((ch.WINDOW, n), np.int8)
        for step in range(ch.WINDOW):
            rows = index.last_row - (ch.WINDOW - 1 - step)
            # The rows lie inside the table; "clip" spares numpy a second copy of the result.
            np.take(self.values, rows, axis=1, out=samples[step], mode="clip")
            np.take(self.quality, rows, out=quality[step], mode="clip")
        columns: dict[str, Any] = {name: table[place][index.point] for place, name in enumerate(NOMINALS)}
        return Windows(
            samples=samples,
            quality=quality,
            t_end=index.t_end,
            length=np.full(n, ch.WINDOW, np.int64),
            **columns,
        )

    def batches(
        self, index: WindowIndex, nominals: Mapping[str, PointNominals], size: int = CHUNK
    ) -> Iterator[tuple[slice, Windows]]:
        """The windows of `index`, `size` at a time, with their place in it.

        Raises:
            FeatureError: A point has no nominals.
        """
        for start in range(0, len(index), size):
            rows = slice(start, min(start + size, len(index)))
            yield rows, self.windows(index.part(rows), nominals)


def _codes(column: pa.ChunkedArray[Any]) -> tuple[Int, tuple[str, ...]]:
    """Codes of a string column and the strings that they stand for."""
    import pyarrow as pa

    combined = column.combine_chunks()
    encoded: Any = combined if isinstance(combined, pa.DictionaryArray) else combined.dictionary_encode()
    return encoded.indices.to_numpy().astype(np.int64), tuple(encoded.dictionary.to_pylist())


def _nominal_table(index: WindowIndex, nominals: Mapping[str, PointNominals]) -> Float:
    """Nominals by point code, [5, points]; NaN for points without a window."""
    table = np.full((len(NOMINALS), len(index.points)), np.nan)
    for code in np.unique(index.point):
        name = index.points[code]
        if name not in nominals:
            raise FeatureError(
                f"readings: point {name} has no nominals",
                "give those of every measurement point of the substation",
            )
        table[:, code] = [getattr(nominals[name], field) for field in NOMINALS]
    return table
