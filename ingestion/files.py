"""Rows of CSV and Parquet files, a block at a time, so that memory does not grow with a file.

All fields of a CSV file stay text here; what they mean is decided later, value by value. A line with another
number of fields, or one that may have been cut, is handed on as such and never guessed at.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ingestion.errors import IngestionError
from ingestion.mapping import File
from ingestion.text import check_text, decoding, not_text, refuse_other_kinds

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES = 1 << 20
"""Arrow reads 32 blocks ahead, so that this bounds the memory that a file of any length takes."""

BLOCK_ROWS = 65_536
HEAD_BYTES = 1 << 20
MOST_MISSHAPEN = 10_000
"""So many lines of a wrong number of fields are kept; with more the delimiter is wrong, not the lines."""

PARQUET = b"PAR1"
"""A Parquet file begins and ends so."""

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


@dataclass(frozen=True, slots=True)
class Misshapen:
    """A line that cannot be read as a row: its row number and text."""

    row: int
    text: str
    expected: int
    found: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a file.

    Attributes:
        file: Its name.
        data: Wanted columns; text for CSV, typed for Parquet.
        rows: Number of each row in the file's data, from 1, [rows].
        cut: Whether the last row may have been cut: the file does not end with a line's end.
        misshapen: Lines between these rows that are no rows.
    """

    file: str
    data: pa.Table
    rows: NDArray[np.int64]
    cut: bool = False
    misshapen: tuple[Misshapen, ...] = ()


@dataclass(slots=True)
class _Lines:
    """Keeps count of rows and of lines that are none."""

    seen: int = 0
    misshapen: list[Misshapen] = field(default_factory=list)
    told: int = 0


def first_fields(path: Path, file: File) -> list[list[str]]:
    """Fields of a file's first lines, up to 50.

    Raises:
        IngestionError: It is empty, or not text of this encoding.
    """
    import csv

    text = head(path, file.encoding)
    lines = text.splitlines()[:50]
    return [row for row in csv.reader(lines, delimiter=file.delimiter) if row]


def head(path: Path, encoding: str) -> str:
    """The first megabyte of a text file.

    Raises:
        IngestionError: It is not there, empty, another kind of file, or not text of this encoding.
    """
    try:
        with path.open("rb") as handle:
            data = handle.read(HEAD_BYTES)
    except OSError as error:
        raise IngestionError(f"{path}: {error.strerror}", "check the path") from error
    if not data.strip():
        raise IngestionError(f"{path} is empty", "export it again, or leave it out")
    refuse_other_kinds(path, data)
    try:
        decoder = codecs.getincrementaldecoder(decoding(encoding))()
        text = decoder.decode(data)
    except (UnicodeDecodeError, LookupError) as error:
        line = 1
        if isinstance(error, UnicodeDecodeError):
            line += data[: error.start].decode(encoding, "ignore").count("\n")
        raise not_text(path, encoding, error, line) from error
    if "\x00" in text:
        raise IngestionError(
            f"{path}: there are zero bytes in the text",
            "set file.encoding to utf-16, or export it as text again",
        )
    return text


def field_names(fields: list[str]) -> list[str]:
    """Names of a header's fields: blank ones by their place, repeated ones numbered."""
    found: list[str] = []
    for place, text in enumerate(fields, start=1):
        name = text.strip() or f"column {place}"
        count = sum(1 for other in found if other == name or other.startswith(f"{name} ("))
        found.append(name if name not in found else f"{name} ({count + 1})")
    return found


