"""Each feeder of a measured dataset as a dataset of its own: a site must be kept from the others' rows."""

from __future__ import annotations

from pathlib import Path

import msgspec

from data_contracts.dataset import MANIFEST, Dataset, Manifest, TableParts, content_digest, scan
from data_contracts.observed import Observed
from switchyard.files import write_json_atomic


def points(dataset: Dataset, table: str) -> dict[str, str]:
    """Points that have rows in a table, by name of the site that each one becomes, `<dataset>.<point>`."""
    found = dataset.read(table, columns=["point"]).column("point").unique().to_pylist()
    return {f"{dataset.name}.{point}": point for point in sorted(map(str, found))}


def part(dataset: Dataset, observed: Observed, table: str, folder: Path) -> dict[str, Path]:
    """Write one table's rows of each point below `folder`, as a dataset with nothing else in it.

    Args:
        dataset: A dataset of measured tables.
        observed: What it says about itself.
        table: The table, with a column `point`.
        folder: Where the datasets are made.

    Returns:
        Folder of each point's dataset, by name of the site.
    """
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    rows = dataset.read(table)
    made = {}
    for site, point in points(dataset, table).items():
        own = rows.filter(pc.field("point") == point)
        target = folder / site
        (target / table).mkdir(parents=True)
        pq.write_table(own, target / table / f"{point}-00000.parquet", store_schema=False)
        tables: dict[str, TableParts] = {table: scan(target / table)}
        told = msgspec.structs.replace(
            observed, points={point: observed.points[point]}, tables={table: observed.tables[table]}
        )
        manifest: Manifest = msgspec.structs.replace(
            dataset.manifest, dataset=site, tables=tables, digest=content_digest(tables), observed=told
        )
        write_json_atomic(target / MANIFEST, msgspec.to_builtins(manifest))
        made[site] = target
    return made
