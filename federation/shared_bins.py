"""Bins that every site cuts its rows by, made from merged moments and merged counts, never from a row.

First a lattice: around the merged mean, in steps that widen with the distance (equal steps of asinh z), every
edge rounded to a decimal. Sites count their rows on it by class; from the merged counts the control centre
keeps those lattice edges that cut the classes into about equal shares. No smallest or largest value and no
quantile of a site is ever asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from federation.errors import FederationError

LATTICE_EDGES = 8192
REACH = 7.0
"""asinh of the farthest edge: sinh(7) = 548 standard deviations."""
DIGITS = 4.0
"""Decimal digits of a standard deviation that an edge keeps; the finest lattice step is 0.0017 of one."""


@dataclass(frozen=True, slots=True)
class SharedBins:
    """Edges of p columns. Bin b of a column holds edge[b − 1] < x <= edge[b]; the outer bins are open.

    Attributes:
        edges: Ascending edges, column after column, float64 [e].
        offsets: Where each column's edges begin, int64 [p + 1].
    """

    edges: NDArray[np.float64]
    offsets: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.offsets.size < 2 or self.offsets[0] != 0 or self.offsets[-1] != self.edges.size:
            raise FederationError("bins: offsets do not span the edges")
        if np.any(np.diff(self.offsets) < 0):
            raise FederationError("bins: offsets fall")
        for column in range(self.columns):
            if np.any(np.diff(self.of(column)) <= 0):
                raise FederationError(f"bins: edges of column {column} do not rise")

    @classmethod
    def join(cls, columns: list[NDArray[np.float64]]) -> SharedBins:
        """Bins from each column's ascending edges."""
        sizes = np.asarray([0, *(edges.size for edges in columns)], dtype=np.int64)
        return cls(np.concatenate([np.zeros(0), *columns]), np.cumsum(sizes))

    @property
    def columns(self) -> int:
        """Number of columns, p."""
        return int(self.offsets.size - 1)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Bins of each column: its edges and one more, int64 [p]."""
        sizes: NDArray[np.int64] = np.diff(self.offsets) + 1
        return sizes

    @property
    def total(self) -> int:
        """Bins of all columns."""
        return int(self.sizes.sum())

    def of(self, column: int) -> NDArray[np.float64]:
        """The edges of one column."""
        return self.edges[self.offsets[column] : self.offsets[column + 1]]

    def index(self, X: NDArray[np.float64]) -> NDArray[np.int64]:
        """Bin of every value of `X` [n, p], int64 [n, p]; x <= edge[b] exactly where the bin is <= b."""
        binned = np.empty(X.shape, dtype=np.int64)
        for column in range(self.columns):
            binned[:, column] = np.searchsorted(self.of(column), X[:, column], side="left")
        return binned


def lattice(mean: NDArray[np.float64], deviation: NDArray[np.float64]) -> SharedBins:
    """The lattice of p columns around `mean` [p] in units of `deviation` [p]; a constant one gets no edge."""
    z = np.sinh(np.linspace(-REACH, REACH, LATTICE_EDGES))
    columns = []
    for centre, spread in zip(mean.tolist(), deviation.tolist(), strict=True):
        if spread <= 0:
            columns.append(np.zeros(0))
            continue
        decimals = int(np.ceil(DIGITS - np.log10(spread)))
        columns.append(np.unique(np.round(centre + spread * z, decimals)))
    return SharedBins.join(columns)


def choose(fine: SharedBins, counts: NDArray[np.int64], most: int) -> SharedBins:
    """Keep at most `most` edges of a lattice, so that each class is cut into about equal shares.

    Classes weigh alike however many rows they have: a boundary between rare classes needs edges too.

    Args:
        fine: The lattice.
        counts: Rows by lattice bin (column after column) and class, int64 [fine.total, classes].
        most: Edges to keep in each column.

    Raises:
        FederationError: `counts` has another number of bins than the lattice.
    """
    if counts.shape[0] != fine.total:
        raise FederationError(f"bins: counts of {counts.shape[0]} bins for a lattice of {fine.total}")
    ends = np.cumsum(fine.sizes)
    columns = []
    for column, (end, size) in enumerate(zip(ends, fine.sizes, strict=True)):
        edges = fine.of(column)
        of_class = counts[end - size : end].astype(np.float64)
        share = of_class / np.maximum(of_class.sum(axis=0), 1.0)
        mass = np.cumsum(share.sum(axis=1))
        if edges.size == 0 or mass[-1] == 0:
            columns.append(np.zeros(0))
            continue
        # Edge b lies behind bin b. An edge with no mass in front of it or none behind it cuts nothing.
        wanted = mass[-1] * np.arange(1, most + 1) / (most + 1)
        kept = np.unique(np.searchsorted(mass[:-1], wanted, side="left"))
        columns.append(edges[kept[kept < edges.size]])
    return SharedBins.join(columns)
