"""Rows of the table `stability`: what a control centre knows of a state of the grid, and what limits it.

A state has three margins and the score of each. The least of them limits it, and with it one failure: the
one after which the nose is nearest, the severest one, or the loss of the largest infeed.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

import substations
from data_contracts.dataset import Dataset
from data_contracts.tables.stability import CLASSES, ELEMENTS, KNOWN, MARGINS
from features.context import grid
from models import columns
from models.dataset import Built
from models.errors import DataError
from models.protocol import Definition
from models.rows import Names, Rows
from models.splits import day_of, split_of_day
from switchyard.log import get_logger

TABLE = "stability"
SCORES = tuple(f"score_{margin}" for margin in MARGINS)
LIMITING = ("limiting_contingency", "worst_contingency", "largest_infeed")
"""Columns with the failure that limits, by the margin that is the least; in the order of `MARGINS`."""

Float = NDArray[np.float64]

_log = get_logger("models.stability_rows")


def build(dataset: Dataset, definition: Definition[Any], start: date) -> Built:
    """States that have a solution. States of one local day are one episode: they share weather and load.

    Truth: `score` 0–100, `code` (place in `CLASSES`), `margins` [n, 3] with the score of each of `MARGINS`,
    `margin` (place of the least), `failure` (name of what limits) and `counted`, true everywhere.

    Raises:
        DataError: No state has a solution.
    """
    import pyarrow.compute as pc

    substation = substations.read(dataset.substation)
    every = dataset.read(
        TABLE,
        columns=[
            "t",
            "status",
            *KNOWN,
            *ELEMENTS,
            *SCORES,
            "score",
            "stability_class",
            "limited_by",
            *LIMITING,
        ],
    )
    table = every.filter(pc.field("status") == "ok")
    if not table.num_rows:
        raise DataError(
            f"dataset {dataset.name}: no state of {TABLE} has a solution", "raise contingency in the profile"
        )
    t = columns.seconds(table).astype(np.float64)
    day = day_of(t, start, substation.utc_offset_s)
    known = np.stack([columns.floats(table, name) for name in grid.KNOWN], axis=1)
    elements = {name: columns.floats_or_lists(table, name) for name in ELEMENTS}
    found = dict(zip((one.name for one in grid.FEATURES), grid.compute(known, elements).T, strict=True))
    margin = _codes(table, "limited_by", MARGINS)
    failures = np.stack([columns.names(table, name).array() for name in LIMITING], axis=1)
    point = next(point for point in substation.points if point.kind == "system")
    one = np.zeros(t.size, dtype=np.int64)
    rows = Rows(
        columns=definition.columns,
        X=np.stack([found[name] for name in definition.columns], axis=1),
        truth={
            "score": columns.floats(table, "score"),
            "code": _codes(table, "stability_class", CLASSES),
            "margins": np.stack([columns.floats(table, name) for name in SCORES], axis=1),
            "margin": margin,
            "failure": failures[np.arange(t.size), margin],
            "counted": np.ones(t.size, dtype=bool),
        },
        substation=Names(one, (substation.name,)),
        episode=Names.of([f"{substation.name}.day-{one:04d}" for one in day]),
        kind=Names(margin, MARGINS),
        point=Names(one, (point.id,)),
        point_kind=Names(one, (str(point.kind),)),
        t=t,
        split=split_of_day(day),
    )
    _log.info("%s, %s: %d states of %d", definition.name, dataset.name, t.size, every.num_rows)
    return Built(rows, every.num_rows, 0, every.num_rows - t.size)


def _codes(table: Any, name: str, values: tuple[str, ...]) -> NDArray[np.int64]:
    """Place in `values` of each text of a column."""
    found = columns.names(table, name)
    place = np.array([values.index(text) for text in found.texts], dtype=np.int64)
    codes: NDArray[np.int64] = place[found.codes]
    return codes
