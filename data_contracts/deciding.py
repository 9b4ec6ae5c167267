"""Deciding about the staged files of one table: what is rejected, and when it is too much."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from data_contracts.block import Block
from data_contracts.contract import Rule, Table
from data_contracts.errors import ContractError
from data_contracts.facts import SubstationFacts
from data_contracts.inspection import STRUCTURE, Inspection, inspect, read_schema, structure_faults
from data_contracts.quarantine import write_accepted, write_rejected
from data_contracts.rules.columns import all_rules
from data_contracts.seen import SeenKeys, known_key
from data_contracts.tables import TABLES
from data_contracts.verdicts import FileVerdict, FirstReject, TableReport
from switchyard.digests import sha256_file
from switchyard.home import Home

SHOWN_RULES = 5


@dataclass(frozen=True, slots=True)
class Places:
    """Folders of one table of one dataset."""

    staged: Path
    data: Path
    quarantine: Path

    @classmethod
    def of(cls, home: Home, dataset: str, table: str) -> Places:
        """The folders below a home."""
        return cls(
            home.staging / dataset / table, home.dataset(dataset) / table, home.quarantine / dataset / table
        )

    def of_table(self, table: str) -> Places:
        """The folders of another table of the same dataset."""
        return Places(self.staged.parent / table, self.data.parent / table, self.quarantine.parent / table)

    def staged_files(self) -> list[Path]:
        """Staged Parquet files, sorted by name; half-written ones begin with a dot."""
        return [path for path in sorted(self.staged.glob("*.parquet")) if not path.name.startswith(".")]

    def remainder(self, file: str) -> Path:
        """Where the accepted rows of a staged file with rejects wait for their move."""
        return self.staged / f"{file}.accepted"


def decide(table: Table, places: Places, facts: SubstationFacts) -> list[FileVerdict]:
    """Check every staged file of a table, in the order of their names.

    Rejected rows are written to the quarantine, and the remainder of a file with rejects beside the staged
    file. Nothing is moved.

    Raises:
        ContractError: A file is not Parquet.
    """
    staged = places.staged_files()
    if not staged:
        return []
    seen = SeenKeys(table)
    for file in _settled(places):
        seen.remember(_keys(table, file, facts))
    further: tuple[Rule, ...] = (seen.rule(),)
    if table.beside:
        further += (known_key(table, _present(TABLES[table.beside], places.of_table(table.beside), facts)),)
    return [_judge(table, file, places, facts, further) for file in staged]


def _settled(places: Places) -> list[Path]:
    """Files of the dataset that no staged one replaces."""
    names = {file.name for file in places.staged_files()}
    return [file for file in sorted(places.data.glob("*.parquet")) if file.name not in names]


def _present(table: Table, places: Places, facts: SubstationFacts) -> SeenKeys:
    """Keys of a table's staged rows and of those in the dataset; files that are not of it have none."""
    keys = SeenKeys(table)
    for file in (*_settled(places), *places.staged_files()):
        if not structure_faults(table, read_schema(table, file)):
            keys.remember(_keys(table, file, facts))
    return keys


def _keys(table: Table, file: Path, facts: SubstationFacts) -> Block:
    import pyarrow.parquet as pq

    return Block(table, pq.read_table(file, columns=list(table.key), partitioning=None), facts)


def _judge(
    table: Table, file: Path, places: Places, facts: SubstationFacts, further: tuple[Rule, ...]
) -> FileVerdict:
    inspection = inspect(table, file, facts, further)
    rejected = inspection.rejected
    quarantined = places.quarantine / file.name
    remainder = places.remainder(file.name)
    remainder.unlink(missing_ok=True)
    if len(rejected) == 0:
        quarantined.unlink(missing_ok=True)
    else:
        write_rejected(inspection, file.name, quarantined)
        if len(rejected) < inspection.data.num_rows:
            write_accepted(inspection, remainder)
    return FileVerdict(
        file=file.name,
        sha256=sha256_file(file),
        rows=inspection.data.num_rows,
        rejected=len(rejected),
        rules=inspection.counts(),
        first=_first(inspection),
    )


def _first(inspection: Inspection) -> FirstReject | None:
    rows = inspection.rejected
    if len(rows) == 0:
        return None
    row = int(rows[0])
    rule = inspection.rules[int(inspection.broken[row])]
    return FirstReject(row=row, rule=rule.name, detail=str(inspection.details[0].as_py()))


def stop_if_too_many(table: Table, report: TableReport, places: Places, reject_share: float) -> None:
    """Stop a run whose table has more rejects than allowed.

    Raises:
        ContractError: It has; the message names the first row, its values, its rule and the share.
    """
    if report.share <= reject_share:
        return
    file = next(file for file in report.files if file.first is not None)
    first = file.first
    assert first is not None
    known = (STRUCTURE, *all_rules(table), SeenKeys(table).rule(), known_key(table))
    rules = {rule.name: rule for rule in known}
    rule = rules[first.rule]
    counts = list(report.rules.items())
    listed = ", ".join(f"{name} {count}" for name, count in counts[:SHOWN_RULES])
    more = "" if len(counts) <= SHOWN_RULES else f" and {len(counts) - SHOWN_RULES} more rules"
    raise ContractError(
        f"contract of {table.name}: {report.rejected} of {report.rows} rows ({report.share:.2%}) break it, "
        f"{reject_share:.2%} are allowed ({listed}{more}); first in file {file.file}, row {first.row}: "
        f"{first.detail} breaks {first.rule}: {rule.description}",
        f"{rule.remedy}; the rejected rows are in {places.quarantine}, the staged files are untouched in "
        f"{places.staged}",
    )
