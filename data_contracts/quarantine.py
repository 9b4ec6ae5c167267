"""Where rejected rows go: the row as it was, the rule it broke, and where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data_contracts.arrow import COMPRESSION
from data_contracts.inspection import Inspection
from switchyard.files import rename_into

if TYPE_CHECKING:
    import pyarrow as pa

EXTRA = ("rule", "detail", "source_file", "source_row")
"""Columns that a quarantined row has beside its own."""


def write_table(data: pa.Table, path: Path) -> None:
    """Write a Parquet file whole or not at all."""
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    try:
        pq.write_table(data, temporary, compression=COMPRESSION)
        rename_into(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_rejected(inspection: Inspection, source: str, path: Path) -> None:
    """Write the rejected rows of a file with the extra columns; a column of such a name gets `_original`."""
    import pyarrow as pa

    rows = inspection.rejected
    data = inspection.data.take(rows)
    data = data.rename_columns([f"{name}_original" if name in EXTRA else name for name in data.column_names])
    names = pa.array([rule.name for rule in inspection.rules], pa.string())
    columns: tuple[pa.Array[Any], ...] = (
        names.take(inspection.broken[rows]),
        inspection.details,
        pa.array([source] * len(rows), pa.string()),
        pa.array(rows, pa.int64()),
    )
    for name, column in zip(EXTRA, columns, strict=True):
        data = data.append_column(name, column)
    write_table(data, path)


def write_accepted(inspection: Inspection, path: Path) -> None:
    """Write the rows that keep the contract, in the order of the file."""
    import pyarrow as pa

    write_table(inspection.data.filter(pa.array(np.asarray(inspection.broken < 0))), path)
