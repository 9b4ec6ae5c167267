"""Ingestion: files and a mapping in, a dataset, its quarantine and a report out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.observed import Source
from ingestion.captures import look, rows_of
from ingestion.clock import Clockwork
from ingestion.conversion import FAULTS, Converted, Converter, scenario
from ingestion.errors import IngestionError
from ingestion.files import Chunk, chunks
from ingestion.findings import Finding, of_series, of_time
from ingestion.following import HOUR_MS, Register, Sample, Timeline
from ingestion.mapping import Mapping
from ingestion.publishing import check_target, publish
from ingestion.records import pairs, read_record
from ingestion.report import Ingested, Rejected, span, told, write_report
from ingestion.staging import Staging, first_of, line_detail, rule_words
from switchyard.digests import sha256_file
from switchyard.home import Home

DATASET = re.compile(r"[a-z0-9][a-z0-9._-]*")
HOPELESS_ROWS, HOPELESS_SHARE = 200_000, 0.5
"""After so many rows with so large a share of rejects the rest of the files is not read."""

Progress = Callable[[str, int], None]


def _silent(file: str, rows: int) -> None:
    """Tell nobody."""
    del file, rows


@dataclass(slots=True)
class _Run:
    """What is known while files stream by."""

    mapping: Mapping
    staging: Staging
    found: Ingested
    timelines: dict[str, Timeline] = field(default_factory=dict)
    samples: dict[str, Sample] = field(default_factory=dict)
    registers: dict[tuple[str, str], Register] = field(default_factory=dict)
    set_back: dict[str, tuple[str, int]] = field(default_factory=dict)
    raw_latest: dict[str, int] = field(default_factory=dict)
    counts: dict[str, Rejected] = field(default_factory=dict)
    clipped: dict[tuple[str, str], int] = field(default_factory=dict)
    stopped: bool = False

    def take(self, converted: Converted) -> None:
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

        if self.mapping.table in ("assets", "waveforms"):
            line = self.timelines.setdefault(converted.series, Timeline(0.0))
            ms = data.column("t").cast(pa.int64()).to_numpy()
            line.first_ms = min(line.first_ms or int(ms.min()), int(ms.min()))
            line.last_ms = max(line.last_ms, int(ms.max()))
            line.rows += len(ms)
            return np.zeros(len(rows), dtype=np.int64)
        line = self.timelines.setdefault(converted.series, Timeline(self.mapping.time.step_s * 1e3))
        ms = data.column("t").cast(pa.int64()).to_numpy()
        return line.follow(ms, converted.file, converted.rows[rows])

    def _follow_clock(self, converted: Converted) -> None:
        """Find times that go back by about an hour; their rows are rejected as repeated or falling."""
        import pyarrow as pa

        if self.mapping.table in ("assets", "waveforms"):
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
            if name not in self.counts:
                row, detail = first_of(inspection, int(rule))
                self.counts[name] = Rejected(
                    rule=name,
                    rows=0,
                    description=description,
                    remedy=remedy,
                    file=converted.file,
                    row=int(converted.rows[row]),
                    detail=detail,
                )
            self.counts[name].rows += int(count)

    def _sample(self, converted: Converted) -> None:
        if self.mapping.table in ("assets", "waveforms"):
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
            Finding(
                rule="clipped",
                severity="warning",
                series=series,
                column=name,
                message=f"{count} values were set to the bounds of clip, as the mapping says",
                remedy="nothing, if they are a sensor's offset; else take clip out of the mapping",
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
                yield Finding(
                    rule="overflow_suspected",
                    severity="error",
                    series=series,
                    column=name,
                    message=f"{source} = {value:.10g} in {count} rows is where a register ends at "
                    f"this resolution, beyond all other values (largest {register.highest:.10g})",
                    remedy=f"add {value:.10g} to the column's overflow, which rejects these rows, or "
                    "overflow_suspected to accept",
                    file=file,
                    row=row,
                )


def ingest(
    home: Home,
    files: list[Path],
    mapping: Mapping,
    text: str,
    dataset: str,
    *,
    replace: bool = False,
    progress: Progress = _silent,
) -> Ingested:
    """Make a table of a dataset of somebody's files.

    Args:
        home: Where datasets, quarantine and reports are.
        files: CSV, Parquet or COMTRADE files, in any order.
        mapping: What is said about them.
        text: The mapping as it is written, kept with the dataset.
        dataset: Name of the dataset; a table of another name is added to one that is there.
        replace: Whether a table of this name may be replaced.
        progress: Told each file and the rows so far.

    Returns:
        What became of the files; the rows are published.

    Raises:
        IngestionError: A file cannot be read, too many rows were rejected, or there is a finding that the
            mapping does not accept. Then nothing is published; quarantine and report are written where rows
            were read.
    """
    if not DATASET.fullmatch(dataset):
        raise IngestionError(
            f"dataset {dataset!r} is not a name",
            "use lower-case letters, digits, dots, hyphens and underscores",
        )
    if not files:
        raise IngestionError("no file is named", "name at least one")
    check_target(home, dataset, mapping, replace=replace)
    mapping.zone()
    quarantine = home.quarantine / dataset / mapping.table
    found = Ingested(dataset=dataset, table=mapping.table, quarantine=f"quarantine/{dataset}/{mapping.table}")
    found.columns = tuple(sorted({name for series in mapping.series for name in mapping.columns_of(series)}))
    with Staging(home, dataset, mapping.contract) as staging:
        run = _Run(mapping, staging, found)
        if mapping.file.format == "comtrade":
            _records(run, files, progress)
        else:
            _rows(run, files, progress)
        run.finish()
        staging.publish_rejects(quarantine)
        trouble = _trouble(run)
        if trouble is None:
            found.digest = publish(home, found, mapping, text, staging=staging, timelines=run.timelines)
            found.published = True
        write_report(home, found)
    if trouble is not None:
        raise trouble
    return found


def _rows(run: _Run, files: list[Path], progress: Progress) -> None:
    converter = Converter(run.mapping)
    wanted = converter.wanted()
    sources = []
    for path in _by_time(files, run.mapping, wanted):
        before = run.found.rows
        for chunk in chunks(path, run.mapping.file, wanted):
            run.lines(chunk)
            if len(chunk.rows):
                for converted in converter.blocks(chunk):
                    run.take(converted)
            progress(path.name, run.found.rows)
            if run.hopeless:
                run.stopped = True
                break
        sources.append(_source(path, run.found.rows - before))
        if run.stopped:
            break
    run.found.sources = tuple(sources)


def _by_time(files: list[Path], mapping: Mapping, wanted: set[str]) -> list[Path]:
    """Files in the order of their first rows."""
    if len(files) < 2:
        return files
    begins = []
    for path in files:
        first = next(chunks(path, mapping.file, wanted, limit=1))
        instants = Clockwork(mapping).read(first.data)
        known = instants.ms[~instants.bad]
        begins.append((int(known.min()) if len(known) else 0, str(path), path))
    return [path for *_, path in sorted(begins)]


def _source(path: Path, rows: int) -> Source:
    return Source(file=path.name, sha256=sha256_file(path), bytes=path.stat().st_size, rows=rows)


def _records(run: _Run, files: list[Path], progress: Progress) -> None:
    mapping = run.mapping
    clock = Clockwork(mapping)
    seen: set[tuple[str, int]] = set()
    sources: list[Source] = []
    begun = []
    for config, data in pairs(files):
        record = read_record(config, data, mapping.file.encoding)
        begun.append((record.start_ms, config.name, record))
        sources += [_source(path, len(record.sections)) for path in (config, data) if path is not None]
        for section in record.slow:
            run.found.findings.append(
                Finding(
                    rule="slow_section",
                    severity="warning",
                    series=mapping.substation,
                    column="rate_hz",
                    message=f"samples {section.first + 1} to {section.first + section.count} at "
                    f"{section.rate_hz:g} Hz are no waveform and are left out",
                    remedy="nothing, if they are values of slow recording",
                    file=config.name,
                )
            )
    for _, _, record in sorted(begun, key=lambda one: one[:2]):
        for converted in rows_of(record, mapping, clock, seen):
            run.take(converted)
        for point in mapping.series:
            for capture, findings in look(record, mapping, point):
                run.found.captures.append(capture)
                run.found.findings += findings
        progress(record.file, run.found.rows)
    run.found.sources = tuple(sources)


def _trouble(run: _Run) -> IngestionError | None:
    """Why these rows must not become data, if they must not."""
    found, mapping = run.found, run.mapping
    errors = [one for one in found.findings if one.severity == "error" and one.rule not in mapping.accept]
    name = f"{found.dataset}, {found.table}"
    report = f"reports/ingest/{found.dataset}.{found.table}.md"
    where = f"the report is {report}, rejected rows are in {found.quarantine}"
    if errors:
        more = f" (and {len(errors) - 1} more findings)" if len(errors) > 1 else ""
        return IngestionError(f"{name}: {errors[0].text()}{more}", f"{errors[0].remedy}; {where}")
    if not found.accepted or found.share > mapping.reject_share:
        stopped = ", reading was stopped there" if run.stopped else ""
        first = found.rejected[0] if found.rejected else None
        told_first = (
            f"; most break {first.rule}: {first.description}; first in {first.file}, row {first.row}: "
            f"{first.detail}"
            if first
            else ""
        )
        remedy = first.remedy if first else "check the files"
        return IngestionError(
            f"{name}: {found.quarantined} of {found.rows} rows ({found.share:.2%}) are rejected, "
            f"{mapping.reject_share:.2%} are allowed{stopped}{told_first}",
            f"{remedy}; or raise reject_share in the mapping; {where}",
        )
    return None
