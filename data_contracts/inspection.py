"""One Parquet file against its contract: which rows break which rule first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from data_contracts.arrow import accepts, arrow_type
from data_contracts.block import Block
from data_contracts.contract import Rule, Table
from data_contracts.errors import ContractError
from data_contracts.facts import SubstationFacts
from data_contracts.rules.columns import all_rules

if TYPE_CHECKING:
    import pyarrow as pa

STRUCTURE = Rule(
    "structure",
    "a file has exactly the contract's columns, each of its type",
    "write the file with data_contracts.arrow.schema(table)",
    (),
    Block.none,
)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found in one file.

    Attributes:
        data: The file's rows.
        broken: For every row the position in `rules` of the first rule that it breaks, −1 for none, [rows].
        rules: The rules in the order in which they were asked.
        details: For every rejected row, in the order of the file, the values that break its rule.
    """

    data: pa.Table
    broken: NDArray[np.int16]
    rules: tuple[Rule, ...]
    details: pa.Array[Any]

    @property
    def rejected(self) -> NDArray[np.int64]:
        """Positions of the rejected rows."""
        return np.flatnonzero(self.broken >= 0)

    def counts(self) -> dict[str, int]:
        """Rejected rows by the first rule that they break."""
        found, counts = np.unique(self.broken[self.broken >= 0], return_counts=True)
        return {self.rules[int(k)].name: int(count) for k, count in zip(found, counts, strict=True)}


def read(table: Table, path: Path) -> pa.Table:
    """Read a staged file.

    Raises:
        ContractError: It is not a Parquet file.
    """
    import pyarrow.parquet as pq

    with _as_contract_error(table, path):
        return pq.read_table(path, partitioning=None)


def read_schema(table: Table, path: Path) -> pa.Schema:
    """Read the columns' names and types of a staged file.

    Raises:
        ContractError: It is not a Parquet file.
    """
    import pyarrow.parquet as pq

    with _as_contract_error(table, path):
        return pq.read_schema(path)


@contextmanager
def _as_contract_error(table: Table, path: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        raise ContractError(
            f"table {table.name}, file {path.name}: it cannot be read as Parquet: {error}",
            f"delete {path} and stage it again",
        ) from error


def structure_faults(table: Table, found: pa.Schema) -> list[str]:
    """What is wrong with a file's columns, in words; empty when nothing is."""
    faults = []
    for column in table.columns:
        places = found.get_all_field_indices(column.name)
        if not places:
            faults.append(f"column {column.name} is missing")
        elif len(places) > 1:
            faults.append(f"column {column.name} is there {len(places)} times")
        elif not accepts(column, found.field(places[0]).type):
            kind = found.field(places[0]).type
            faults.append(f"column {column.name} has type {kind}, not {arrow_type(column)}")
    faults += [f"column {name} is not in the contract" for name in found.names if name not in table.names]
    return faults


def inspect(table: Table, path: Path, facts: SubstationFacts, further: tuple[Rule, ...] = ()) -> Inspection:
    """Check one file; nothing is moved or written.

    Args:
        table: Its contract.
        path: The file.
        facts: What is known about the substation.
        further: Rules that look beyond the file, asked after the contract's own.

    Raises:
        ContractError: It is not a Parquet file.
    """
    data = read(table, path)
    faults = structure_faults(table, data.schema)
    if faults:
        import pyarrow as pa

        broken = np.zeros(data.num_rows, dtype=np.int16)
        return Inspection(
            data, broken, (STRUCTURE,), pa.array(["; ".join(faults)] * data.num_rows, pa.string())
        )
    block = Block(table, data, facts)
    return examine(block, data, (*all_rules(table), *further))


def examine(block: Block, data: pa.Table, rules: tuple[Rule, ...]) -> Inspection:
    """Ask every rule about every row of a block.

    Args:
        block: The rows, of the contract's structure.
        data: The same rows as Arrow columns.
        rules: Rules to ask, in this order; a row counts for the first one that it breaks.
    """
    broken = np.full(block.rows, -1, dtype=np.int16)
    for k, rule in enumerate(rules):
        mask = rule.check(block)
        if mask.any():
            broken[mask & (broken < 0)] = k
    return Inspection(data, broken, rules, _details(block, broken, rules))


def _details(block: Block, broken: NDArray[np.int16], rules: tuple[Rule, ...]) -> pa.Array[Any]:
    import pyarrow as pa

    rows = np.flatnonzero(broken >= 0)
    by_rule = np.argsort(broken[rows], kind="stable")
    ordered = rows[by_rule]
    texts: list[Any] = [
        _told(block, rules[k], ordered[broken[ordered] == k]) for k in np.unique(broken[rows]).tolist()
    ]
    if not texts:
        return pa.array([], pa.string())
    place = np.empty(len(rows), dtype=np.int64)
    place[by_rule] = np.arange(len(rows))
    return cast("pa.Array[Any]", pa.concat_arrays(texts).take(place))


def _told(block: Block, rule: Rule, rows: NDArray[np.int64]) -> pa.Array[Any]:
    """The values that a rule reads in some rows, and what it would have taken where it can say so."""
    values = block.details(rule.columns, rows)
    if rule.known is None:
        return values
    import pyarrow as pa

    known = rule.known(block)
    return pa.array([f"{text} ({known})" for text in values.to_pylist()], pa.string())
