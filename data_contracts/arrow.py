"""Contracts in Arrow's terms: schemas to write with and the types accepted on reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from data_contracts.contract import Column, Table

if TYPE_CHECKING:
    import pyarrow as pa

COMPRESSION: Literal["zstd"] = "zstd"


def arrow_type(column: Column) -> pa.DataType:
    """The Arrow type of a column."""
    import pyarrow as pa

    types: dict[str, pa.DataType] = {
        "float64": pa.float64(),
        "int8": pa.int8(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "bool": pa.bool_(),
        "string": pa.string(),
        "timestamp": pa.timestamp("ms", tz="UTC"),
    }
    return types[column.dtype]


def schema(table: Table) -> pa.Schema:
    """The Arrow schema to write `table` with: columns in file order, typed."""
    import pyarrow as pa

    return pa.schema([pa.field(column.name, arrow_type(column)) for column in table.columns])


def accepts(column: Column, found: pa.DataType) -> bool:
    """Whether a file's column may have the type `found`; strings may be dictionary-encoded or large."""
    import pyarrow as pa

    if column.dtype == "string":
        value = found.value_type if isinstance(found, pa.DictionaryType) else found
        return bool(pa.types.is_string(value) or pa.types.is_large_string(value))
    return bool(found.equals(arrow_type(column)))