def has_header(path: Path, file: File, wanted: set[str]) -> bool:
    """Whether the first line of a CSV file holds names.

    Raises:
        IngestionError: It holds neither the names nor a row of as many fields as there are names.
    """
    if file.header == "absent":
        return False
    first = first_fields(path, file)[0]
    if wanted <= set(field_names(first)):
        return True
    if file.header == "auto" and len(first) == len(file.names) and _looks_like_data(first):
        return False
    lacking = ", ".join(sorted(wanted - set(field_names(first))))
    other = [sign for sign in DELIMITERS if sign != file.delimiter and file.delimiter not in first[0]]
    split = next((sign for sign in other if head(path, file.encoding).splitlines()[0].count(sign) >= 1), None)
    if len(first) == 1 and split is not None:
        raise IngestionError(
            f"{path}: line 1 has one field with the delimiter {file.delimiter!r}, but holds {split!r}",
            f"set file.delimiter in the mapping to {split!r} ({DELIMITERS[split]})",
        )
    if _looks_like_data(first):
        raise IngestionError(
            f"{path}: line 1 looks like data, not like names: {', '.join(first[:6])}",
            "set file.header to absent or auto and list file.names in the mapping",
        )
    raise IngestionError(
        f"{path}: there is no column {lacking}; line 1 has {', '.join(first[:12])}",
        "correct the names in the mapping, or propose a new one with --propose",
    )


def _looks_like_data(fields: list[str]) -> bool:
    numbers = 0
    for text in fields:
        try:
            float(text.replace(",", "."))
        except ValueError:
            continue
        numbers += 1
    return numbers >= max(1, len([text for text in fields if text.strip()]) // 3)


def names_of(path: Path, file: File, wanted: set[str]) -> tuple[list[str], bool]:
    """Names of a CSV file's fields, and whether its first line holds them.

    Raises:
        IngestionError: They cannot be told, or one that is wanted is missing.
    """
    headed = has_header(path, file, wanted)
    names = field_names(first_fields(path, file)[0]) if headed else list(file.names)
    if lacking := sorted(wanted - set(names)):
        raise IngestionError(
            f"{path}: there is no column {', '.join(lacking)} among {', '.join(names[:12]) or 'no names'}",
            "list all fields in file.names in their order, or correct the mapping",
        )
    return names, headed


def chunks(path: Path, file: File, wanted: set[str], limit: int | None = None) -> Iterator[Chunk]:
    """The rows of a file, a block at a time.

    Args:
        path: The file.
        file: How it is written.
        wanted: Columns to read.
        limit: Stop after about so many rows; None for all.

    Raises:
        IngestionError: It is empty, cannot be read as what it is said to be, or a column is missing.
    """
    reader = _csv if file.format == "csv" else _parquet
    if file.format == "csv" and limit is None:
        names_of(path, file, wanted)
        check_text(path, file.encoding, file.delimiter)
    waiting: Chunk | None = None
    rows = 0
    for chunk in reader(path, file, wanted):
        if waiting is not None:
            yield waiting
        waiting = chunk
        rows += len(chunk.rows)
        if limit is not None and rows >= limit:
            break
    if waiting is None:
        raise IngestionError(f"{path} has a header and no rows", "export it again, or leave it out")
    whole = file.format != "csv" or _ends_with_line(path) or (limit is not None and rows >= limit)
    last = int(waiting.rows[-1]) if len(waiting.rows) else 0
    misshapen_last = any(line.row > last for line in waiting.misshapen)
    yield Chunk(waiting.file, waiting.data, waiting.rows, not whole and not misshapen_last, waiting.misshapen)


def _ends_with_line(path: Path) -> bool:
    with path.open("rb") as handle:
        handle.seek(-min(2, path.stat().st_size), 2)
        # The other byte of a UTF-16 line end is zero.
        return handle.read().replace(b"\x00", b"")[-1:] in (b"\n", b"\r")


def _csv(path: Path, file: File, wanted: set[str]) -> Iterator[Chunk]:
    import pyarrow as pa
    import pyarrow.csv as pc

    names, headed = names_of(path, file, wanted)
    lines = _Lines()

    def misshapen(row: Any) -> Literal["skip", "error"]:
        if len(lines.misshapen) >= MOST_MISSHAPEN:
            return "error"
        place = row.number - int(headed) if row.number is not None else 0
        lines.misshapen.append(Misshapen(place, row.text, row.expected_columns, row.actual_columns))
        return "skip"

    try:
        reader = pc.open_csv(
            path,
            read_options=pc.ReadOptions(
                use_threads=False,
                block_size=BLOCK_BYTES,
                skip_rows=int(headed),
                column_names=names,
                encoding=file.encoding,
            ),
            parse_options=pc.ParseOptions(delimiter=file.delimiter, invalid_row_handler=misshapen),
            convert_options=pc.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=sorted(wanted),
                strings_can_be_null=False,
            ),
        )
        for batch in reader:
            yield _numbered(path.name, pa.Table.from_batches([batch]), lines)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise IngestionError(
            f"{path}: after row {lines.seen}: {error}",
            "check file.delimiter and file.encoding in the mapping, and whether the file is whole",
        ) from error
    if lines.told < len(lines.misshapen):
        yield _numbered(
            path.name, pa.table({name: pa.array([], pa.string()) for name in sorted(wanted)}), lines
        )


