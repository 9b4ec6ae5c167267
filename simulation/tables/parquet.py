"""Writing Parquet: the same rows give the same bytes, and a file is whole or absent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.arrow import COMPRESSION, arrow_type
from data_contracts.contract import Table
from simulation.errors import SimulationError

if TYPE_CHECKING:
    import pyarrow as pa

_LEVEL = 1


def array(values: NDArray[Any]) -> pa.Array[Any]:
    """An Arrow array of numbers; NaN becomes null."""
    import pyarrow as pa

    found: pa.Array[Any] = pa.array(values, from_pandas=True)
    return found


def words(codes: NDArray[np.integer[Any]], vocabulary: tuple[str, ...]) -> pa.Array[Any]:
    """A dictionary-encoded array of text: `vocabulary[code]` in each row."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(vocabulary, pa.string()))


def lists(values: NDArray[Any], missing: NDArray[np.bool_] | None = None) -> pa.Array[Any]:
    """An Arrow array of lists of numbers, one list a row of `values`, shape [rows, length].

    Args:
        values: Elements; float32 or float64 as the contract's column has it.
        missing: Rows whose list is null, shape [rows].
    """
    import pyarrow as pa

    rows, length = values.shape
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * length, pa.int32())
    mask = None if missing is None else pa.array(missing)
    found: pa.Array[Any] = pa.ListArray.from_arrays(offsets, pa.array(values.ravel()), mask=mask)
    return found


def instants(seconds: NDArray[Any]) -> pa.Array[Any]:
    """Timestamps in UTC, ms, from Unix seconds; fractions are rounded to the millisecond."""
    import pyarrow as pa

    return pa.array(np.rint(np.asarray(seconds) * 1000.0).astype(np.int64)).cast(pa.timestamp("ms", tz="UTC"))


def write_table(path: Path, table: Table, columns: dict[str, pa.Array[Any]]) -> int:
    """Write one part of a contracted table and return its number of rows.

    Floating-point columns are split by byte and not dictionary-encoded: measured values hardly repeat. The
    Arrow schema is not stored, so that dictionary-encoded text reads back as plain text.

    Args:
        path: File to write, by a temporary file beside it and a rename.
        table: Contract; its column order is the file's.
        columns: An array for each column.

    Raises:
        SimulationError: A column is missing, is not in the contract, or has another type.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if set(columns) != set(table.names):
        odd = sorted(set(columns) ^ set(table.names))
        raise SimulationError(
            f"table {table.name}: columns {', '.join(odd)} are missing or unknown", "write the contract's"
        )
    for column in table.columns:
        found = columns[column.name].type
        value = found.value_type if pa.types.is_dictionary(found) else found
        if value != arrow_type(column):
            raise SimulationError(
                f"table {table.name}: {column.name} is {value}", f"write {arrow_type(column)}"
            )
    arrow = pa.table([columns[name] for name in table.names], names=list(table.names))
    floats = [
        f"{column.name}.list.element" if column.is_list else column.name
        for column in table.columns
        if column.is_list or column.dtype == "float64"
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    encoding: dict[str, Any] = {
        "use_dictionary": [
            column.name for column in table.columns if column.dtype in ("string", "timestamp")
        ],
        "use_byte_stream_split": floats,
    }
    pq.write_table(
        arrow,
        temporary,
        compression=COMPRESSION,
        compression_level=_LEVEL,
        write_statistics=False,
        store_schema=False,
        row_group_size=1 << 20,
        **encoding,
    )
    # Not synced here: whoever records a step as done syncs its files, and a part that a power cut spoilt is
    # found by its footer.
    temporary.replace(path)
    return int(arrow.num_rows)


def is_whole(path: Path) -> bool:
    """Whether `path` is a Parquet file whose footer can be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        return False
    try:
        pq.read_metadata(path)
    except pa.ArrowInvalid:
        return False
    return True
