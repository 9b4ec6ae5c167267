"""Accepted and rejected rows on their way to a dataset: written as they come, moved when all is decided."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from data_contracts.arrow import COMPRESSION, schema
from data_contracts.contract import Table
from data_contracts.inspection import Inspection
from data_contracts.quarantine import EXTRA
from ingestion.conversion import Converted
from ingestion.files import Misshapen
from switchyard.digests import sha256_file
from switchyard.files import rename_into
from switchyard.home import Home

if TYPE_CHECKING:
    import pyarrow as pa

QUARANTINED = "part-00000.parquet"
ORIGINAL = "original"
MOST_WAITING = 100_000
"""Accepted rows that are gathered before they are written.

A writer keeps some kilobytes of every group of rows until its file is finished, so that small groups add up.
"""


class Staging:
    """A folder below `staging/` that lives as long as one ingestion.

    Attributes:
        folder: The folder.
        accepted: Rows accepted so far by series.
    """

    def __init__(self, home: Home, dataset: str, table: Table) -> None:
        home.staging.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix=f".{dataset}.{table.name}.", dir=home.staging))
        self.accepted: dict[str, int] = {}
        self._table = table
        self._writers: dict[str, Any] = {}
        self._waiting: dict[str, list[pa.Table]] = {}
        self._rows_waiting = 0
        self._rejects: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Finish the files."""
        self._write_waiting()
        for writer in self._writers.values():
            writer.close()
        if self._rejects is not None:
            self._rejects.close()
        self._writers, self._rejects = {}, None

    def accept(self, series: str, data: pa.Table) -> None:
        """Take accepted rows of a series; they are written together with those that follow."""
        if not data.num_rows:
            return
        self._waiting.setdefault(series, []).append(data.cast(schema(self._table)))
        self._rows_waiting += data.num_rows
        self.accepted[series] = self.accepted.get(series, 0) + data.num_rows
        if self._rows_waiting >= MOST_WAITING:
            self._write_waiting()

    def _write_waiting(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        waiting, self._waiting, self._rows_waiting = self._waiting, {}, 0
        for series, blocks in waiting.items():
            if series not in self._writers:
                self._writers[series] = pq.ParquetWriter(
                    self.folder / f"{series}.parquet",
                    schema(self._table),
                    compression=COMPRESSION,
                    store_schema=False,
                )
            self._writers[series].write_table(pa.concat_tables(blocks))

    def reject(self, converted: Converted) -> None:
        """Write the rows of a block that break a rule, with the file's own fields."""
        import pyarrow as pa

        inspection = converted.inspection
        rows = inspection.rejected
        if not len(rows):
            return
        data = inspection.data.take(rows)
        names = pa.array([rule.name for rule in inspection.rules], pa.string())
        originals = [
            json.dumps(row, default=str, ensure_ascii=False)
            for row in converted.source.take(rows).to_pylist()
        ]
        extra: tuple[Any, ...] = (
            names.take(inspection.broken[rows]),
            inspection.details,
            pa.array([converted.file] * len(rows), pa.string()),
            pa.array(converted.rows[rows], pa.int64()),
        )
        for name, column in zip(EXTRA, extra, strict=True):
            data = data.append_column(name, column)
        self._write_rejects(data.append_column(ORIGINAL, pa.array(originals, pa.string())))

    def reject_line(self, file: str, line: Misshapen) -> None:
        """Write a line that is no row."""
        import pyarrow as pa

        wanted = self._reject_schema()
        values: dict[str, Any] = dict.fromkeys(wanted.names)
        values |= {
            "rule": "row_shape",
            "detail": line_detail(line),
            "source_file": file,
            "source_row": line.row,
            ORIGINAL: line.text,
        }
        self._write_rejects(pa.Table.from_pylist([values], schema=wanted))

    def _reject_schema(self) -> pa.Schema:
        import pyarrow as pa

        wanted: Any = schema(self._table)
        for name in (*EXTRA, ORIGINAL):
            wanted = wanted.append(pa.field(name, pa.int64() if name == "source_row" else pa.string()))
        return cast("pa.Schema", wanted)

    def _write_rejects(self, data: pa.Table) -> None:
        import pyarrow.parquet as pq

        wanted = self._reject_schema()
        if self._rejects is None:
            self._rejects = pq.ParquetWriter(
                self.folder / f".{QUARANTINED}", wanted, compression=COMPRESSION, store_schema=False
            )
        self._rejects.write_table(data.cast(wanted))

    def publish_rejects(self, folder: Path) -> None:
        """Move the rejected rows into the quarantine, in place of those of an earlier ingestion."""
        self.close()
        target, staged = folder / QUARANTINED, self.folder / f".{QUARANTINED}"
        if staged.exists():
            rename_into(staged, target)
        else:
            target.unlink(missing_ok=True)

    def publish_parts(self, folder: Path) -> list[str]:
        """Move the accepted rows beside those of a dataset; a part's name holds its digest.

        Returns:
            Names of the parts.
        """
        self.close()
        names = []
        for staged in sorted(self.folder.glob("[!.]*.parquet")):
            if "asset" in self._table.names:
                _sort(staged, self._table.key)
            name = f"{staged.stem}-{sha256_file(staged)[:12]}.parquet"
            rename_into(staged, folder / name)
            names.append(name)
        return names


def _sort(path: Path, key: tuple[str, ...]) -> None:
    import pyarrow.parquet as pq

    data = pq.read_table(path, partitioning=None).sort_by([(name, "ascending") for name in key])
    pq.write_table(data, path, compression=COMPRESSION, store_schema=False)


def line_detail(line: Misshapen) -> str:
    """What is wrong with a line."""
    return f"{line.found} fields, {line.expected} expected: {line.text[:80]!r}"


def rule_words(inspection: Inspection, rule: int) -> tuple[str, str, str]:
    """Name, description and remedy of one of an inspection's rules."""
    found = inspection.rules[rule]
    return found.name, found.description, found.remedy


def first_of(inspection: Inspection, rule: int) -> tuple[int, str]:
    """Position of the first row that breaks a rule, and its values in words."""
    row = int(np.flatnonzero(inspection.broken == rule)[0])
    place = int(np.searchsorted(inspection.rejected, row))
    return row, str(inspection.details[place].as_py())
