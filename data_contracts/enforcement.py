"""Staged tables become data only through here.

A table is decided first, as a whole: every staged file is checked, rejected rows are written to the
quarantine and the remainder of a file with rejects is prepared beside it; then the decision is written down.
Only then are files moved, each by one rename. A process that is killed leaves either no decision, and the
next one decides again, or a decision, and the next one finishes the moves. Either way the outcome is the
same, and every staged row ends up in the dataset or in the quarantine.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from data_contracts.contract import Table
from data_contracts.deciding import Places, decide, stop_if_too_many
from data_contracts.errors import ContractError
from data_contracts.facts import SubstationFacts
from data_contracts.tables import TABLES
from data_contracts.verdicts import EnforcementReport, FileVerdict, TableReport
from switchyard.digests import sha256_file
from switchyard.files import read_json, rename_into, write_json_atomic
from switchyard.home import Home
from switchyard.log import get_logger

DECISION = "decision.json"
VERDICTS = "verdicts.json"

_LOG = get_logger(__name__)


def enforce_dataset(
    home: Home,
    dataset: str,
    facts: SubstationFacts,
    *,
    reject_share: float = 0.01,
    tables: Iterable[str] | None = None,
) -> EnforcementReport:
    """Check all staged tables of a dataset and move what keeps its contract into the dataset.

    Args:
        home: Where staging, data and quarantine are.
        dataset: Name of the dataset, `<profile>.<substation>`.
        facts: What the rules must know about the substation.
        reject_share: Largest share of a table's staged rows that may be rejected.
        tables: Tables to enforce; None for all that have a contract.

    Returns:
        What became of the staged rows, those of earlier calls included.

    Raises:
        ContractError: A table has more rejects than allowed; then no table is moved, the staged files stay
            where they are and the rejected rows can be looked at in the quarantine. Or a file is not Parquet,
            or a folder is staged that no contract knows.
    """
    _refuse_unknown(home, dataset)
    wanted = set(TABLES) if tables is None else set(tables)
    decided = []
    for table in (table for name, table in TABLES.items() if name in wanted):
        places = Places.of(home, dataset, table.name)
        verdicts = _decision(places) or decide(table, places, facts)
        stop_if_too_many(table, TableReport(table=table.name, files=tuple(verdicts)), places, reject_share)
        decided.append((table, places, verdicts))
    for _, places, verdicts in decided:
        if verdicts:
            write_json_atomic(places.staged / DECISION, msgspec.to_builtins(verdicts))
    return EnforcementReport(
        dataset=dataset,
        tables=tuple(
            report
            for table, places, verdicts in decided
            if (report := _settle(table, places, verdicts)).files
        ),
    )


def _refuse_unknown(home: Home, dataset: str) -> None:
    staged = home.staging / dataset
    found = {path.name for path in staged.iterdir() if path.is_dir()} if staged.is_dir() else set()
    if unknown := sorted(found - set(TABLES)):
        raise ContractError(
            f"dataset {dataset}: {staged / unknown[0]} is not a table that a contract knows",
            f"stage only {', '.join(TABLES)}",
        )


def _decision(places: Places) -> list[FileVerdict]:
    """The verdicts of a run that was killed while moving; empty where there is none that still holds."""
    path = places.staged / DECISION
    if not path.exists():
        return []
    verdicts = msgspec.convert(read_json(path), list[FileVerdict])
    if _still_holds({verdict.file: verdict for verdict in verdicts}, places):
        return verdicts
    path.unlink()
    return []


def _still_holds(verdicts: dict[str, FileVerdict], places: Places) -> bool:
    """Whether what is still staged is what was decided about, and its accepted rows are there to move."""
    for file in places.staged_files():
        verdict = verdicts.get(file.name)
        if verdict is None or verdict.sha256 != sha256_file(file):
            return False
        split = 0 < verdict.rejected < verdict.rows
        if split and not (places.remainder(file.name).exists() or (places.data / file.name).exists()):
            return False
    return True


def _settle(table: Table, places: Places, verdicts: list[FileVerdict]) -> TableReport:
    for verdict in verdicts:
        _move(verdict, places)
    if verdicts:
        report = _remember(table, places, verdicts)
        (places.staged / DECISION).unlink(missing_ok=True)
        _sweep(places)
        if not any(places.staged.iterdir()):
            places.staged.rmdir()
        _LOG.info("%s: %d rows accepted, %d quarantined", places.data, report.accepted, report.rejected)
        return report
    return _recall(table, places)


def _sweep(places: Places) -> None:
    """Remove the half-written files of runs that were killed."""
    for folder in (places.staged, places.quarantine):
        for pattern in (f".{DECISION}.*", f".{VERDICTS}.*", ".*.parquet.part", ".*.accepted.part"):
            for leftover in folder.glob(pattern):
                leftover.unlink()


def _move(verdict: FileVerdict, places: Places) -> None:
    staged, target = places.staged / verdict.file, places.data / verdict.file
    ready = staged if verdict.rejected == 0 else places.remainder(verdict.file)
    if ready.exists():
        rename_into(ready, target)
    elif verdict.rejected == verdict.rows:
        target.unlink(missing_ok=True)
    staged.unlink(missing_ok=True)


def _recall(table: Table, places: Places) -> TableReport:
    path = places.quarantine / VERDICTS
    known = msgspec.convert(read_json(path), list[FileVerdict]) if path.exists() else []
    kept = [
        verdict
        for verdict in known
        if (places.data / verdict.file).exists() or (places.quarantine / verdict.file).exists()
    ]
    return TableReport(table=table.name, files=tuple(kept))


def _remember(table: Table, places: Places, verdicts: list[FileVerdict]) -> TableReport:
    by_name = {verdict.file: verdict for verdict in (*_recall(table, places).files, *verdicts)}
    files = tuple(by_name[name] for name in sorted(by_name))
    write_json_atomic(places.quarantine / VERDICTS, msgspec.to_builtins(files))
    return TableReport(table=table.name, files=files)
