"""Parts of a dataset's tables as the campaigns write them, and when they begin."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

START = datetime(2025, 1, 1, tzinfo=UTC).timestamp()


def write_part(folder: Path, table: str, kind: str, columns: dict[str, object]) -> None:
    (folder / table).mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), folder / table / f"{kind}-00000.parquet")
