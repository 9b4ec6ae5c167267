"""Contracts in Arrow's terms: schemas to write with and the types accepted on reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

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
        "float32[]": pa.list_(pa.float32()),
        "float64[]": pa.list_(pa.float64()),
    }
    return types[column.dtype]


def schema(table: Table) -> pa.Schema:
    """The Arrow schema to write `table` with: columns in file order, typed."""
    import pyarrow as pa

    return pa.schema([pa.field(column.name, arrow_type(column)) for column in table.columns])


def accepts(column: Column, found: pa.DataType) -> bool:
    """Whether a file's column may have the type `found`.

    Strings may be dictionary-encoded or large, lists large; the name of a list's element does not count.
    """
    import pyarrow as pa

    if column.dtype == "string":
        value = found.value_type if isinstance(found, pa.DictionaryType) else found
        return bool(pa.types.is_string(value) or pa.types.is_large_string(value))
    if column.is_list:
        return isinstance(found, (pa.ListType, pa.LargeListType)) and bool(
            found.value_type.equals(cast("pa.ListType[Any]", arrow_type(column)).value_type)
        )
    return bool(found.equals(arrow_type(column)))
