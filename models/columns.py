"""Arrow columns as numpy arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.errors import DataError
from models.rows import Names

if TYPE_CHECKING:
    import pyarrow as pa


def _column(table: pa.Table, name: str) -> pa.ChunkedArray[Any]:
    if name not in table.column_names:
        raise DataError(f"the table has no column {name!r}", "build or simulate the dataset again")
    return table.column(name)


def names(table: pa.Table, name: str) -> Names:
    """A textual column as codes and distinct texts."""
    import pyarrow as pa

    column = _column(table, name)
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    encoded: Any = column.unify_dictionaries().combine_chunks()
    return Names(
        np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64),
        tuple(str(text) for text in encoded.dictionary.to_pylist()),
    )


def floats(table: pa.Table, name: str) -> NDArray[np.float64]:
    """A numeric or boolean column, null as NaN; float64 [n]."""
    import pyarrow as pa

    column = _column(table, name)
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)


def floats_or_lists(table: pa.Table, name: str) -> NDArray[np.float64]:
    """A numeric column, float64 [n], or one of equally long lists, float64 [n, length]; null as NaN.

    Raises:
        DataError: The lists differ in length.
    """
    import pyarrow as pa

    column: Any = _column(table, name)
    if not pa.types.is_list(column.type) and not pa.types.is_fixed_size_list(column.type):
        return floats(table, name)
    listed = column.combine_chunks()
    present = np.asarray(listed.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    flat = np.asarray(listed.drop_null().flatten().cast(pa.float64()).to_numpy(zero_copy_only=False))
    many = int(present.sum())
    lengths = np.unique(listed.drop_null().value_lengths().to_numpy()) if many else np.zeros(1, np.int64)
    if lengths.size != 1:
        raise DataError(f"{name} holds lists of {lengths.min()} to {lengths.max()} values", "simulate again")
    out = np.full((present.size, int(lengths[0])), np.nan)
    out[present] = flat.reshape(many, -1) if many else 0.0
    return out


def milliseconds(table: pa.Table, name: str = "t") -> NDArray[np.int64]:
    """A timestamp column in Unix milliseconds, int64 [n]."""
    import pyarrow as pa

    column = _column(table, name).cast(pa.timestamp("ms", tz="UTC"))
    return np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64)


def seconds(table: pa.Table, name: str = "t") -> NDArray[np.int64]:
    """A timestamp column in whole Unix seconds, int64 [n]."""
    import pyarrow as pa

    milliseconds = _column(table, name).cast(pa.timestamp("ms", tz="UTC")).cast(pa.int64()).to_numpy()
    return np.asarray(milliseconds, dtype=np.int64) // 1000
