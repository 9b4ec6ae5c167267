"""Rows on their way into a dataset: sorted, counted and followed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingestion.conversion import FAULTS, Converted, scenario
from ingestion.files import Chunk
from ingestion.findings import Finding, Place, finding, of_series, of_time
from ingestion.following import HOUR_MS, Register, Sample, Timeline
from ingestion.mapping import Mapping
from ingestion.report import Ingested, Rejected, span, told
from ingestion.staging import Staging, first_of, line_detail, rule_words
from ingestion.steps import Steps

HOPELESS_ROWS, HOPELESS_SHARE = 200_000, 0.5
"""After so many rows with so large a share of rejects the rest of the files is not read."""


@dataclass(slots=True)
class Intake:
    """Takes rows as files stream by: into the dataset or the quarantine, and into what only many rows tell.

    Attributes:
        mapping: What is said about the files.
        staging: Where rows go.
        found: The report, completed by `finish`.
        steps: Blocks that wait until the step of their series is known.
        timelines: Times of each series.
        file_order: Place of each file among those that are read.
        stopped: The rest of the files was not read.
    """

    mapping: Mapping
    staging: Staging
    found: Ingested
    steps: Steps
    timelines: dict[str, Timeline] = field(default_factory=dict)
    samples: dict[str, Sample] = field(default_factory=dict)
    registers: dict[tuple[str, str], Register] = field(default_factory=dict)
    set_back: dict[str, Place] = field(default_factory=dict)
    raw_latest: dict[str, int] = field(default_factory=dict)
    counts: dict[str, Rejected] = field(default_factory=dict)
    clipped: dict[tuple[str, str], int] = field(default_factory=dict)
    file_order: dict[str, int] = field(default_factory=dict)
    stopped: bool = False

    @property
    def follows_time(self) -> bool:
        """Whether rows of a series follow each other at a step."""
        return self.mapping.table not in ("assets", "waveforms")

    def take(self, converted: Converted) -> None:
        """Take a block, and those before it that it tells the step of."""
        for one in self.steps.pass_on(converted) if self.follows_time else [converted]:
            self._take(one)

    def _take(self, converted: Converted) -> None:
        """Sort the rows of a block into the dataset and the quarantine, and follow them."""
        import pyarrow as pa

        inspection = converted.inspection
        self._follow_clock(converted)
        good = inspection.broken < 0
        rows = np.flatnonzero(good)
        data = inspection.data.filter(pa.array(good))
        if len(rows):
            runs = self._runs(converted, data, rows)
            if "scenario_id" in data.column_names:
                names = [scenario(self.mapping.substation, run) for run in range(int(runs.max()) + 1)]
                place = data.column_names.index("scenario_id")
                column: Any = pa.array(names, pa.string()).take(runs)
                data = data.set_column(place, "scenario_id", column)
            self.staging.accept(converted.series, data)
        self._count(converted)
        self._sample(converted)
        for name, count in converted.clipped.items():
            key = (converted.series, name)
            self.clipped[key] = self.clipped.get(key, 0) + count
        self.found.rows += len(good)
        self.found.accepted += len(rows)
        self.found.quarantined += len(good) - len(rows)
        self.staging.reject(converted)

    def _runs(self, converted: Converted, data: Any, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        import pyarrow as pa

        if not self.follows_time:
            line = self.timelines.setdefault(converted.series, Timeline(0.0))
            ms = data.column("t").cast(pa.int64()).to_numpy()
            line.first_ms = min(line.first_ms or int(ms.min()), int(ms.min()))
            line.last_ms = max(line.last_ms, int(ms.max()))
            line.rows += len(ms)
            return np.zeros(len(rows), dtype=np.int64)
        line = self.timelines.setdefault(converted.series, Timeline(self.steps.of(converted.series)))
        ms = data.column("t").cast(pa.int64()).to_numpy()
        return line.follow(ms, converted.file, converted.rows[rows])

    def _follow_clock(self, converted: Converted) -> None:
        """Find times that go back by about an hour; their rows are rejected as repeated or falling."""
        import pyarrow as pa

        if not self.follows_time:
            return
        column: Any = converted.inspection.data.column("t")
        known = np.asarray(column.is_valid())
        ms = np.asarray(column.drop_null().cast(pa.int64()))
        if not len(ms):
            return
        start = self.raw_latest.get(converted.series, int(ms[0]))
        back = -np.diff(np.concatenate(([start], ms)))
        room = 2000.0 * self.mapping.time.step_s or HOUR_MS / 2
        place = np.flatnonzero((back > 0) & (back >= HOUR_MS - room) & (back <= HOUR_MS))
        if len(place) and converted.series not in self.set_back:
            self.set_back[converted.series] = (converted.file, int(converted.rows[known][place[0]]))
        self.raw_latest[converted.series] = int(ms[-1])

    def _count(self, converted: Converted) -> None:
        inspection = converted.inspection
        broken = inspection.broken[inspection.broken >= 0]
        for rule, count in zip(*np.unique(broken, return_counts=True), strict=True):
            name, description, remedy = rule_words(inspection, int(rule))
            place, detail = first_of(inspection, int(rule))
            row, told_of = int(converted.rows[place]), self.counts.get(name)
            if told_of is None:
                told_of = self.counts[name] = Rejected(
                    rule=name,
                    rows=0,
                    description=description,
                    remedy=remedy,
                    file=converted.file,
                    row=row,
                    detail=detail,
                )
            elif self._place(converted.file, row) < self._place(told_of.file, told_of.row):
                told_of.file, told_of.row, told_of.detail = converted.file, row, detail
            told_of.rows += int(count)

    def _place(self, file: str, row: int) -> tuple[int, int]:
        """Orders rows as they are in the files: those whose time waited for others come later than these."""
        return self.file_order.get(file, 0), row

    def _sample(self, converted: Converted) -> None:
        if not self.follows_time:
            return
        timed = converted.timed
        values = {}
        for name in converted.raw:
            column: Any = converted.inspection.data.column(name)
            values[name] = column.to_numpy().astype(np.float64)[timed]
        sample = self.samples.setdefault(converted.series, Sample())
        sample.add(values, converted.file, converted.rows[timed])
        columns = self.mapping.columns_of(converted.series)
        for name, raw in converted.raw.items():
            register = self.registers.setdefault((converted.series, name), Register())
            stated = np.isin(raw, columns[name].overflow)
            register.add(np.where(stated, np.nan, raw), converted.file, converted.rows)

    def lines(self, chunk: Chunk) -> None:
        """Put lines that are no rows into the quarantine."""
        for line in chunk.misshapen:
            self.staging.reject_line(chunk.file, line)
            self.found.rows += 1
            self.found.quarantined += 1
            if "row_shape" not in self.counts:
                description, remedy = FAULTS["row_shape"]
                self.counts["row_shape"] = Rejected(
                    rule="row_shape",
                    rows=0,
                    description=description,
                    remedy=remedy,
                    file=chunk.file,
                    row=line.row,
                    detail=line_detail(line),
                )
            self.counts["row_shape"].rows += 1

    @property
    def hopeless(self) -> bool:
        """Whether so much is wrong that the rest need not be read."""
        allowed = max(HOPELESS_SHARE, self.mapping.reject_share)
        return self.found.rows >= HOPELESS_ROWS and self.found.share > allowed

    def finish(self) -> None:
        """Judge what only many rows tell, and complete the report."""
        for waited in self.steps.rest():
            self._take(waited)
        found = self.found
        for series in self.mapping.series:
            if series in self.samples:
                found.findings += of_series(self.mapping, series, self.samples[series])
            line = self.timelines.get(series)
            if line is not None:
                found.findings += of_time(self.mapping, series, line, self.set_back.get(series))
                found.gaps += [told(series, gap) for gap in line.gaps]
        found.findings += self._registers()
        found.findings += [
            finding(
                "clipped",
                series,
                name,
                f"{count} values were set to the bounds of clip, as the mapping says",
                "nothing, if they are a sensor's offset; else take clip out of the mapping",
                severity="warning",
            )
            for (series, name), count in self.clipped.items()
        ]
        found.rejected = sorted(self.counts.values(), key=lambda one: (-one.rows, one.rule))
        found.first, found.last = span(self.timelines)
        steps = [line.step_ms for line in self.timelines.values() if line.step_ms > 0.0]
        found.step_s = steps[0] / 1e3 if steps else 0.0

    def _registers(self) -> Iterator[Finding]:
        for (series, name), register in self.registers.items():
            for value, (count, file, row) in register.suspects().items():
                source = self.mapping.columns_of(series)[name].column
                yield finding(
                    "overflow_suspected",
                    series,
                    name,
                    f"{source} = {value:.10g} in {count} rows is where a register ends at this resolution, "
                    f"beyond all other values (largest {register.highest:.10g})",
                    f"add {value:.10g} to the column's overflow, which rejects these rows, or "
                    "overflow_suspected to accept",
                    at=(file, row),
                )
