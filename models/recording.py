"""A measured recording of frequency in a CSV file, put on a grid of whole seconds."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.errors import DataError

NOMINALS_HZ = (50.0, 60.0)
FURTHEST = 0.1
"""Share of nominal beyond which a value is a dropout of the instrument, not a frequency."""
MISPLACED_SHARE = 0.01
LONGEST_S = 400 * 86_400
WHOLE_S = 1e-3
EPOCH_MS = 1e11
TIME_NAMES = ("time", "timestamp", "datetime", "date_time", "date", "t")
FREQUENCY_NAMES = ("frequency", "frequency_hz", "freq", "f_hz", "f", "hz")
FORMATS = ("%d.%m.%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S")
LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording.

    Attributes:
        name: Name of the file without its suffix.
        f_hz: Frequency of every second from the first to the last, NaN where there is none, [n].
        start_s: First second; of the epoch where the file says so, else as if its local time were UTC.
        nominal_hz: 50 or 60.
        rows: Rows of the file.
        dropouts: Rows whose value is no frequency.
        misplaced: Rows whose time comes after that of the next row; they are left out.
        missing: Seconds without a row.
    """

    name: str
    f_hz: NDArray[np.float64]
    start_s: int
    nominal_hz: float
    rows: int
    dropouts: int
    misplaced: int
    missing: int


def read(path: Path, time: str = "", frequency: str = "") -> Recording:
    """Read a recording with a row a second.

    A header is recognised, and its absence. Times are ISO 8601, day.month.year, or seconds or milliseconds of
    the epoch. Zeros, empty cells and other values that are no frequency are dropouts; seconds without a row
    are gaps; both are left out, not filled in.

    Args:
        path: The CSV file.
        time: Name of the column of times; found by its name or content otherwise.
        frequency: Name of the column of frequencies; likewise.

    Raises:
        DataError: The file has no such columns, a cell is neither, or its rows are not a second apart.
    """
    header, rows, first = _rows(path)
    at_time, at_frequency = _places(path, header, rows, time, frequency)
    t = np.empty(len(rows))
    f = np.empty(len(rows))
    for place, row in enumerate(rows):
        number = place + first
        if len(row) <= max(at_time, at_frequency):
            raise _error(path, number, f"{len(row)} cells", "every row needs a time and a frequency")
        t[place] = _seconds(path, number, row[at_time])
        f[place] = _hertz(path, number, row[at_frequency])
    return _on_grid(path, t, f, first)


