"""The mapping: what stands in somebody's files and how it becomes a contract's columns.

It is a YAML file that `switchyard ingest --propose` writes and a person reads and edits. Nothing about a file
is assumed that is not written there.
"""

from __future__ import annotations

import difflib
import re
import zoneinfo
from pathlib import Path
from typing import Literal, get_args, get_origin

import msgspec
import yaml

from data_contracts.contract import Column, Table
from data_contracts.facts import PointFacts, SubstationFacts
from data_contracts.observed import OBSERVED
from ingestion.errors import IngestionError
from ingestion.units import conversion
from switchyard.digests import sha256_bytes

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "-", "--")
DERIVED = frozenset({"scenario_id", "substation", "point", "t", "hour_local", "day_of_week"})
"""Columns that ingestion fills by itself."""

ACCEPTABLE = (
    *("wrong_unit", "voltage_level", "reversed_polarity", "swapped_phases", "clock_set_back", "header_unit"),
    *("clock_set_forward", "overflow_suspected", "irregular_steps"),
)
"""Findings that stop an ingestion unless the mapping's `accept` names them."""


class From(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"column": "from"}):
    """Where one column of the contract comes from.

    Attributes:
        column: Column or channel of the file; `#5` is the fifth one. Written `from` in the file.
        unit: Its unit; "" for that of the contract.
        sign: −1 turns what the file counts the other way round.
        ratio: Ratio of the instrument transformer, primary over secondary; 1 for primary values.
        offset: Added at the end, in the contract's unit: 50 for deviations from 50 Hz.
        overflow: Values of the file that mean that a register ran over; rows with one are rejected.
        clip: Least and largest value in the contract's unit; what lies beyond is set to it and counted in the
            report: a pyranometer shows a little less than 0 at night.
        values: Words of the file and what they are called in the contract.
    """

    column: str
    unit: str = ""
    sign: Literal[1, -1] = 1
    ratio: float = 1.0
    offset: float = 0.0
    overflow: tuple[float, ...] = ()
    clip: tuple[float, float] | None = None
    values: dict[str, str] = {}


