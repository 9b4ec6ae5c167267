"""A table becomes part of a dataset by one atomic write of its manifest.

New parts are moved beside the old ones under names that hold their digest; the manifest that names them
replaces the old one; then what it does not name is removed. A process that is killed in between leaves the
old dataset or the new one.
"""

from __future__ import annotations

import msgspec

from data_contracts.dataset import MANIFEST, SCHEMA, Dataset, Manifest, TableParts, content_digest, scan
from data_contracts.facts import PointFacts
from data_contracts.observed import INGESTED, Observed, ObservedTable
from data_contracts.version import CONTRACT_VERSION
from ingestion.errors import IngestionError
from ingestion.following import Timeline
from ingestion.mapping import Mapping, mapping_digest
from ingestion.report import Ingested
from ingestion.staging import Staging
from switchyard.files import write_json_atomic, write_text_atomic
from switchyard.home import Home


def check_target(home: Home, dataset: str, mapping: Mapping, *, replace: bool) -> None:
    """Refuse to mix what does not belong together, before anything is read.

    Raises:
        IngestionError: The dataset is a simulated one or of another site, grid or zone; or it has this table
            and may not lose it.
    """
    present = _present(home, dataset)
    if present is None:
        return
    if present.origin != INGESTED or present.observed is None:
        raise IngestionError(f"dataset {dataset} was simulated", "choose another name with --dataset")
    same = {
        "substation": (present.substation, mapping.substation),
        "time_zone": (present.observed.time_zone, mapping.time_zone),
        "frequency_hz": (present.observed.frequency_hz, mapping.frequency_hz),
    }
    for field, (there, here) in same.items():
        if there != here:
            raise IngestionError(
                f"dataset {dataset}: {field} is {there!r} there and {here!r} in the mapping",
                "correct the mapping, or choose another name with --dataset",
            )
    if mapping.table in present.tables and not replace:
        raise IngestionError(
            f"dataset {dataset} has a table {mapping.table}",
            "name all files of the table at once with --replace, or choose another name with --dataset",
        )


def _present(home: Home, dataset: str) -> Manifest | None:
    path = home.dataset(dataset)
    return Dataset.open(path).manifest if (path / MANIFEST).exists() else None


def publish(
    home: Home,
    found: Ingested,
    mapping: Mapping,
    text: str,
    *,
    staging: Staging,
    timelines: dict[str, Timeline],
) -> str:
    """Move a table's parts into the dataset and write its manifest.

    Returns:
        Digest of the dataset's content.
    """
    path = home.dataset(found.dataset)
    folder = path / found.table
    folder.mkdir(parents=True, exist_ok=True)
    names = set(staging.publish_parts(folder))
    parts = tuple(part for part in scan(folder).parts if part.file in names)
    present = _present(home, found.dataset)
    tables = dict(present.tables) if present else {}
    tables[found.table] = TableParts(rows=sum(part.rows for part in parts), parts=parts)
    tables = dict(sorted(tables.items()))
    observed = present.observed if present else None
    known = _facts(mapping)
    about = ObservedTable(
        step_s=found.step_s,
        first=found.first,
        last=found.last,
        columns=found.columns,
        sources=found.sources,
        quarantined=found.quarantined,
        gaps=sum(line.gap_count for line in timelines.values()),
        missing_steps=sum(line.missing for line in timelines.values()),
        mapping_sha256=mapping_digest(text),
    )
    manifest = Manifest(
        schema=SCHEMA,
        dataset=found.dataset,
        substation=mapping.substation,
        profile=INGESTED,
        seed=0,
        contract_version=CONTRACT_VERSION,
        circuit_digest="",
        tables=tables,
        digest=content_digest(tables),
        origin=INGESTED,
        observed=Observed(
            frequency_hz=mapping.frequency_hz,
            time_zone=mapping.time_zone or "",
            points={**(observed.points if observed else {}), **known},
            tables={**(observed.tables if observed else {}), found.table: about},
        ),
    )
    write_text_atomic(path / "mappings" / f"{found.table}.yaml", text)
    write_json_atomic(path / MANIFEST, msgspec.to_builtins(manifest))
    for old in folder.glob("*.parquet"):
        if old.name not in names:
            old.unlink()
    return manifest.digest


def _facts(mapping: Mapping) -> dict[str, PointFacts]:
    return {
        name: PointFacts(nominal_kv=point.nominal_kv, rated_a=point.rated_a, rated_mva=point.rated_mva)
        for name, point in mapping.points.items()
    }
