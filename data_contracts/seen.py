"""Keys that earlier files of a table hold, so that no row is taken twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from data_contracts.block import Block
from data_contracts.contract import Mask, Rule, Table

Integers = NDArray[np.int64]


class SeenKeys:
    """Keys by file, for one table; times and numbers at the end are kept below the parts before them."""

    def __init__(self, table: Table) -> None:
        self._key = table.key
        self._text = {name for name in table.key if table.column(name).dtype == "string"}
        self._time = table.key[-1] if table.key[-1] not in self._text else None
        self._names = table.key[:-1] if self._time else table.key
        self._times: dict[tuple[str | int, ...], list[Integers]] = {}

    def _groups(self, block: Block) -> Iterator[tuple[tuple[str | int, ...], Integers]]:
        ids, _ = block.groups(self._names)
        order = np.argsort(ids, kind="stable")
        starts = np.flatnonzero(np.diff(ids[order], prepend=-1))
        columns = [self._part(block, name) for name in self._names]
        for rows in np.split(order, starts[1:]):
            if len(rows):
                yield tuple(part(int(rows[0])) for part in columns), rows

    def _part(self, block: Block, name: str) -> Callable[[int], str | int]:
        """One part of the key by row."""
        if name not in self._text:
            numbers = block.integers(name)
            return lambda row: int(numbers[row])
        codes, values = block.codes(name)
        return lambda row: values[codes[row]]

    def _instants(self, block: Block) -> Integers:
        return block.integers(self._time) if self._time else np.zeros(block.rows, dtype=np.int64)

    def holds(self, block: Block) -> Mask:
        """Rows whose key an earlier file holds; a key with a null in it is held by none."""
        times, found = self._instants(block), block.none()
        for names, rows in self._groups(block):
            if earlier := self._times.get(names):
                found[rows] = np.isin(times[rows], np.concatenate(earlier))
        for name in self._key:
            found &= ~block.missing(name)
        return found

    def remember(self, block: Block) -> None:
        """Add a file's keys."""
        times = self._instants(block)
        for names, rows in self._groups(block):
            self._times.setdefault(names, []).append(times[rows])

    def repeated(self, block: Block) -> Mask:
        """Rows whose key an earlier file holds; then remembers this file's keys."""
        found = self.holds(block)
        self.remember(block)
        return found

    def rule(self) -> Rule:
        """The rule that this is, for messages and reports; it rejects what `repeated` finds."""
        return Rule(
            "unique_in_table",
            f"{', '.join(self._key)} name one row of all the table's files; the first file by name keeps it",
            "find out why two files hold the same rows",
            self._key,
            self.repeated,
        )


def known_key(table: Table, keys: SeenKeys | None = None) -> Rule:
    """Every row of `table` has one of the same key in the table that it stands beside.

    Args:
        table: A table with `beside`.
        keys: Keys of that table; None for the rule's words only.
    """

    def unknown(block: Block) -> Mask:
        return block.none() if keys is None else ~keys.holds(block)

    return Rule(
        "known_key",
        f"{', '.join(table.key)} name a row of {table.beside}, staged beside it or in the dataset",
        f"stage the rows of {table.beside} and of {table.name} together",
        table.key,
        unknown,
    )
