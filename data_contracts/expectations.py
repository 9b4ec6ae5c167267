"""The same contracts as Great Expectations suites.

Column rules become the library's own expectations. What the library does not see becomes columns of booleans
that must be true: relations between columns and rows, the difference between null and NaN, and everything
about the elements of lists, which stay out of the frame. They are computed on whole files, as enforcement
does, before a sample of rows is taken.

Great Expectations takes seconds to import: only functions of this module import it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from data_contracts.block import Block
from data_contracts.contract import Column, Table
from data_contracts.rules.columns import all_rules

if TYPE_CHECKING:
    import pandas as pd

KEPT = "keeps "
"""Begins the name of a derived column: true where the row keeps the rule."""


def _native(table: Table) -> dict[str, tuple[Column, str]]:
    """Column rules that the library can express by itself: rule → column and what it asks."""
    return {
        f"{column.name}.{ask}": (column, ask)
        for column in table.columns
        if not column.is_list
        for ask in ("present", "range", "allowed")
    }


def suite(table: Table) -> list[Any]:
    """The contract of a table as expectations, one a rule, in the order of the rules.

    Returns:
        `great_expectations.expectations` objects; `meta["rule"]` names the rule.
    """
    import great_expectations.expectations as gxe

    native = _native(table)
    expectations = []
    for rule in all_rules(table):
        common: dict[str, Any] = {"meta": {"rule": rule.name}, "description": rule.description}
        if rule.name not in native:
            expectations.append(
                gxe.ExpectColumnValuesToBeInSet(column=KEPT + rule.name, value_set=[True], **common)
            )
            continue
        column, ask = native[rule.name]
        common["column"] = column.name
        if ask == "present":
            expectations.append(gxe.ExpectColumnValuesToNotBeNull(**common))
        elif ask == "allowed":
            expectations.append(gxe.ExpectColumnValuesToBeInSet(value_set=list(column.allowed), **common))
        else:
            expectations.append(
                gxe.ExpectColumnValuesToBeBetween(
                    min_value=column.minimum, max_value=column.maximum, **common
                )
            )
    return expectations


def frame(table: Table, block: Block, every: int = 1) -> pd.DataFrame:
    """A block's columns, but for lists, and one derived column for each rule that the library cannot express.

    Args:
        table: The contract.
        block: The rows; rules are asked about all of them.
        every: Keep each `every`-th row.
    """
    import pandas as pd

    native = _native(table)
    columns: dict[str, Any] = {}
    for column in table.columns:
        if column.is_list:
            continue
        if column.dtype == "string":
            codes, values = block.codes(column.name)
            texts = np.array([*values, None], dtype=object)
            columns[column.name] = texts[np.where(block.missing(column.name), len(values), codes)][::every]
        else:
            columns[column.name] = block.floats(column.name)[::every]
    for rule in all_rules(table):
        if rule.name not in native:
            columns[KEPT + rule.name] = ~rule.check(block)[::every]
    return pd.DataFrame(columns)
