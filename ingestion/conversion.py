"""A chunk of a file becomes blocks of a contract's rows, one a series, with what is wrong with each row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.arrow import arrow_type
from data_contracts.block import Block
from data_contracts.contract import Mask, Rule
from data_contracts.facts import SubstationFacts
from data_contracts.inspection import Inspection, examine
from data_contracts.observed import INGESTED
from data_contracts.ranges import GOOD, INVALID
from data_contracts.rules.columns import all_rules
from ingestion.clock import Clockwork, Instants
from ingestion.files import Chunk
from ingestion.mapping import Mapping
from ingestion.values import Values, convert
from switchyard.identity import ScenarioId

if TYPE_CHECKING:
    import pyarrow as pa

FAULTS = {
    "row_shape": (
        "a line has as many fields as there are columns",
        "look at the line in the file: a delimiter within a text, or a line that was cut",
    ),
    "file_end": (
        "a file ends with a line end; without one nobody knows whether its last row is whole",
        "end the file with a line end if the row is whole, or export the file again",
    ),
    "time_unreadable": (
        "a time can be read by time.format",
        "correct time.format in the mapping, or the time",
    ),
    "time_offset": (
        "with time.zone offset each time carries its offset from UTC, else none does",
        "set time.zone to offset, or to the zone in which the times are written",
    ),
    "time_ambiguous": (
        "a local time comes once: when clocks are set back, an hour comes twice",
        "set time.ambiguous to in_order, earlier or later, or export the file in UTC",
    ),
    "time_nonexistent": (
        "a local time exists: when clocks are set forward, an hour is left out",
        "the zone is wrong, or the meter keeps no daylight saving: set time.zone to UTC or to Etc/GMT-1",
    ),
    "known_point": ("a row's point is one of the mapping's labels", "add the point to the mapping"),
    "unreadable": (
        "a value is a number, or one of file.missing",
        "correct it, set file.decimal if numbers have a comma, or add its text to file.missing",
    ),
    "overflow": (
        "a value is not one of the column's overflow values: a register that ran over",
        "nothing, if the meter ran over; else take the value out of overflow in the mapping",
    ),
    "unique_key": (
        "a series has one row at a time; the first is kept",
        "find out why rows were written twice",
    ),
    "time_ahead": (
        "no single row lies ahead of both rows that follow it",
        "correct the row's time: its neighbours are in order without it",
    ),
    "time_increasing": (
        "a series' times rise from row to row",
        "sort the file by time; look for a clock that was set back",
    ),
}
"""What rows are rejected for beside the contract's own rules: what must hold, and what to do."""

LONGEST_SHOWN = 80
ORDER = ("time_ahead", "unique_key", "time_increasing")