class Point(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A measurement point: its nominals, 0 for what is not known, and its own columns.

    Attributes:
        label: Its name in the file's `point_column`; None for the same name.
        nominal_kv: Nominal line-to-line voltage, kV.
        rated_mva: Rated three-phase power, MVA.
        rated_a: Rated current, A.
        columns: Columns of this point alone, beside the mapping's common ones.
    """

    label: str | None = None
    nominal_kv: float = 0.0
    rated_mva: float = 0.0
    rated_a: float = 0.0
    columns: dict[str, From] = {}


class File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the files are written.

    Attributes:
        format: `csv`, `parquet` or `comtrade`.
        encoding: Encoding of text.
        delimiter: What stands between fields.
        decimal: Decimal sign.
        header: Whether the first line holds names: `present`, `absent` or, file by file, `auto`.
        names: Names of all fields in their order; needed where a header may be absent.
        missing: Texts that stand for a missing value.
    """

    format: Literal["csv", "parquet", "comtrade"] = "csv"
    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: Literal[".", ","] = "."
    header: Literal["present", "absent", "auto"] = "present"
    names: tuple[str, ...] = ()
    missing: tuple[str, ...] = MISSING


class Clock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How times are written.

    Attributes:
        columns: Column of the time, or of date and time of day, joined by a blank.
        format: `iso`, `unix_s`, `unix_ms` or a pattern of strptime.
        zone: `offset` where each time carries its own offset from UTC; `local` for the mapping's `time_zone`;
            else an IANA name, as `UTC` or `Etc/GMT-1`.
        ambiguous: What to do with the hour that comes twice when clocks are set back: `reject` it, take the
            `earlier` or the `later` one, or tell them apart by the order of the rows, `in_order`.
        stamp: Whether a time is that of the step's `begin` or `end`.
        step_s: Time between rows, s; 0 where there is no steady step.
    """

    columns: tuple[str, ...] = ()
    format: str = "iso"
    zone: str = "local"
    ambiguous: Literal["reject", "earlier", "later", "in_order"] = "reject"
    stamp: Literal["begin", "end"] = "begin"
    step_s: float = 0.0


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that is said about some files.

    Attributes:
        table: Table of the contract that they become.
        substation: Name of the site.
        time_zone: IANA name of the zone whose calendar holds at the site.
        frequency_hz: Nominal frequency, Hz.
        file: How the files are written.
        time: How times are written.
        point_column: Column that names the point; None where each point has columns of its own.
        points: Measurement points by name.
        columns: Columns of the contract that all points share.
        reject_share: Largest share of rows that may be rejected.
        accept: Findings that are known and shall not stop the ingestion.
    """

    table: Literal["load", "readings", "frequency", "waveforms", "assets", "stability"]
    substation: str
    time_zone: str | None = None
    frequency_hz: float = 50.0
    file: File = File()
    time: Clock = Clock()
    point_column: str | None = None
    points: dict[str, Point] = {}
    columns: dict[str, From] = {}
    reject_share: float = 0.05
    accept: tuple[str, ...] = ()

    @property
    def contract(self) -> Table:
        """The table's contract."""
        return OBSERVED[self.table]

    @property
    def pointed(self) -> bool:
        """Whether the table has measurement points."""
        return "point" in self.contract.names

    @property
    def series(self) -> tuple[str, ...]:
        """Names of what has rows of its own in time: the points, or the site."""
        return tuple(self.points) if self.pointed else (self.substation,)

    def columns_of(self, series: str) -> dict[str, From]:
        """Columns of one point, or of the site."""
        own = self.points[series].columns if self.pointed else {}
        return {**self.columns, **own}

    def zone(self) -> zoneinfo.ZoneInfo:
        """The site's time zone.

        Raises:
            IngestionError: It is not set.
        """
        if not self.time_zone:
            raise IngestionError(
                "mapping: time_zone is not set: the files do not say in which zone the site lies",
                "write its IANA name, as Europe/Berlin, Australia/Melbourne or UTC",
            )
        return zone_of("time_zone", self.time_zone)

    def facts(self) -> SubstationFacts:
        """What the contracts' rules must know; a rating that is not known is NaN."""
        return SubstationFacts(
            substation=self.substation,
            frequency_hz=self.frequency_hz,
            utc_offset_s=0,
            points={
                name: PointFacts(
                    nominal_kv=point.nominal_kv or float("nan"),
                    rated_a=point.rated_a or float("nan"),
                    rated_mva=point.rated_mva or float("nan"),
                )
                for name, point in self.points.items()
            },
        )


PLACES: dict[str, type[msgspec.Struct]] = {
    ".file": File,
    ".time": Clock,
    ".columns[...]": From,
    ".points[...]": Point,
}
"""What stands at the end of a path within a mapping."""


def zone_of(field: str, name: str) -> zoneinfo.ZoneInfo:
    """A zone by its IANA name.

    Raises:
        IngestionError: There is none of this name.
    """
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise IngestionError(
            f"mapping: {field} is {name!r}, which is no time zone", "use an IANA name, as Europe/Berlin"
        ) from error


def read_mapping(path: Path) -> str:
    """The text of a mapping.

    Raises:
        IngestionError: It is not there, or not text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise IngestionError(
            f"mapping {path}: {error}", "write one with switchyard ingest … --propose"
        ) from error


def parse_mapping(text: str, name: str = "mapping") -> Mapping:
    """Check a mapping's text.

    Raises:
        IngestionError: It is not YAML, or a field is unknown, missing or wrong.
    """
    try:
        said = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise IngestionError(f"{name} is not YAML: {error}", "check its indentation and quotes") from error
    if not isinstance(said, dict):
        what = "is empty" if said is None else "does not hold fields with their values"
        raise IngestionError(f"{name} {what}", "write one with switchyard ingest … --propose")
    try:
        mapping = msgspec.convert(said, Mapping)
    except msgspec.ValidationError as error:
        raise IngestionError(f"{name}: {error}", _advice(str(error))) from error
    _check(mapping)
    return mapping


def _advice(message: str) -> str:
    """What to do about a field that is unknown or wrong: the fields, or the words, that may stand there."""
    at = re.search(r" - at `\$([^`]*)`", message)
    path = at[1] if at else ""
    wrong = re.search(r"unknown field `([^`]*)`", message)
    place, _, last = (path, "", "") if wrong else path.rpartition(".")
    kind: type[msgspec.Struct] = next((kind for end, kind in PLACES.items() if place.endswith(end)), Mapping)
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    there = f"fields {'of ' + place.strip('.') if place else 'of a mapping'} are {', '.join(fields)}"
    if wrong:
        near = difflib.get_close_matches(wrong[1], fields, n=1)
        return f"did you mean {near[0]}? {there}" if near else there
    words = (
        [str(word) for word in get_args(fields.get(last))] if get_origin(fields.get(last)) is Literal else []
    )
    if words:
        return f"use one of {', '.join(words)}"
    return "see docs/ingestion.md for the fields of a mapping"


def mapping_digest(text: str) -> str:
    """SHA-256 of a mapping's text."""
    return sha256_bytes(text.encode())


def _check(mapping: Mapping) -> None:
    for name in (mapping.substation, *mapping.points):
        if not NAME.fullmatch(name):
            raise IngestionError(
                f"mapping: {name!r} is not a name", "use lower-case letters, digits, underscores and hyphens"
            )
    if mapping.pointed and not mapping.points:
        raise IngestionError(f"mapping: {mapping.table} has no points", "name at least one point")
    if unknown := sorted(set(mapping.accept) - set(ACCEPTABLE)):
        raise IngestionError(
            f"mapping: accept names {', '.join(unknown)}", f"choose from {', '.join(ACCEPTABLE)}"
        )
    sign = mapping.file.delimiter
    if len(sign) != 1 or not sign.isascii() or sign in '\r\n\x00"':
        raise IngestionError(
            f"mapping: file.delimiter is {sign!r}",
            'it is one sign, as ",", ";" or "\\t" for a tab',
        )
    if mapping.file.format != "comtrade" and not mapping.time.columns:
        raise IngestionError("mapping: time.columns is empty", "name the column of the time")
    if (mapping.table == "waveforms") != (mapping.file.format == "comtrade"):
        raise IngestionError(
            f"mapping: {mapping.table} cannot come from {mapping.file.format} files",
            "waveforms are read from COMTRADE records, all other tables from CSV or Parquet",
        )
    if mapping.time.zone not in ("offset", "local"):
        zone_of("time.zone", mapping.time.zone)
    if not 0.0 <= mapping.reject_share <= 1.0:
        raise IngestionError(f"mapping: reject_share is {mapping.reject_share}", "it lies from 0 to 1")
    contract = mapping.contract
    for series in mapping.series:
        _check_columns(contract, series, mapping.columns_of(series))


def _check_columns(contract: Table, series: str, columns: dict[str, From]) -> None:
    given = set(contract.names) - DERIVED
    for name, source in columns.items():
        if name not in given:
            raise IngestionError(
                f"mapping: {series}: {contract.name} takes no column {name}",
                f"choose from {', '.join(sorted(given))}",
            )
        conversion(f"{series}.{name}", source.unit, unit_of(contract.column(name)))
        if source.ratio <= 0.0:
            raise IngestionError(
                f"mapping: {series}.{name}: ratio is {source.ratio:g}",
                "a ratio is positive; turn round by sign: -1",
            )
    needed = [
        c.name for c in contract.columns if not c.nullable and c.name not in (*DERIVED, "quality", "rate_hz")
    ]
    for name in needed:
        if name not in columns:
            raise IngestionError(
                f"mapping: {series} has no column {name}",
                f"{contract.name} cannot be without; say where it is from",
            )
    if not columns:
        raise IngestionError(f"mapping: {series} has no columns", "name at least one")


def unit_of(column: Column) -> str:
    """The unit that a column's file values are turned into."""
    return "" if column.dtype in ("string", "bool", "int8", "int32") else column.unit