def _rows(path: Path) -> tuple[list[str], list[list[str]], int]:
    """Header, or nothing where there is none, the rows with content, and the first one's number."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            sample = handle.read(4096)
            handle.seek(0)
            separator = max(",;\t", key=sample.count)
            rows = [row for row in csv.reader(handle, delimiter=separator) if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as CSV: {error}", "give a CSV file in UTF-8") from error
    if not rows:
        raise DataError(f"{path} has no rows", "give a recording with a row a second")
    named = not any(_parse_time(cell) is not None for cell in rows[0])
    return (rows[0], rows[1:], 2) if named else ([], rows, 1)


def _places(
    path: Path, header: Sequence[str], rows: Sequence[Sequence[str]], time: str, frequency: str
) -> tuple[int, int]:
    """Places of the two columns."""
    found: list[int] = []
    for wanted, usual, looks in (
        (time, TIME_NAMES, _looks_like_time),
        (frequency, FREQUENCY_NAMES, _looks_like_frequency),
    ):
        names = [name.strip().lower() for name in header]
        known = [names.index(name) for name in ((wanted.lower(),) if wanted else usual) if name in names]
        if not known and not wanted:
            width = len(rows[0]) if rows else 0
            known = [
                at for at in range(width) if looks([row[at] for row in rows[:LOOKED_AT] if at < len(row)])
            ]
        if not known:
            what = f"column {wanted!r}" if wanted else f"column of {'times' if not found else 'frequencies'}"
            raise DataError(
                f"{path}: no {what}; it has {', '.join(header) or 'no header'}",
                "name the columns with --time and --frequency",
            )
        found.append(known[0])
    return found[0], found[1]


def _looks_like_time(cells: Sequence[str]) -> bool:
    return bool(cells) and all(_parse_time(cell) is not None for cell in cells)


def _looks_like_frequency(cells: Sequence[str]) -> bool:
    values = [_number(cell) for cell in cells]
    near = [min(abs(value / nominal - 1.0) for nominal in NOMINALS_HZ) < FURTHEST for value in values]
    return sum(near) > len(cells) / 2


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _parse_time(cell: str) -> float | None:
    """Seconds; a time of day whose seconds are 60 is the next minute. None where the cell is no time."""
    text, more = cell.strip(), 0
    value = _number(text)
    if math.isfinite(value):
        # A number that is no time since 1973 is a measurement.
        return value / 1000.0 if value > EPOCH_MS else value if value > EPOCH_MS / 1000.0 else None
    if text.endswith(":60"):
        text, more = f"{text[:-2]}59", 1
    for read_as in (datetime.fromisoformat, *(_reader(form) for form in FORMATS)):
        try:
            moment = read_as(text)
        except ValueError:
            continue
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() + more
    return None


def _reader(form: str) -> Callable[[str], datetime]:
    return lambda text: datetime.strptime(text, form).replace(tzinfo=UTC)


def _seconds(path: Path, number: int, cell: str) -> float:
    value = _parse_time(cell)
    if value is None:
        raise _error(
            path, number, f"time is {cell!r}", "ISO 8601, day.month.year h:m:s, or the epoch's seconds"
        )
    if abs(value - round(value)) > WHOLE_S:
        raise _error(path, number, f"time is {cell!r}", "whole seconds")
    return round(value)


def _hertz(path: Path, number: int, cell: str) -> float:
    text = cell.strip()
    if text.lower() in {"", "nan", "null", "none", "na"}:
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise _error(path, number, f"frequency is {cell!r}", "a number in Hz, or nothing") from None


def _on_grid(path: Path, t: NDArray[np.float64], f: NDArray[np.float64], first: int) -> Recording:
    """Dropouts and misplaced rows taken out, the rest by second."""
    typical = float(np.median(f[f > 1.0])) if np.any(f > 1.0) else math.nan
    nominal = next((one for one in NOMINALS_HZ if abs(typical / one - 1.0) < FURTHEST), None)
    if nominal is None:
        raise DataError(
            f"{path}: frequencies are about {typical:g} Hz, neither 50 nor 60", "check the column"
        )
    absurd = ~(np.abs(f / nominal - 1.0) < FURTHEST)
    # A clock that is late in turning its minute gives single rows a time ahead of the next one's.
    misplaced = np.append(np.diff(t) <= 0, False)
    if misplaced.sum() > max(MISPLACED_SHARE * t.size, 1.0):
        row = int(np.argmax(misplaced)) + first
        raise _error(path, row, "time is not before the next row's", "rows in the order of their time")
    kept = np.flatnonzero(~misplaced)
    steps = np.diff(t[kept])
    if np.any(steps <= 0):
        row = int(kept[int(np.argmax(steps <= 0)) + 1]) + first
        raise _error(path, row, "time is not after the rows' before it", "rows in the order of their time")
    if steps.size and np.median(steps) != 1.0:
        raise DataError(f"{path}: a row every {np.median(steps):g} s", "a row a second is needed")
    span = int(t[kept[-1]] - t[kept[0]]) + 1
    if span > LONGEST_S:
        raise DataError(f"{path}: spans {span / 86_400:.0f} days", "look for a wrong date among its times")
    grid = np.full(span, np.nan)
    grid[(t[kept] - t[kept[0]]).astype(np.int64)] = np.where(absurd, np.nan, f)[kept]
    return Recording(
        name=path.stem,
        f_hz=grid,
        start_s=int(t[kept[0]]),
        nominal_hz=nominal,
        rows=int(t.size),
        dropouts=int(absurd.sum()),
        misplaced=int(misplaced.sum()),
        missing=span - kept.size,
    )


def _error(path: Path, row: int, found: str, wanted: str) -> DataError:
    return DataError(f"{path}: row {row}: {found}", f"wanted: {wanted}")