def _numbered(name: str, data: pa.Table, lines: _Lines) -> Chunk:
    """Rows with their numbers; lines that are no rows have numbers too."""
    rows = np.arange(lines.seen + 1, lines.seen + data.num_rows + 1) + lines.told
    new = lines.misshapen[lines.told :]
    taken = len(new)
    for place, line in enumerate(new):
        if len(rows) and line.row > rows[-1]:
            taken = place
            break
        rows[rows >= line.row] += 1
    found = tuple(new[:taken])
    lines.seen += data.num_rows
    lines.told += taken
    return Chunk(name, data, rows, misshapen=found)


def _parquet(path: Path, file: File, wanted: set[str]) -> Iterator[Chunk]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    del file
    try:
        source = pq.ParquetFile(path)
        if lacking := sorted(wanted - set(source.schema_arrow.names)):
            raise IngestionError(
                f"{path}: there is no column {', '.join(lacking)}; it has "
                f"{', '.join(source.schema_arrow.names)}",
                "correct the names in the mapping, or propose a new one with --propose",
            )
        seen = 0
        for batch in source.iter_batches(BLOCK_ROWS, columns=sorted(wanted), use_threads=False):
            if batch.num_rows:
                rows = np.arange(seen + 1, seen + batch.num_rows + 1)
                seen += batch.num_rows
                yield Chunk(path.name, _plain(path, pa.Table.from_batches([batch])), rows)
    except (pa.ArrowException, OSError) as error:
        raise unreadable_parquet(path, error) from error


def _plain(path: Path, data: pa.Table) -> pa.Table:
    """Columns of dictionary codes as what they stand for.

    Raises:
        IngestionError: A column holds lists, structures or bytes.
    """
    import pyarrow as pa

    for place, name in enumerate(data.column_names):
        column: Any = data.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
            data = data.set_column(place, name, column)
        kind = column.type
        if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
            raise IngestionError(
                f"{path}: column {name} is of type {kind}",
                "export it as numbers, text or times, one value a row",
            )
    return data


def unreadable_parquet(path: Path, error: Exception) -> IngestionError:
    """Why a file cannot be read as Parquet: it is none, was cut, or is damaged within."""
    with path.open("rb") as handle:
        first = handle.read(len(PARQUET))
        handle.seek(-min(len(PARQUET), path.stat().st_size), 2)
        last = handle.read()
    if not first:
        return IngestionError(f"{path} is empty", "export it again, or leave it out")
    if first != PARQUET:
        return IngestionError(
            f"{path} cannot be read as Parquet: it does not begin as Parquet does",
            "set file.format in the mapping to csv if it is text, or export it again",
        )
    if last != PARQUET:
        return IngestionError(
            f"{path} cannot be read as Parquet: its end is missing, so it was cut or is still being written",
            "copy or export it again",
        )
    return IngestionError(
        f"{path} cannot be read as Parquet: {error}", "the file is damaged: copy or export it again"
    )
