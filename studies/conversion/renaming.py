"""Names of the file that was given and of the file that was written for the other engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from simulation.noise import Floats
from studies.conversion.converted import Converted
from studies.errors import StudyError
from studies.profile import ALL, Profile
from studies.result import Fact, Study, Table

_OF_ELEMENTS = frozenset({"element", "terminal"})


def in_own_names(study: Study, converted: Converted) -> Study:
    """The same results under the names of the file given; rows of buses that it does not have are left out.

    A bus that stands for several, joined by closed switches, has a row for each in tables with a row a bus.
    """
    facts: dict[str, Fact] = {
        name: _own(value, converted) if isinstance(value, str) else value
        for name, value in study.facts.items()
    }
    tables = tuple(_renamed(table, converted) for table in study.tables)
    if "buses" in facts:
        facts["buses"] = len({own for owns in converted.buses.values() for own in owns})
    if "nodes" in facts:
        facts["nodes"] = len(tables[0])
    return replace(study, facts=facts, tables=tables, notes=(*converted.notes, *study.notes))


def buses_as_written(names: Sequence[str], converted: Converted) -> tuple[str, ...]:
    """Buses of the file given as they stand in the file written; others as they are."""
    written = {own.lower(): there for there, owns in converted.buses.items() for own in owns}
    return tuple(written.get(name.lower(), name) for name in names)


def elements_as_written(names: Sequence[str], converted: Converted) -> tuple[str, ...]:
    """Elements, `class.name` or a class alone, as they stand in the file written; others as they are."""
    written = {own.lower(): there for there, own in converted.elements.items()}
    found: list[str] = []
    for name in names:
        low = name.lower()
        of_class = [there for own, there in written.items() if own.partition(".")[0] == low]
        found += [written[low]] if low in written else of_class or [name]
    return tuple(dict.fromkeys(found))


def profile_as_written(profile: Profile, converted: Converted) -> Profile:
    """A profile whose columns name elements of the file written.

    Raises:
        StudyError: A column names no element of the file given.
    """
    written = {own.lower(): there for there, own in converted.elements.items()}
    factors: dict[str, Floats] = {}
    # An own column goes before that of the whole class.
    for column, values in sorted(profile.factors.items(), key=lambda pair: not pair[0].endswith(f".{ALL}")):
        kind, _, own = column.lower().partition(".")
        named = [
            there
            for name, there in written.items()
            if name == column.lower() or (own == ALL and name.partition(".")[0] == kind)
        ]
        if not named:
            raise StudyError(
                f"the profile's column {column} names no element",
                f"name columns {kind or 'load'}.* or: {', '.join(sorted(written)[:6])}, …",
            )
        factors |= dict.fromkeys(named, values)
    return replace(profile, factors=factors)


def _renamed(table: Table, converted: Converted) -> Table:
    buses = list(table.columns.get("bus", ()))
    if not buses:
        return replace(
            table, columns={name: _column(list(values), converted) for name, values in table.columns.items()}
        )
    # A row of an element belongs to the one bus that it is connected to.
    several = not _OF_ELEMENTS & set(table.columns)
    rows = [
        (k, own)
        for k, bus in enumerate(buses)
        if bus not in converted.internal
        for own in converted.buses.get(bus, (bus,))[: None if several else 1]
    ]
    return replace(
        table,
        columns={
            name: [own for _, own in rows]
            if name == "bus"
            else _column([values[k] for k, _ in rows], converted)
            for name, values in table.columns.items()
        },
    )


def _column(values: list[Any], converted: Converted) -> list[Any]:
    return [_own(value, converted) if isinstance(value, str) else value for value in values]


def _own(value: str, converted: Converted) -> str:
    """The file's own name of an element, a bus or a node `bus.phase`."""
    if value in converted.elements:
        return converted.elements[value]
    if value in converted.buses:
        return converted.buses[value][0]
    if value in converted.internal:
        return converted.internal[value]
    head, point, tail = value.rpartition(".")
    if point and tail.isdigit() and head in converted.buses:
        return f"{converted.buses[head][0]}.{tail}"
    return value