@dataclass(frozen=True, slots=True)
class Converted:
    """Rows of one series.

    Attributes:
        series: Point, or site.
        inspection: The rows as the contract has them, and which of them break which rule.
        rows: Their row numbers in the file, [rows].
        source: The file's own fields, for the quarantine.
        file: Name of the file.
        raw: Numbers as the file has them, by the contract's columns, for what only many rows tell.
        timed: Rows whose time is known and rises, [rows].
        clipped: How many values of each column were set to a bound.
    """

    series: str
    inspection: Inspection
    rows: NDArray[np.int64]
    source: pa.Table
    file: str
    raw: dict[str, NDArray[np.float64]]
    timed: Mask
    clipped: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Converter:
    """Converts the chunks of all files of one mapping, in the order of time.

    Attributes:
        mapping: What is said about the files.
        latest: Time of the last row of each series, Unix ms.
    """

    mapping: Mapping
    latest: dict[str, int] = field(default_factory=dict)
    _clock: Clockwork | None = None
    _facts: SubstationFacts | None = None

    @property
    def clock(self) -> Clockwork:
        """The clock of these files."""
        if self._clock is None:
            self._clock = Clockwork(self.mapping)
        return self._clock

    @property
    def facts(self) -> SubstationFacts:
        """What the contract's rules must know."""
        if self._facts is None:
            self._facts = self.mapping.facts()
        return self._facts

    def wanted(self) -> set[str]:
        """Columns of the file that the mapping names."""
        names = set(self.mapping.time.columns)
        for series in self.mapping.series:
            names |= {source.column for source in self.mapping.columns_of(series).values()}
        if self.mapping.point_column is not None:
            names.add(self.mapping.point_column)
        return names

    def blocks(self, chunk: Chunk) -> Iterator[Converted]:
        """Rows of a chunk by series; a row of no known series comes with the first one."""
        labels, members = self._members(chunk)
        instants = self.clock.read(chunk.data, labels)
        for place, (series, rows) in enumerate(members):
            taken = rows
            unknown = np.zeros(len(rows), dtype=bool)
            if place == 0 and labels is not None:
                lost = np.flatnonzero(~np.isin(labels, list(self._labels())))
                unknown = np.concatenate([unknown, np.ones(len(lost), dtype=bool)])
                taken = np.concatenate([rows, lost])
            if len(taken):
                yield self._block(chunk, series, taken, unknown=unknown, instants=instants)

    def _labels(self) -> dict[str, str]:
        return {point.label or name: name for name, point in self.mapping.points.items()}

    def _members(self, chunk: Chunk) -> tuple[NDArray[np.str_] | None, list[tuple[str, NDArray[np.int64]]]]:
        every = np.arange(len(chunk.rows))
        if self.mapping.point_column is None or not self.mapping.pointed:
            return None, [(series, every) for series in self.mapping.series]
        import pyarrow as pa

        column: Any = chunk.data.column(self.mapping.point_column).cast(pa.string())
        labels = np.array([(text or "").strip() for text in column.to_pylist()], dtype=str)
        return labels, [(name, every[labels == label]) for label, name in self._labels().items()]

    def _block(
        self,
        chunk: Chunk,
        series: str,
        rows: NDArray[np.int64],
        *,
        unknown: Mask,
        instants: Instants,
    ) -> Converted:

        source = chunk.data.take(rows)
        ms = instants.ms[rows]
        values = self._values(source, series)
        faults: dict[str, tuple[Mask, tuple[str, ...]]] = {}
        if chunk.cut:
            faults["file_end"] = (rows == len(chunk.rows) - 1, ())
        for name, mask in instants.faults.items():
            faults[name] = (mask[rows], self.mapping.time.columns)
        if self.mapping.point_column is not None and self.mapping.pointed:
            faults["known_point"] = (unknown, (self.mapping.point_column,))
        bad = instants.bad[rows] | unknown
        keys = values["asset"].array.to_pylist() if "asset" in values else [series] * len(rows)
        ordered = self._order(keys, ms, ~bad)
        faults |= {name: (mask, self.mapping.time.columns) for name, mask in ordered.items()}
        untimed = np.logical_or.reduce([bad, *ordered.values()])
        columns = self.mapping.columns_of(series)
        for name, found in values.items():
            faults[f"{name}.unreadable"] = (found.unreadable, (columns[name].column,))
            faults[f"{name}.overflow"] = (found.overflow, (columns[name].column,))
        data = self._table(series, ms, bad, values)
        inspection = self._inspect(data, faults, source)
        raw = {name: found.raw for name, found in values.items() if len(found.raw)}
        clipped = {name: int(found.clipped.sum()) for name, found in values.items() if found.clipped.any()}
        return Converted(series, inspection, chunk.rows[rows], source, chunk.file, raw, ~untimed, clipped)

    def _values(self, source: pa.Table, series: str) -> dict[str, Values]:
        file, contract = self.mapping.file, self.mapping.contract
        return {
            name: convert(source.column(way.column), contract.column(name), way, file.missing, file.decimal)
            for name, way in self.mapping.columns_of(series).items()
        }

    def _order(self, keys: list[Any], ms: NDArray[np.int64], usable: Mask) -> dict[str, Mask]:
        """By rule of `ORDER` the rows whose times are out of order among those of their key."""
        found = {name: np.zeros(len(ms), dtype=bool) for name in ORDER}
        ahead, same, before = (found[name] for name in ORDER)
        names = np.array([str(key) for key in keys]) if len(set(keys)) > 1 else None
        for name in sorted({str(key) for key in keys}):
            rows = np.flatnonzero(usable if names is None else usable & (names == name))
            if not len(rows):
                continue
            t = ms[rows]
            start = self.latest.get(name, int(np.iinfo(np.int64).min))
            lone = lone_ahead(t, start)
            ahead[rows[lone]] = True
            rows, t = rows[~lone], t[~lone]
            past = np.maximum.accumulate(np.concatenate(([start], t)))
            same[rows] = t == past[:-1]
            before[rows] = t < past[:-1]
            self.latest[name] = int(past[-1])
        return found

    def _table(self, series: str, ms: NDArray[np.int64], bad: Mask, values: dict[str, Values]) -> pa.Table:
        import pyarrow as pa

        rows, contract = len(ms), self.mapping.contract
        columns: dict[str, Any] = {name: found.array for name, found in values.items()}
        time = pa.array(ms, pa.int64(), mask=bad).cast(pa.timestamp("ms", tz="UTC"))
        columns["t"] = time
        if "scenario_id" in contract.names:
            columns["scenario_id"] = pa.array([scenario(self.mapping.substation, 0)] * rows, pa.string())
        if "substation" in contract.names:
            columns["substation"] = pa.array([self.mapping.substation] * rows, pa.string())
        if self.mapping.pointed:
            columns["point"] = pa.array([series] * rows, pa.string())
        if "hour_local" in contract.names:
            hour, day = self.clock.local_parts(ms)
            columns["hour_local"] = pa.array(hour, pa.float64(), mask=bad)
            columns["day_of_week"] = pa.array(day, pa.int8(), mask=bad)
        if "quality" in contract.names and "quality" not in columns:
            lost = np.zeros(rows, dtype=bool)
            for found in values.values():
                lost |= np.asarray(found.array.is_null())
            columns["quality"] = pa.array(np.where(lost, INVALID, GOOD).astype(np.int8))
        for column in contract.columns:
            if column.name not in columns:
                columns[column.name] = pa.array([None] * rows, arrow_type(column))
        return pa.table({name: columns[name] for name in contract.names})

    def _inspect(
        self, data: pa.Table, faults: dict[str, tuple[Mask, tuple[str, ...]]], source: pa.Table
    ) -> Inspection:
        import pyarrow as pa

        contract = self.mapping.contract
        block = Block(contract, data, self.facts)
        own = tuple(fault_rule(name, mask) for name, (mask, _) in faults.items())
        inspection = examine(block, data, (*own, *all_rules(contract)))
        broken = inspection.broken
        if not (broken >= 0).any():
            return inspection
        # What could not be converted is shown as the file has it.
        columns = [shown for _, shown in faults.values()]
        details = inspection.details.to_pylist()
        for place, row in enumerate(np.flatnonzero(broken >= 0).tolist()):
            if broken[row] < len(own):
                names = columns[broken[row]] or self.mapping.time.columns
                details[place] = ", ".join(
                    f"{name} = {_shown(source.column(name)[row].as_py())}" for name in names
                )
        return Inspection(data, broken, inspection.rules, pa.array(details, pa.string()))


