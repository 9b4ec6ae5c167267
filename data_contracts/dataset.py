"""Contracted tables of one substation on disk, and the manifest that says what belongs to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from data_contracts.errors import ContractError
from data_contracts.observed import Observed
from data_contracts.tables import DERIVED, TABLES
from data_contracts.version import CONTRACT_VERSION
from switchyard.digests import digest_json, sha256_file
from switchyard.files import read_json, write_json_atomic

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST = "manifest.json"
SCHEMA = 1


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One Parquet file of a table: its name, its rows and the SHA-256 of its bytes."""

    file: str
    rows: int
    sha256: str


class TableParts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The parts of one table in the order of their file names, and their rows together."""

    rows: int
    parts: tuple[Part, ...]


class Manifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a dataset holds and what it was made from. `digest` names its content.

    An ingested dataset has the origin `ingested`, no circuit, and says in `observed` what a substation's
    description would.
    """

    schema: int
    dataset: str
    substation: str
    profile: str
    seed: int
    contract_version: int
    circuit_digest: str
    tables: dict[str, TableParts]
    digest: str
    origin: str = "simulated"
    observed: Observed | None = None


def content_digest(tables: dict[str, TableParts]) -> str:
    """Digest over the SHA-256 of every part of every table; places and times do not enter."""
    return digest_json(
        {name: [[part.file, part.sha256] for part in table.parts] for name, table in tables.items()}
    )


def kind_of(file: str) -> str:
    """The scenario kind in a part's file name `<kind>-<part>.parquet`."""
    return Path(file).stem.rpartition("-")[0]


def scan(folder: Path) -> TableParts:
    """Take stock of the Parquet files in a table's folder."""
    import pyarrow.parquet as pq

    parts = tuple(
        Part(file=file.name, rows=pq.read_metadata(file).num_rows, sha256=sha256_file(file))
        for file in sorted(folder.glob("*.parquet"))
    )
    return TableParts(rows=sum(part.rows for part in parts), parts=parts)


@dataclass(frozen=True, slots=True)
class Dataset:
    """One substation's contracted tables.

    Attributes:
        path: Its folder, `<home>/data/<dataset>`.
        manifest: What it holds.
    """

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: Path) -> Dataset:
        """Open the dataset in the folder `path`.

        Raises:
            ContractError: There is no manifest, it is not one, or it was written under another contract.
        """
        file = path / MANIFEST
        if not file.exists():
            raise ContractError(
                f"{path} holds no dataset: {MANIFEST} is missing",
                "run `switchyard simulate` first, or `switchyard ingest` files of your own",
            )
        try:
            manifest = msgspec.convert(read_json(file), Manifest)
        except msgspec.ValidationError as error:
            raise ContractError(
                f"{file}: {error}", "delete the dataset and run `switchyard simulate`"
            ) from error
        if manifest.contract_version != CONTRACT_VERSION:
            raise ContractError(
                f"{file}: contract_version is {manifest.contract_version}, expected {CONTRACT_VERSION}",
                "run `switchyard simulate` again",
            )
        return cls(path, manifest)

    @classmethod
    def write_manifest(
        cls, path: Path, *, substation: str, profile: str, seed: int, circuit_digest: str
    ) -> Dataset:
        """Take stock of the contracted tables in the folder `path` and write its manifest atomically.

        Files of derived tables do not enter: they can be made again from these.

        Raises:
            ContractError: The folder holds no contracted table.
        """
        tables = {name: scan(path / name) for name in sorted(TABLES) if (path / name).is_dir()}
        tables = {name: table for name, table in tables.items() if table.parts}
        if not tables:
            raise ContractError(
                f"{path} holds no contracted table", "stage tables and enforce their contracts first"
            )
        manifest = Manifest(
            schema=SCHEMA,
            dataset=path.name,
            substation=substation,
            profile=profile,
            seed=seed,
            contract_version=CONTRACT_VERSION,
            circuit_digest=circuit_digest,
            tables=tables,
            digest=content_digest(tables),
        )
        write_json_atomic(path / MANIFEST, msgspec.to_builtins(manifest))
        return cls(path, manifest)

    @property
    def name(self) -> str:
        """Name of the dataset, `<profile>.<substation>`."""
        return self.manifest.dataset

    @property
    def substation(self) -> str:
        """Name of the substation."""
        return self.manifest.substation

    @property
    def digest(self) -> str:
        """Digest of the content."""
        return self.manifest.digest

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the contracted tables that are there."""
        return tuple(self.manifest.tables)

    def files(self, table: str, kinds: Iterable[str] | None = None) -> tuple[Path, ...]:
        """The part files of `table`, sorted by name; of the given scenario kinds only, if any are given.

        Raises:
            ContractError: The dataset has no such table.
        """
        if table in self.manifest.tables:
            names = [part.file for part in self.manifest.tables[table].parts]
        elif table in DERIVED and (self.path / table).is_dir():
            names = sorted(file.name for file in (self.path / table).glob("*.parquet"))
        else:
            raise ContractError(
                f"dataset {self.name} has no table {table}; it has {', '.join(self.tables)}",
                "simulate or build it first",
            )
        wanted = None if kinds is None else set(kinds)
        return tuple(self.path / table / name for name in names if wanted is None or kind_of(name) in wanted)

    def read(
        self, table: str, columns: Iterable[str] | None = None, kinds: Iterable[str] | None = None
    ) -> pa.Table:
        """Read a table: the rows of all its parts, in the order of their file names.

        Args:
            table: Name of the table.
            columns: Columns to read; None for all.
            kinds: Scenario kinds to read; None for all.

        Raises:
            ContractError: The dataset has no such table, none of these kinds, or a part is gone.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        chosen = None if columns is None else list(columns)
        files = self.files(table, kinds)
        if not files:
            raise ContractError(f"dataset {self.name}: {table} has no part of the kinds {kinds}")
        try:
            tables = [pq.read_table(file, columns=chosen, partitioning=None) for file in files]
        except FileNotFoundError as error:
            raise ContractError(
                f"dataset {self.name}: {table} lost a part: {error}", "delete the dataset and simulate again"
            ) from error
        return pa.concat_tables(tables)
