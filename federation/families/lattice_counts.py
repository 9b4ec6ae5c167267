"""Rows by lattice bin and outcome: what a site tells so that shared bins can be chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from federation.family import Expected
from federation.message import Update
from federation.shared_bins import SharedBins, choose

OUTCOMES = 2


def counts(bins: SharedBins, X: NDArray[np.float64], outcome: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Sparse counts of the values of `X` [n, columns] by bin and outcome (0 or 1); NaN is not counted."""
    cell = OUTCOMES * (bins.index(X) + first_bins(bins)) + outcome.astype(np.int64)[:, None]
    counted = np.bincount(cell[~np.isnan(X)], minlength=OUTCOMES * bins.total)
    filled = np.flatnonzero(counted)
    return {"cell": filled.astype(np.int32), "count": counted[filled].astype(np.int32)}


def expects(bins: SharedBins, most: int) -> Mapping[str, Expected]:
    """The arrays of such counts, of at most `most` rows."""
    cells, values = OUTCOMES * bins.total, most * bins.columns
    longest = min(cells, values)
    return {
        "cell": Expected("<i4", (None,), 0, cells - 1, longest=longest),
        "count": Expected("<i4", (None,), 1, most, total=float(values), longest=longest),
    }


def inspect(bins: SharedBins, update: Update) -> str:
    """What is wrong with counts whose arrays are as expected; empty if nothing is."""
    cell, count = update.array("cell"), update.array("count")
    if cell.size != count.size or np.any(np.diff(cell) <= 0):
        return "cells do not rise, or have other counts"
    counted = np.bincount(cell // OUTCOMES, count, minlength=bins.total)
    most = int(np.add.reduceat(counted, first_bins(bins)).max())
    return "" if most <= update.n else f"{most} rows are counted, n is {update.n}"


def chosen(bins: SharedBins, updates: Sequence[Update], edges: int) -> SharedBins:
    """At most `edges` edges of each column, by the counts of all sites."""
    total = np.zeros(OUTCOMES * bins.total, dtype=np.int64)
    for one in updates:
        total[one.array("cell")] += one.array("count")
    return choose(bins, total.reshape(bins.total, OUTCOMES), edges)


def first_bins(bins: SharedBins) -> NDArray[np.int64]:
    """Number of each column's first bin, where all columns' bins are numbered through, int64 [columns]."""
    first: NDArray[np.int64] = np.cumsum(bins.sizes) - bins.sizes
    return first
