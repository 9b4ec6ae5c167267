"""A chunk of a file becomes blocks of a contract's rows, one a series, with what is wrong with each row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
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
from ingestion.order import Order
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


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of one series in one file before they are converted, each attribute [rows] but for the first two.

    Attributes:
        file: Name of the file.
        data: The file's own fields, of these rows and others.
        at: Where they are in `data`.
        numbers: Their row numbers in the file.
        ms: Their times, Unix ms.
        bad: Which have no time or no known point.
        faults: By rule, which break it.
    """

    file: str
    data: pa.Table
    at: NDArray[np.int64]
    numbers: NDArray[np.int64]
    ms: NDArray[np.int64]
    bad: Mask
    faults: dict[str, Mask]

    def take(self, chosen: Mask) -> _Rows:
        """Some of them."""
        return _Rows(
            self.file,
            self.data,
            self.at[chosen],
            self.numbers[chosen],
            self.ms[chosen],
            self.bad[chosen],
            {name: mask[chosen] for name, mask in self.faults.items()},
        )

    def apart(self) -> _Rows:
        """They alone, so that the others need not be kept."""
        return replace(self, data=self.data.take(self.at), at=np.arange(len(self.at)))


@dataclass(slots=True)
class Converter:
    """Converts the chunks of all files of one mapping, in the order of time.

    A row is converted when those behind it have told whether its time is right: `rest` gives the last ones.

    Attributes:
        mapping: What is said about the files.
    """

    mapping: Mapping
    _order: Order = field(default_factory=Order)
    _held: dict[str, list[_Rows]] = field(default_factory=dict)
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
        """Rows by series, of this chunk and those before; one of no known series comes with the first one."""
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
                yield from self._decided(series, self._rows(chunk, taken, unknown, instants), last=False)

    def rest(self) -> Iterator[Converted]:
        """Rows that nothing follows any more."""
        for series in list(self._held):
            yield from self._decided(series, None, last=True)

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

    def _rows(self, chunk: Chunk, taken: NDArray[np.int64], unknown: Mask, instants: Instants) -> _Rows:
        faults: dict[str, Mask] = {}
        if chunk.cut:
            faults["file_end"] = taken == len(chunk.rows) - 1
        faults |= {name: mask[taken] for name, mask in instants.faults.items()}
        if self.mapping.point_column is not None and self.mapping.pointed:
            faults["known_point"] = unknown
        bad = instants.bad[taken] | unknown
        return _Rows(chunk.file, chunk.data, taken, chunk.rows[taken], instants.ms[taken], bad, faults)

    def _decided(self, series: str, further: _Rows | None, *, last: bool) -> Iterator[Converted]:
        """Convert those of the rows that waited and of further ones on whose time there is a decision."""
        parts = [*self._held.pop(series, []), *([] if further is None else [further])]
        ms, bad = (np.concatenate([getattr(part, name) for part in parts]) for name in ("ms", "bad"))
        ordered, waiting = self._order.follow(self._keys(series, parts), ms, ~bad, last=last)
        begin = 0
        held = []
        for part in parts:
            end = begin + len(part.at)
            waits = waiting[begin:end]
            if not waits.all():
                found = {name: mask[begin:end][~waits] for name, mask in ordered.items()}
                yield self._block(series, part.take(~waits), found)
            if waits.any():
                held.append(part.take(waits).apart())
            begin = end
        if held:
            self._held[series] = held

    def _keys(self, series: str, parts: list[_Rows]) -> NDArray[np.str_] | str:
        """What rows of one time must differ in: the asset, where there are assets."""
        way = self.mapping.columns_of(series).get("asset")
        if way is None:
            return series
        file, column = self.mapping.file, self.mapping.contract.column("asset")
        found: list[str] = []
        for part in parts:
            source = part.data.column(way.column).take(part.at)
            names = convert(source, column, way, file.missing, file.decimal).array
            found += [str(name) for name in names.to_pylist()]
        return np.array(found, dtype=str)

    def _block(self, series: str, rows: _Rows, ordered: dict[str, Mask]) -> Converted:
        source = rows.data.take(rows.at)
        values = self._values(source, series)
        columns = self.mapping.columns_of(series)
        shown = dict.fromkeys((*rows.faults, *ordered), self.mapping.time.columns)
        shown["file_end"] = ()
        if self.mapping.point_column is not None:
            shown["known_point"] = (self.mapping.point_column,)
        faults = {name: (mask, shown[name]) for name, mask in (rows.faults | ordered).items()}
        for name, found in values.items():
            faults[f"{name}.unreadable"] = (found.unreadable, (columns[name].column,))
            faults[f"{name}.overflow"] = (found.overflow, (columns[name].column,))
        inspection = self._inspect(self._table(series, rows.ms, rows.bad, values), faults, source)
        untimed = np.logical_or.reduce([rows.bad, *ordered.values()])
        raw = {name: found.raw for name, found in values.items() if len(found.raw)}
        clipped = {name: int(found.clipped.sum()) for name, found in values.items() if found.clipped.any()}
        return Converted(series, inspection, rows.numbers, source, rows.file, raw, ~untimed, clipped)

    def _values(self, source: pa.Table, series: str) -> dict[str, Values]:
        file, contract = self.mapping.file, self.mapping.contract
        return {
            name: convert(source.column(way.column), contract.column(name), way, file.missing, file.decimal)
            for name, way in self.mapping.columns_of(series).items()
        }

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


def fault_rule(name: str, mask: Mask) -> Rule:
    """A rule of `FAULTS` that these rows of a block break; `p_w.overflow` is one of the kind `overflow`."""
    description, remedy = FAULTS[name.rpartition(".")[2]]
    return Rule(name, description, remedy, (), lambda _: mask)
