"""Rows of the table `customers`: one customer, its ten figures, what it draws at the peak, and its class."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from data_contracts.tables.customers import CLASSES
from features.context import profile
from models import columns
from models.dataset import Built
from models.errors import DataError
from models.protocol import Definition
from models.rows import Names, Rows
from models.splits import split_of_day
from substations import read as read_substation
from switchyard.log import get_logger

TABLE = "customers"

_RECORDS = tuple(feature.name for feature in profile.RECORDS)
_READ = ("customer", "point", "sector", "working_w", "weekend_w", *_RECORDS, "flexible_w", "true_class")
_log = get_logger("models.customer_rows")


def build(dataset: Dataset, definition: Definition[Any], start: date) -> Built:
    """Every customer that draws anything; its sector is the row's kind, itself the episode.

    A customer has no day of its own. Of every 20, by name, 14 train, 3 validate and 3 test.

    Args:
        dataset: Contracted tables.
        definition: The model that the rows are for; its features are those of the group `profile`.
        start: The campaign's first local date, whose midnight stands for the rows' time.

    Raises:
        DataError: No row is left, or a customer belongs to a point that the substation does not describe.
    """
    table = dataset.read(TABLE, columns=list(_READ))
    substation = read_substation(dataset.substation)
    customer, point = columns.names(table, "customer"), columns.names(table, "point")
    kind_of_point = {one.id: str(one.kind) for one in substation.points}
    strangers = [name for name in point.texts if name not in kind_of_point]
    if strangers:
        raise DataError(
            f"{TABLE} has the points {', '.join(strangers)}, which {substation.name} does not describe",
            "simulate again with this description",
        )
    found = dict(zip((feature.name for feature in profile.FEATURES), _figures(table).T, strict=True))
    X = np.stack([found[name] for name in definition.columns], axis=1)
    kept = np.flatnonzero(np.isfinite(X).all(axis=1))
    if not kept.size:
        raise DataError(f"dataset {dataset.name}: {TABLE} has no customer that draws anything", "simulate it")
    midnight = datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp() - substation.utc_offset_s
    _, place = np.unique(customer.array(), return_inverse=True)
    rows = Rows(
        columns=definition.columns,
        X=X[kept],
        truth={"code": _classes(table)[kept], "flexible_w": columns.floats(table, "flexible_w")[kept]},
        substation=Names(np.zeros(kept.size, dtype=np.int64), (substation.name,)),
        episode=customer.take(kept),
        kind=columns.names(table, "sector").take(kept),
        point=point.take(kept),
        point_kind=Names.of([kind_of_point[name] for name in point.take(kept).array()]),
        t=np.full(kept.size, midnight),
        split=split_of_day(place.astype(np.int64))[kept],
    )
    _log.info("%s, %s: %d customers", definition.name, dataset.name, kept.size)
    return Built(rows, len(X), len(X) - kept.size, 0)


def _figures(table: Any) -> NDArray[np.float64]:
    """Features of the group `profile`, in its order, float64 [n, features]."""
    working, rest = (columns.floats_or_lists(table, name) for name in ("working_w", "weekend_w"))
    records = np.stack([columns.floats(table, name) for name in _RECORDS], axis=1)
    return np.concatenate([profile.compute(working, rest), records], axis=1)


def _classes(table: Any) -> NDArray[np.int64]:
    names = columns.names(table, "true_class")
    codes: NDArray[np.int64] = np.array([CLASSES.index(text) for text in names.texts], dtype=np.int64)
    return codes[names.codes]
