"""Written times become instants in UTC; hours that come twice or never are found, not guessed."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ingestion.errors import IngestionError
from ingestion.mapping import Mapping, zone_of

if TYPE_CHECKING:
    import pyarrow as pa

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

SLOT_MS = 900_000
"""Offsets from UTC change on quarter hours only."""

OFFSET = r"(?:[Zz]|[+-]\d\d:?\d\d|[+-]\d\d)\s*$"
HOURS = r"\d:\d\d"
UNIX = {"unix_s": 1000.0, "unix_ms": 1.0}
FORMATS = (
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M"),
    *("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M"),
    *("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M"),
    *("%Y-%m-%d %I:%M:%S %p", "%Y-%m-%d %I:%M:%S %p.%f", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p"),
    *("%Y%m%d%H%M%S", "%Y%m%d %H%M", "%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y"),
)
"""Patterns that a proposal tries, in this order, beside ISO 8601 and Unix time."""


@dataclass(frozen=True, slots=True)
class Instants:
    """Times of some rows.

    Attributes:
        ms: Unix milliseconds, [rows]; 0 where there is no instant.
        faults: For each kind of fault the rows that have it.
    """

    ms: Integers
    faults: dict[str, Mask]

    @property
    def bad(self) -> Mask:
        """Rows without an instant."""
        found = np.zeros(len(self.ms), dtype=bool)
        for mask in self.faults.values():
            found |= mask
        return found


@dataclass(slots=True)
class Clockwork:
    """Turns a file's times into instants; remembers where in a repeated hour each series is.

    Attributes:
        mapping: What is said about the times.
        latest: Last local time of each series, and whether it was the second pass of a repeated hour.
    """

    mapping: Mapping
    latest: dict[str, tuple[int, bool]] = field(default_factory=dict)
    _offsets: dict[int, tuple[int, int]] = field(default_factory=dict)

    def read(self, data: pa.Table, series: NDArray[np.str_] | None = None) -> Instants:
        """Instants of the rows of a chunk.

        Args:
            data: The rows.
            series: To which series each row belongs, [rows]; None where all are of one.

        Raises:
            IngestionError: The site's time zone is needed and not set.
        """
        clock = self.mapping.time
        texts, typed = _written(data, clock.columns)
        if typed is not None:
            local, unreadable, aware = typed
            has_offset = np.full(len(local), aware)
        elif clock.format in UNIX:
            import pandas as pd

            numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64)
            unreadable = ~np.isfinite(numbers)
            ms = np.rint(np.where(unreadable, 0.0, numbers) * UNIX[clock.format]).astype(np.int64)
            return self._stamped(ms, {"time_unreadable": unreadable})
        else:
            local, unreadable, has_offset = parse(texts, clock.format)
        return self.settle(local, unreadable, has_offset, series)

    def settle(
        self, local: Integers, unreadable: Mask, has_offset: Mask, series: NDArray[np.str_] | None = None
    ) -> Instants:
        """Instants of times that were read.

        Args:
            local: Unix ms of the wall clock, or of UTC where a time carries its offset, [rows].
            unreadable: Rows without a time, [rows].
            has_offset: Rows whose time carries its offset, [rows].
            series: To which series each row belongs, [rows]; None where all are of one.

        Raises:
            IngestionError: The site's time zone is needed and not set.
        """
        clock = self.mapping.time
        if clock.zone == "offset":
            return self._stamped(
                local, {"time_unreadable": unreadable, "time_offset": ~unreadable & ~has_offset}
            )
        faults = {"time_unreadable": unreadable, "time_offset": ~unreadable & has_offset}
        zone = self.mapping.zone() if clock.zone == "local" else zone_of("time.zone", clock.zone)
        return self._zoned(local, zone, faults, series)

    def _zoned(
        self,
        local: Integers,
        zone: zoneinfo.ZoneInfo,
        faults: dict[str, Mask],
        series: NDArray[np.str_] | None,
    ) -> Instants:
        first, second = self._both(local, zone)
        twice, never = first > second, first < second
        chosen = first.copy()
        rule = self.mapping.time.ambiguous
        if rule == "reject":
            faults["time_ambiguous"] = twice & ~faults["time_unreadable"]
        elif rule == "later":
            chosen = np.where(twice, second, first)
        elif rule == "in_order":
            chosen = np.where(self._second_pass(local, twice, series), second, first)
        faults["time_nonexistent"] = never & ~faults["time_unreadable"]
        return self._stamped(local - chosen, faults)

    def _stamped(self, ms: Integers, faults: dict[str, Mask]) -> Instants:
        clock = self.mapping.time
        shift = round(clock.step_s * 1000.0) if clock.stamp == "end" else 0
        return Instants(ms - shift, faults)

    def _both(self, local: Integers, zone: zoneinfo.ZoneInfo) -> tuple[Integers, Integers]:
        """Offsets from UTC, ms, of both readings of each local time (PEP 495's folds)."""
        slots, place = np.unique(local // SLOT_MS, return_inverse=True)
        found = np.empty((len(slots), 2), dtype=np.int64)
        for k, slot in enumerate(slots.tolist()):
            if slot not in self._offsets:
                naive = dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=slot * SLOT_MS)  # noqa: DTZ001
                self._offsets[slot] = (
                    _offset_ms(naive.replace(tzinfo=zone, fold=0)),
                    _offset_ms(naive.replace(tzinfo=zone, fold=1)),
                )
            found[k] = self._offsets[slot]
        return found[place, 0], found[place, 1]

    def _second_pass(self, local: Integers, twice: Mask, series: NDArray[np.str_] | None) -> Mask:
        """Rows of a repeated hour after the clock went back, by the order of each series' rows."""
        second = np.zeros(len(local), dtype=bool)
        names = np.array([""]) if series is None else np.unique(series)
        for name in names.tolist():
            rows = np.arange(len(local)) if series is None else np.flatnonzero(series == name)
            before, passed = self.latest.get(name, (0, False))
            # Only rows of a repeated hour and their predecessors matter.
            near = rows[twice[rows]]
            for row in near.tolist():
                place = int(np.searchsorted(rows, row))
                previous = int(local[rows[place - 1]]) if place else before
                inside = (
                    bool(twice[rows[place - 1]]) if place else passed or before // SLOT_MS in self._twice()
                )
                passed = inside and (passed or local[row] <= previous)
                second[row] = passed
            if len(rows):
                self.latest[name] = (int(local[rows[-1]]), bool(second[rows[-1]]))
        return second

    def _twice(self) -> set[int]:
        return {slot for slot, (first, second) in self._offsets.items() if first > second}

    def local_parts(self, ms: Integers) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
        """Local hour of the day, from 0, and day of the week, 0 Monday, of instants at the site."""
        zone = self.mapping.zone()
        slots, place = np.unique(ms // SLOT_MS, return_inverse=True)
        offsets = np.array(
            [_offset_ms(dt.datetime.fromtimestamp(slot * SLOT_MS / 1000.0, zone)) for slot in slots.tolist()],
            dtype=np.int64,
        )
        local = ms + offsets[place] if len(slots) else ms
        hour = (local % 86_400_000) / 3_600_000.0
        # Day 0 of Unix time was a Thursday.
        return hour, ((local // 86_400_000 + 3) % 7).astype(np.int8)


def _offset_ms(when: dt.datetime) -> int:
    offset = when.utcoffset()
    assert offset is not None
    return round(offset.total_seconds() * 1000.0)


def _written(data: pa.Table, columns: tuple[str, ...]) -> tuple[Any, tuple[Integers, Mask, bool] | None]:
    """The times as a pandas series, or as typed local ms, nulls and whether they are UTC."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = [data.column(name) for name in columns]
    if len(found) == 1 and pa.types.is_timestamp(found[0].type):
        kind: Any = found[0].type
        values: Any = found[0].cast(pa.timestamp("ms", tz=kind.tz), safe=False).cast(pa.int64())
        empty: Mask = np.asarray(values.is_null())
        return None, (np.asarray(values.fill_null(0)).astype(np.int64), empty, kind.tz is not None)
    if (
        len(found) == 1
        and not pa.types.is_string(found[0].type)
        and not pa.types.is_large_string(found[0].type)
    ):
        if pa.types.is_date(found[0].type):
            return found[0].cast(pa.string()).to_pandas(), None
        return found[0].cast(pa.float64()).to_pandas(), None
    texts: Any = [pc.utf8_trim_whitespace(column.cast(pa.string())) for column in found]
    joined = texts[0] if len(texts) == 1 else pc.binary_join_element_wise(*texts, " ")
    return joined.to_pandas(), None


def parse(texts: Any, pattern: str) -> tuple[Integers, Mask, Mask]:
    """Read written times.

    Args:
        texts: Pandas series of text.
        pattern: `iso` or a pattern of strptime.

    Returns:
        Unix ms of the wall clock, or of UTC where a time carries its offset; which are unreadable; which
        carry an offset; each [rows].

    Raises:
        IngestionError: The pattern is not one.
    """
    import pandas as pd

    to_datetime: Any = pd.to_datetime
    texts = texts.fillna("").astype(str)
    offset = (texts.str.contains(OFFSET, regex=True) & texts.str.contains(HOURS, regex=True)).to_numpy(bool)
    ms = np.zeros(len(texts), dtype=np.int64)
    unreadable = np.ones(len(texts), dtype=bool)
    for aware in (False, True):
        rows = np.flatnonzero(offset == aware)
        if not len(rows):
            continue
        try:
            read = to_datetime(
                texts.iloc[rows],
                format="ISO8601" if pattern == "iso" else pattern,
                errors="coerce",
                utc=aware or None,
            )
        except ValueError as error:
            raise IngestionError(
                f"mapping: time.format {pattern!r}: {error}", "see Python's strptime"
            ) from error
        bad = read.isna().to_numpy(bool)
        naive = read.dt.tz_localize(None) if read.dt.tz is not None else read
        values = naive.to_numpy(dtype="datetime64[ms]").astype(np.int64)
        ms[rows] = np.where(bad, 0, values)
        unreadable[rows] = bad
    return ms, unreadable, offset
