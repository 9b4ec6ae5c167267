"""Ingestion: files and a mapping in, a dataset, its quarantine and a report out."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from data_contracts.observed import Source
from ingestion.captures import look, rows_of
from ingestion.clock import Clockwork
from ingestion.conversion import Converter
from ingestion.errors import IngestionError
from ingestion.files import chunks
from ingestion.findings import finding
from ingestion.intake import Intake
from ingestion.mapping import Mapping
from ingestion.publishing import check_target, publish
from ingestion.records import pairs, read_record
from ingestion.report import Ingested, write_report
from ingestion.staging import Staging
from ingestion.steps import Steps
from switchyard.digests import sha256_file
from switchyard.home import Home

DATASET = re.compile(r"[a-z0-9][a-z0-9._-]*")
Progress = Callable[[str, int], None]


def _silent(file: str, rows: int) -> None:
    """Tell nobody."""
    del file, rows


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
        run = Intake(mapping, staging, found, Steps(mapping.time.step_s * 1e3))
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


def _rows(run: Intake, files: list[Path], progress: Progress) -> None:
    converter = Converter(run.mapping)
    wanted = converter.wanted()
    sources = []
    read = 0
    for place, path in enumerate(_by_time(files, run.mapping, wanted)):
        run.file_order[path.name] = place
        before = read
        for chunk in chunks(path, run.mapping.file, wanted):
            run.lines(chunk)
            if len(chunk.rows):
                for converted in converter.blocks(chunk):
                    run.take(converted)
            read += len(chunk.rows) + len(chunk.misshapen)
            progress(path.name, read)
            if run.hopeless:
                run.stopped = True
                break
        sources.append(_source(path, read - before))
        if run.stopped:
            break
    for converted in converter.rest():
        run.take(converted)
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


def _records(run: Intake, files: list[Path], progress: Progress) -> None:
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
                finding(
                    "slow_section",
                    mapping.substation,
                    "rate_hz",
                    f"samples {section.first + 1} to {section.first + section.count} at "
                    f"{section.rate_hz:g} Hz are no waveform and are left out",
                    "nothing, if they are values of slow recording",
                    at=(config.name, 0),
                    severity="warning",
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


def _trouble(run: Intake) -> IngestionError | None:
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