def _shown(value: Any) -> str:
    """A field of a file, cut where it is long."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def scenario(substation: str, run: int) -> str:
    """Scenario identifier of a run without a gap."""
    return str(ScenarioId(substation, INGESTED, 0, "observed", run))


def lone_ahead(t: NDArray[np.int64], start: int) -> Mask:
    """Rows that alone are out of order: their neighbours rise without them, and fall behind with them.

    A clock that ran ahead for one row would otherwise cost every row up to that time.

    Args:
        t: Times of a series' rows, [rows].
        start: The latest time before them.
    """
    found = np.zeros(len(t), dtype=bool)
    past = np.maximum.accumulate(np.concatenate(([start], t)))
    for place in np.flatnonzero(t[:-2] > t[1:-1]).tolist():
        before = past[place]
        if before < t[place + 1] < t[place + 2] <= t[place]:
            found[place] = True
            past[place + 1 :] = np.maximum.accumulate(np.concatenate(([before], t[place + 1 :])))
    return found


def fault_rule(name: str, mask: Mask) -> Rule:
    """A rule of `FAULTS` that these rows of a block break; `p_w.overflow` is one of the kind `overflow`."""
    description, remedy = FAULTS[name.rpartition(".")[2]]
    return Rule(name, description, remedy, (), lambda _: mask)
