"""Best split of every open node of a tree, from histograms of class counts alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Criterion = Literal["gini", "entropy"]
LEAST_IMPROVEMENT = 1e-10
"""Impurity that a split must take away per row; below it lies rounding."""


@dataclass(frozen=True, slots=True)
class Splits:
    """The best split of each of o nodes.

    Attributes:
        column: Column to test, int64 [o]; -1 where no split helps.
        bin: Rows in this bin or a lower one go left, int64 [o].
        improvement: Rows × impurity taken away, float64 [o]; 0 where no split helps.
        left: Rows that go left by class, int64 [o, classes].
    """

    column: NDArray[np.int64]
    bin: NDArray[np.int64]
    improvement: NDArray[np.float64]
    left: NDArray[np.int64]


def impurity(counts: NDArray[np.int64], criterion: Criterion) -> NDArray[np.float64]:
    """Rows × impurity of nodes with class counts [..., classes]; float64 [...].

    Gini: n·(1 − Σ p²); entropy: −n·Σ p·log2 p (Breiman et al., 1984).
    """
    of_class = counts.astype(np.float64)
    n = np.maximum(of_class.sum(axis=-1, keepdims=True), 1.0)
    if criterion == "gini":
        spread: NDArray[np.float64] = (of_class * (1.0 - of_class / n)).sum(axis=-1)
        return spread
    logged: NDArray[np.float64] = -(of_class * np.log2(np.maximum(of_class, 1.0) / n)).sum(axis=-1)
    return logged


def best_splits(
    histograms: Iterable[NDArray[np.int64]], nodes: NDArray[np.int64], least_rows: int, criterion: Criterion
) -> Splits:
    """Find the split of every node that takes away most impurity.

    Of equal splits the first column wins, and within a run of edges that part the rows alike the middle one.

    Args:
        histograms: For each column, rows by node, bin and class, int64 [o, bins, classes].
        nodes: Rows of each node by class, int64 [o, classes].
        least_rows: Rows that either side must keep.
        criterion: Impurity.
    """
    best = Splits(
        column=np.full(nodes.shape[0], -1, dtype=np.int64),
        bin=np.zeros(nodes.shape[0], dtype=np.int64),
        improvement=np.zeros(nodes.shape[0]),
        left=np.zeros_like(nodes),
    )
    own = impurity(nodes, criterion)
    least = LEAST_IMPROVEMENT * nodes.sum(axis=1)
    for column, histogram in enumerate(histograms):
        left = np.cumsum(histogram, axis=1)[:, :-1, :]
        if left.shape[1] == 0:
            continue
        right = nodes[:, None, :] - left
        n_left, n_right = left.sum(axis=2), right.sum(axis=2)
        gain = own[:, None] - impurity(left, criterion) - impurity(right, criterion)
        gain[(n_left < least_rows) | (n_right < least_rows)] = -np.inf
        first = np.argmax(gain, axis=1)
        found = gain[np.arange(first.size), first]
        for node in np.flatnonzero((found > best.improvement) & (found > least)):
            alike = int(np.searchsorted(n_left[node], n_left[node, first[node]], side="right")) - 1
            best.column[node] = column
            best.bin[node] = (first[node] + alike) // 2
            best.improvement[node] = found[node]
            best.left[node] = left[node, first[node]]
    return best
