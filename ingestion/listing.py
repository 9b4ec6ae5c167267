"""What datasets a home holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from data_contracts.dataset import MANIFEST, Dataset
from data_contracts.observed import INGESTED
from data_contracts.verdicts import FileVerdict
from switchyard.files import read_json
from switchyard.home import Home


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset: where it is from, what it holds, which time it spans, and what was kept out of it."""

    name: str
    origin: str
    substation: str
    tables: dict[str, int]
    rows: int
    first: str
    last: str
    digest: str
    quarantined: int


def datasets(home: Home) -> list[Listed]:
    """All datasets of a home, by name.

    Raises:
        ContractError: A manifest is not readable.
    """
    folders = sorted(home.data.iterdir()) if home.data.is_dir() else []
    return [_listed(home, Dataset.open(path)) for path in folders if (path / MANIFEST).exists()]


def _listed(home: Home, dataset: Dataset) -> Listed:
    manifest = dataset.manifest
    if manifest.origin == INGESTED and manifest.observed is not None:
        about = manifest.observed.tables.values()
        first, last = min(one.first for one in about), max(one.last for one in about)
        quarantined = sum(one.quarantined for one in about)
    else:
        first, last = _span(dataset)
        quarantined = _rejected(home.quarantine / dataset.name)
    tables = {name: table.rows for name, table in manifest.tables.items()}
    return Listed(
        name=dataset.name,
        origin=manifest.origin,
        substation=manifest.substation,
        tables=tables,
        rows=sum(tables.values()),
        first=first,
        last=last,
        digest=manifest.digest,
        quarantined=quarantined,
    )


def _span(dataset: Dataset) -> tuple[str, str]:
    """First and last time of a simulated dataset's `load`, which covers its campaign; "" without one."""
    import pyarrow.compute as pc

    if "load" not in dataset.tables:
        return "", ""
    column: Any = dataset.read("load", ["t"]).column("t")
    ends: Any = pc.min_max(column).as_py()
    first, last = (ends[end].isoformat().replace("+00:00", "Z") for end in ("min", "max"))
    return first, last


def _rejected(folder: Path) -> int:
    return sum(
        verdict.rejected
        for path in folder.glob("*/verdicts.json")
        for verdict in msgspec.convert(read_json(path), list[FileVerdict])
    )
