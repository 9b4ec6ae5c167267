"""When the small tables begin, and how their columns become a table of a contract's schema."""

from datetime import UTC, datetime

import pyarrow as pa

from data_contracts.arrow import schema
from data_contracts.tables import TABLES

START_MS = int(datetime(2025, 3, 3, 4, 0, tzinfo=UTC).timestamp() * 1000)


def as_table(name, columns):
    """An Arrow table of the contract's schema; None becomes null."""
    wanted = schema(TABLES[name])
    return pa.table(
        {field.name: pa.array(columns[field.name], field.type) for field in wanted}, schema=wanted
    )
