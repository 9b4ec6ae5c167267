"""The rules that a column's declaration implies: present, finite, its length, its range or its values."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial

import numpy as np

from data_contracts.block import Block
from data_contracts.contract import Column, Mask, Rule, Table


def _missing(column: Column, block: Block) -> Mask:
    return block.missing(column.name)


def _not_finite(column: Column, block: Block) -> Mask:
    if column.is_list:
        lists = block.lists(column.name)
        return lists.any(~np.isfinite(lists.values))
    values = block.floats(column.name)
    if np.isfinite(values).all():
        return block.none()
    mask: Mask = ~np.isfinite(values) & ~block.missing(column.name)
    return mask


def _outside(column: Column, block: Block) -> Mask:
    low = -np.inf if column.minimum is None else column.minimum
    high = np.inf if column.maximum is None else column.maximum
    if column.is_list:
        lists = block.lists(column.name)
        outside: Mask = (lists.smallest() < low) | (lists.largest() > high)
        return outside
    values = block.floats(column.name)
    mask: Mask = (values < low) | (values > high)
    return mask


def _other_length(column: Column, block: Block) -> Mask:
    mask: Mask = (block.lists(column.name).lengths != column.length) & ~block.missing(column.name)
    return mask


def _not_allowed(column: Column, block: Block) -> Mask:
    if column.dtype == "string":
        mask: Mask = ~block.where(column.name, set(column.allowed).__contains__)
        return mask & ~block.missing(column.name)
    values = block.floats(column.name)
    return ~np.isin(values, np.array(column.allowed, dtype=np.float64)) & np.isfinite(values)


def describe_range(column: Column) -> str:
    """The column's range in words, "" for none."""
    unit = f" {column.unit}" if column.unit not in ("", "UTC") else ""
    if column.dtype == "timestamp":
        return "from 2000-01-01 to 2100-01-01"
    if column.minimum is None and column.maximum is None:
        return ""
    if column.maximum is None:
        return f"at least {column.minimum:g}{unit}"
    if column.minimum is None:
        return f"at most {column.maximum:g}{unit}"
    return f"{column.minimum:g} to {column.maximum:g}{unit}"


def _of(column: Column) -> Iterator[Rule]:
    name = column.name
    if not column.nullable:
        yield Rule(
            f"{name}.present",
            f"{name} is never null",
            "write every row with this value, or drop the row at its source",
            (name,),
            partial(_missing, column),
        )
    if column.dtype == "float64":
        yield Rule(
            f"{name}.finite",
            f"{name} is a finite number or null; NaN and infinities are refused",
            "write null for a missing value and find out where the number broke",
            (name,),
            partial(_not_finite, column),
        )
    if column.is_list:
        yield Rule(
            f"{name}.finite",
            f"every element of {name} is a finite number; null, NaN and infinities inside of it are refused",
            "write null for the whole list where it was lost, and find out where the number broke",
            (name,),
            partial(_not_finite, column),
        )
    if column.length is not None:
        yield Rule(
            f"{name}.length",
            f"{name} has {column.length} elements",
            "write one element for each place, 0 for what vanishes",
            (name,),
            partial(_other_length, column),
        )
    if column.allowed:
        allowed = ", ".join(repr(value) for value in column.allowed)
        yield Rule(
            f"{name}.allowed",
            f"{name} is one of {allowed}",
            "use one of these values",
            (name,),
            partial(_not_allowed, column),
        )
    elif column.minimum is not None or column.maximum is not None:
        yield Rule(
            f"{name}.range",
            f"{'every element of ' if column.is_list else ''}{name} lies within {describe_range(column)}",
            "check the unit first, then the source of the value",
            (name,),
            partial(_outside, column),
        )


@cache
def column_rules(table: Table) -> tuple[Rule, ...]:
    """The rules that the columns of a table imply, in the columns' order."""
    return tuple(rule for column in table.columns for rule in _of(column))


def all_rules(table: Table) -> tuple[Rule, ...]:
    """Every rule of a table: those of its columns first."""
    return column_rules(table) + table.rules
