"""One column of a file becomes one of a contract; what cannot be read is told apart from what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.contract import Column
from ingestion.mapping import From, unit_of
from ingestion.units import conversion

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

TRUE = ("true", "t", "yes", "y", "1", "1.0")
FALSE = ("false", "f", "no", "n", "0", "0.0")
ROOM = 1e-9
"""Relative room within which a value is an overflow's."""


@dataclass(frozen=True, slots=True)
class Values:
    """A column as the contract has it.

    Attributes:
        array: Values in the contract's type and unit, null where missing or unreadable, [rows].
        raw: Numbers as the file has them, NaN where there is none, [rows]; empty for text.
        unreadable: Rows whose value is neither missing nor of this type, [rows].
        overflow: Rows whose value means that a register ran over, [rows].
        clipped: Rows whose value was set to a bound, as the mapping says, [rows].
    """

    array: pa.Array[Any]
    raw: Floats
    unreadable: Mask
    overflow: Mask
    clipped: Mask


def numbers(column: Any, missing: tuple[str, ...], decimal: str) -> tuple[Floats, Mask]:
    """Numbers of a column of text or numbers.

    Args:
        column: Arrow column.
        missing: Texts that stand for a missing value.
        decimal: Decimal sign of texts.

    Returns:
        Values, NaN where missing or unreadable, and which are unreadable, [rows] each. A NaN that a typed
        file holds is missing; written out, it is missing only if it is listed.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        if pa.types.is_temporal(column.type):
            # A time is no number, whatever it is stored as.
            return np.full(len(column), np.nan), np.asarray(column.is_valid())
        found = column.cast(pa.float64(), safe=False).to_numpy().astype(np.float64)
        return np.where(np.isfinite(found), found, np.nan), np.isinf(found)
    text = pc.utf8_trim_whitespace(column)
    if decimal == ",":
        text = pc.replace_substring(pc.replace_substring(text, ".", ""), ",", ".")
    gone = pc.is_in(text, value_set=pa.array(missing, pa.string()))
    text = pc.if_else(gone, pa.scalar(None, pa.string()), text)
    try:
        found = text.cast(pa.float64()).to_numpy().astype(np.float64)
    except pa.ArrowInvalid:
        import pandas as pd

        found = pd.to_numeric(text.to_pandas(), errors="coerce").to_numpy(dtype=np.float64)
    there = np.asarray(text.is_valid())
    bad = there & ~np.isfinite(found)
    return np.where(np.isfinite(found), found, np.nan), bad


def convert(column: Any, into: Column, source: From, missing: tuple[str, ...], decimal: str) -> Values:
    """Turn a column of a file into one of the contract.

    Args:
        column: Arrow column of the file.
        into: Column of the contract.
        source: What the mapping says about it.
        missing: Texts that stand for a missing value.
        decimal: Decimal sign of texts.

    Raises:
        IngestionError: The unit does not fit.
    """
    import pyarrow as pa

    rows = len(column)
    none = np.zeros(rows, dtype=bool)
    if into.dtype == "string":
        return Values(_words(column, source, missing), np.empty(0), none, none, none)
    if into.dtype == "bool":
        return _flags(column, missing)
    raw, bad = numbers(column, missing, decimal)
    over = none.copy()
    for value in source.overflow:
        over |= np.abs(raw - value) <= ROOM * max(abs(value), 1.0)
    factor, offset = conversion(into.name, source.unit, unit_of(into))
    values = raw * (source.sign * source.ratio * factor) + (offset + source.offset)
    clipped = none
    if source.clip is not None:
        clipped = (values < source.clip[0]) | (values > source.clip[1])
        values = np.clip(values, *source.clip)
    if into.dtype in ("int8", "int32", "int64"):
        bad |= np.isfinite(values) & (values != np.rint(values))
        values = np.where(bad, np.nan, values)
        kind = {"int8": pa.int8(), "int32": pa.int32(), "int64": pa.int64()}[into.dtype]
        whole = pa.array(values, pa.float64(), from_pandas=True)
        return Values(whole.cast(kind), raw, bad, over, clipped)
    return Values(pa.array(values, pa.float64(), from_pandas=True), raw, bad, over, clipped)


def _words(column: Any, source: From, missing: tuple[str, ...]) -> pa.Array[Any]:
    import pyarrow as pa

    found = [None if text is None else str(text).strip() for text in column.cast(pa.string()).to_pylist()]
    return pa.array(
        [None if text is None or text in missing else source.values.get(text, text) for text in found],
        pa.string(),
    )


def _flags(column: Any, missing: tuple[str, ...]) -> Values:
    import pyarrow as pa

    if pa.types.is_boolean(column.type):
        array: Any = column.combine_chunks()
        none = np.zeros(len(array), dtype=bool)
        return Values(array, np.empty(0), none, none, none)
    found: list[bool | None] = []
    bad = np.zeros(len(column), dtype=bool)
    for row, text in enumerate(column.cast(pa.string()).to_pylist()):
        word = "" if text is None else text.strip().lower()
        found.append(True if word in TRUE else False if word in FALSE else None)
        bad[row] = found[-1] is None and word != "" and (text or "").strip() not in missing
    none = np.zeros(len(found), dtype=bool)
    return Values(pa.array(found, pa.bool_()), np.empty(0), bad, none, none)
