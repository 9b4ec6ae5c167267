"""A mapping proposed from a file's header and values, with reasons as comments, for a person to correct."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingestion.clock import FORMATS, UNIX, parse
from ingestion.errors import IngestionError
from ingestion.files import (
    DELIMITERS,
    Chunk,
    chunks,
    field_names,
    first_fields,
    head,
    unreadable_parquet,
)
from ingestion.following import Register, usual_step
from ingestion.guessing import Guess, Guesses, guess_columns
from ingestion.mapping import MISSING, File
from ingestion.recording import propose_records
from ingestion.values import numbers

Floats = NDArray[np.float64]

ENCODINGS = ("utf-8", "utf-16", "cp1252")
SAMPLE_ROWS = 500_000
READABLE = 0.95
"""A column holds times if at least this share of its values can be read so."""


@dataclass(slots=True)
class Looked:
    """What was seen of a file.

    Attributes:
        file: How it is written.
        names: Its columns.
        why: How that was found.
        values: Numbers of each column, NaN where there is none.
        texts: The first values of each column as text.
        first: Its first rows.
    """

    file: File
    names: list[str]
    why: list[str]
    values: dict[str, Floats] = field(default_factory=dict)
    texts: dict[str, Any] = field(default_factory=dict)
    overflow: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TimeGuess:
    """Where times are and how they are written."""

    columns: tuple[str, ...]
    format: str
    zone: str
    step_s: float
    why: str


def propose(files: list[Path], table: str, substation: str) -> str:
    """A mapping's text.

    Args:
        files: Files of one kind; the first one is looked at.
        table: Table of the contract.
        substation: Name of the site.

    Raises:
        IngestionError: The file is empty or not readable, or no column holds times.
    """
    path = files[0]
    if table == "waveforms":
        return propose_records(path, substation)
    looked = look_at(path)
    time = guess_time(looked)
    guesses = guess_columns(
        table, substation, looked.names, time.columns, values=looked.values, texts=looked.texts
    )
    return _text(path, table, substation, looked=looked, time=time, guesses=guesses)


def look_at(path: Path) -> Looked:
    """Read a file's beginning.

    Raises:
        IngestionError: It is empty or cannot be read.
    """
    if path.suffix.lower() in (".parquet", ".pq"):
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            names = pq.read_schema(path).names
        except (pa.ArrowException, OSError) as error:
            raise unreadable_parquet(path, error) from error
        looked = Looked(File(format="parquet"), names, ["the file is Parquet"])
    else:
        looked = _text_file(path)
    _fill(path, looked)
    return looked


def _text_file(path: Path) -> Looked:
    for encoding in ENCODINGS:
        try:
            text = head(path, encoding)
        except IngestionError:
            if encoding == ENCODINGS[-1]:
                raise
            continue
        break
    lines = [line for line in text.splitlines()[:50] if line.strip()]
    counts = {sign: [line.count(sign) for line in lines] for sign in DELIMITERS}
    steady = [sign for sign, found in counts.items() if min(found) > 0 and min(found) == max(found)]
    delimiter = max(steady or DELIMITERS, key=lambda sign: sum(counts[sign]))
    file = File(encoding=encoding, delimiter=delimiter)
    rows = first_fields(path, file)
    headed = not any(_is_number(text) for text in rows[0])
    decimal = (
        "," if delimiter != "," and any(re.fullmatch(r"-?\d+,\d+", t) for r in rows[1:] for t in r) else "."
    )
    names = field_names(rows[0]) if headed else [f"column {k}" for k in range(1, len(rows[0]) + 1)]
    why = [
        f"text in {encoding}, fields parted by {DELIMITERS[delimiter]}, decimal {decimal!r}",
        "line 1 holds names" if headed else "line 1 holds numbers, so no names: these are by place",
    ]
    found = replace_file(file, decimal, "auto" if headed else "absent", tuple(names))
    return Looked(found, names, why)


def replace_file(file: File, decimal: str, header: str, names: tuple[str, ...]) -> File:
    """The same file with its decimal sign, header and names."""
    import msgspec

    changed: File = msgspec.structs.replace(file, decimal=decimal, header=header, names=names)
    return changed


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _fill(path: Path, looked: Looked) -> None:
    registers = {name: Register() for name in looked.names}
    found: dict[str, list[Floats]] = {name: [] for name in looked.names}
    rows = 0
    for chunk in chunks(path, looked.file, set(looked.names), limit=SAMPLE_ROWS):
        if not rows:
            looked.texts = _texts(chunk, looked.names)
        rows += len(chunk.rows)
        for name in looked.names:
            column: Any = chunk.data.column(name)
            if _numeric(column, looked.texts[name]):
                values, _ = numbers(column, MISSING, looked.file.decimal)
                found[name].append(values)
                registers[name].add(values, chunk.file, chunk.rows)
    looked.values = {name: np.concatenate(parts) for name, parts in found.items() if parts}
    looked.overflow = {name: sorted(registers[name].suspects()) for name in looked.values}
    if not rows:
        raise IngestionError(f"{path} has no rows", "export it again")


def _texts(chunk: Chunk, names: list[str]) -> dict[str, Any]:
    import pyarrow as pa

    first = chunk.data.slice(0, 5000)
    found: dict[str, Any] = {}
    for name in names:
        column: Any = first.column(name)
        kind = column.type
        found[name] = (
            column if pa.types.is_timestamp(kind) else column.cast(pa.string()).to_pandas().fillna("")
        )
    return found


def _numeric(column: Any, texts: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        there = [text for text in texts if text.strip() not in MISSING]
        return bool(there) and sum(_is_number(text) for text in there[:500]) > 0.5 * len(there[:500])
    return bool(pa.types.is_floating(column.type) or pa.types.is_integer(column.type))


def guess_time(looked: Looked) -> TimeGuess:
    """Which columns hold times, and how they are written.

    Raises:
        IngestionError: None does.
    """
    for name in looked.names:
        if not isinstance(texts := looked.texts[name], _series()):
            kind: Any = texts.type
            ms = np.asarray(texts.cast("timestamp[ms]").cast("int64").drop_null())
            zone = "offset" if kind.tz is not None else "local"
            return TimeGuess((name,), "iso", zone, usual_step(ms) / 1e3, "a column of timestamps")
    dates = [name for name in looked.names if re.search(r"date|datum|day", name, re.IGNORECASE)]
    clocks = [
        name
        for name in looked.names
        if re.search(r"time|zeit|hour", name, re.IGNORECASE) and name not in dates
    ]
    joined = [(one, other) for one in dates for other in clocks]
    for columns in (*((name,) for name in looked.names), *joined):
        guess = _time_of(looked, columns)
        if guess is not None and (len(columns) == 2 or guess.step_s < 86_400.0 or not joined):
            return guess
    raise IngestionError(
        f"no column holds times: {', '.join(looked.names[:12])}",
        "write time.columns and time.format into a mapping by hand, see docs/ingestion.md",
    )


def _series() -> type:
    import pandas as pd

    return pd.Series


def _time_of(looked: Looked, columns: tuple[str, ...]) -> TimeGuess | None:
    texts = looked.texts[columns[0]].str.strip()
    for other in columns[1:]:
        texts = texts + " " + looked.texts[other].str.strip()
    if len(columns) == 1 and columns[0] in looked.values:
        return _unix(columns, looked.values[columns[0]])
    sample = texts.iloc[:300]
    tried = ["iso", *FORMATS] if len(columns) == 1 else list(FORMATS)
    for pattern in tried:
        ms, bad, offset = parse(sample, pattern)
        if bad.mean() > 1.0 - READABLE or not _rises(ms[~bad]):
            continue
        step = usual_step(parse(texts, pattern)[0])
        zone = "offset" if offset.mean() > READABLE else "local"
        told = "each time carries its offset from UTC" if zone == "offset" else "no time carries an offset"
        return TimeGuess(columns, pattern, zone, step / 1e3, f"{sample.iloc[0]!r}; {told}")
    return None


def _rises(ms: NDArray[np.int64]) -> bool:
    """Whether times mostly do not fall: day and month taken for one another make them jump."""
    apart = np.diff(ms)
    return len(ms) > 1 and bool((apart >= 0).mean() > 0.9) and usual_step(ms) > 0


def _unix(columns: tuple[str, ...], values: Floats) -> TimeGuess | None:
    known = values[np.isfinite(values)][:5000]
    for name, scale in UNIX.items():
        ms = known * scale
        if len(ms) and (ms > 946_684_800_000).all() and (ms < 4_102_444_800_000).all():
            step = usual_step(ms.astype(np.int64)) / 1e3
            return TimeGuess(columns, name, "UTC", step, "numbers of the size of Unix time, which is UTC")
    return None


def _quote(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _text(
    path: Path, table: str, substation: str, *, looked: Looked, time: TimeGuess, guesses: Guesses
) -> str:
    file = looked.file
    lines = [
        f"# Proposed from {path.name} for the table {table}. Read it, correct it, then ingest with it.",
        "# Lines marked CHECK are guesses; docs/ingestion.md tells all fields.",
        f"table: {table}",
        f"substation: {substation}",
        "# CHECK: the zone whose calendar holds at the site"
        + (", and in which the times are written" if time.zone == "local" else "")
        + ": an IANA name, as Europe/Berlin or UTC.",
        "time_zone: null",
        f"frequency_hz: {guesses.frequency_hz:g}  # {guesses.frequency_why}",
        "reject_share: 0.05  # more rejected rows than this share stop the ingestion",
        "file:",
        f"  format: {file.format}  # {looked.why[0]}",
    ]
    if file.format == "csv":
        lines += [
            f"  encoding: {file.encoding}",
            f"  delimiter: {_quote(file.delimiter)}",
            f"  decimal: {_quote(file.decimal)}",
            f"  header: {file.header}  # {looked.why[1]}; auto: without them the list below holds",
            f"  names: {_quote(list(file.names))}",
        ]
    lines += [
        "time:",
        f"  columns: {_quote(list(time.columns))}",
        f"  format: {_quote(time.format)}  # {time.why}",
        f"  zone: {time.zone}  # offset: as written; local: time_zone above; or an IANA name",
        "  ambiguous: reject  # the hour that comes twice: reject, earlier, later or in_order",
        "  stamp: begin  # CHECK: whether a time is that of a step's begin or end",
        f"  step_s: {time.step_s:g}  # the most frequent distance of rows",
    ]
    if guesses.point_column is not None:
        lines.append(f"point_column: {_quote(guesses.point_column)}  # {guesses.point_why}")
    if guesses.points:
        lines.append("points:")
        for point in guesses.points:
            lines.append(f"  {point.name}:")
            if point.label is not None:
                lines.append(f"    label: {_quote(point.label)}")
            lines += [f"    {name}: {value:g}  # {why}" for name, (value, why) in point.nominals.items()]
            if point.columns:
                lines.append("    columns:")
                lines += _columns(point.columns, looked, "      ")
    if guesses.columns:
        lines.append("columns:")
        lines += _columns(guesses.columns, looked, "  ")
    lines.append("accept: []  # findings that are known and shall not stop the ingestion")
    used = {guess.column for point in guesses.points for guess in point.columns} | {
        guess.column for guess in guesses.columns
    }
    left = [name for name in looked.names if name not in used and name not in time.columns]
    if left:
        lines.append(f"# Columns that are not taken: {', '.join(left)}")
    return "\n".join(lines) + "\n"


def _columns(found: list[Guess], looked: Looked, indent: str) -> list[str]:
    lines = []
    for guess in found:
        parts = [f"from: {_quote(guess.column)}"]
        if guess.unit:
            # YAML does not let a word begin with a percent sign.
            parts.append(f"unit: {_quote(guess.unit) if guess.unit.startswith('%') else guess.unit}")
        why = guess.why
        if over := looked.overflow.get(guess.column):
            parts.append(f"overflow: {over}")
            why += f"; {over[0]:.10g} is where its register ends"
        if guess.name == "ghi_w_m2" and bool((looked.values[guess.column] < 0.0).any()):
            parts.append("clip: [0, 1500]")
            why += "; some values lie below 0, as a pyranometer's do at night"
        lines.append(f"{indent}{guess.name}: {{{', '.join(parts)}}}  # {why}")
    return lines
