"""Regression trees under construction at the control centre, a few at a time, and what is left of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from federation.families.regression_splits import RegressionSplits
from federation.shared_bins import SharedBins
from models.trees import LARGEST, LEAF, TreeArrays

PREFIX = "growing_"


@dataclass(frozen=True, slots=True)
class Limits:
    """When growing ends.

    Attributes:
        max_leaf_nodes: Leaves of a tree.
        min_samples_leaf: Draws that every leaf keeps, over all sites.
        max_depth: Edges from a root to its deepest leaf.
    """

    max_leaf_nodes: int
    min_samples_leaf: int
    max_depth: int


@dataclass(frozen=True, slots=True)
class GrowingForest:
    """t trees with m nodes in all; the first t nodes are the roots, children follow their parents.

    Attributes:
        tree: Tree of each node, int64 [m].
        column: Column tested; -1 where there is no split (yet).
        bin: Rows in this bin of the column or a lower one go left.
        missing_left: Whether missing values go left, bool [m].
        left: Left child, the right one follows it; -1 where there is none.
        depth: Edges from the root.
        rows: Draws in the node over all sites.
        total: Sum of their targets in whole steps.
        key: Smallest improvement on the way from the root, the node's own split included; -1 without a split.
        above: The parent's `key`; infinite at a root.
    """

    tree: NDArray[np.int64]
    column: NDArray[np.int64]
    bin: NDArray[np.int64]
    missing_left: NDArray[np.bool_]
    left: NDArray[np.int64]
    depth: NDArray[np.int64]
    rows: NDArray[np.int64]
    total: NDArray[np.int64]
    key: NDArray[np.float64]
    above: NDArray[np.float64]

    @classmethod
    def roots(cls, trees: int) -> GrowingForest:
        """Roots of which nothing is known yet."""
        zero, none = np.zeros(trees, dtype=np.int64), np.full(trees, LEAF, dtype=np.int64)
        return cls(
            tree=np.arange(trees, dtype=np.int64),
            column=none,
            bin=zero,
            missing_left=np.zeros(trees, dtype=bool),
            left=none,
            depth=zero,
            rows=zero,
            total=zero,
            key=np.full(trees, -1.0),
            above=np.full(trees, np.inf),
        )

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> GrowingForest:
        """Read the arrays of a state back."""
        return cls(**{part.name: arrays[PREFIX + part.name] for part in fields(cls)})

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays by name."""
        return {PREFIX + part.name: getattr(self, part.name) for part in fields(self)}

    def split(
        self,
        nodes: NDArray[np.int64],
        tried: NDArray[np.int64],
        sums: tuple[NDArray[np.int64], NDArray[np.int64]],
        splits: RegressionSplits,
    ) -> GrowingForest:
        """The trees with `splits` done at `nodes`, children appended.

        Args:
            nodes: Open nodes, [o].
            tried: Columns that each of them tried, [o, m].
            sums: Draws and sums of targets of each of them, [o] each.
            splits: Their best splits.
        """
        done = splits.place >= 0
        at, m = nodes[done], self.column.size
        rows, total = self.rows.copy(), self.total.copy()
        rows[nodes], total[nodes] = sums
        column, bins, left, key = self.column.copy(), self.bin.copy(), self.left.copy(), self.key.copy()
        missing_left = self.missing_left.copy()
        column[at] = tried[done, splits.place[done]]
        bins[at], missing_left[at] = splits.bin[done], splits.missing_left[done]
        left[at] = m + 2 * np.arange(at.size)
        key[at] = np.minimum(self.above[at], splits.improvement[done])
        of_left = np.stack([splits.rows[done], rows[at] - splits.rows[done]], axis=1).ravel()
        sum_left = np.stack([splits.total[done], total[at] - splits.total[done]], axis=1).ravel()
        none = np.full(2 * at.size, LEAF, dtype=np.int64)
        return GrowingForest(
            tree=np.concatenate([self.tree, np.repeat(self.tree[at], 2)]),
            column=np.concatenate([column, none]),
            bin=np.concatenate([bins, np.zeros_like(none)]),
            missing_left=np.concatenate([missing_left, np.zeros(none.size, dtype=bool)]),
            left=np.concatenate([left, none]),
            depth=np.concatenate([self.depth, np.repeat(self.depth[at] + 1, 2)]),
            rows=np.concatenate([rows, of_left]),
            total=np.concatenate([total, sum_left]),
            key=np.concatenate([key, np.full(none.size, -1.0)]),
            above=np.concatenate([self.above, np.repeat(key[at], 2)]),
        )

    def open_from(self, first: int, limits: Limits) -> NDArray[np.int64]:
        """Nodes from number `first` on that may be worth a split, int64 [o].

        Of L leaves the best-first tree is wanted: its L − 1 splits are those with the largest `key` in the
        fully grown one. A node whose parent's key is below the (L − 1)-th largest known is never among them.
        """
        nodes = np.arange(first, self.column.size)
        wanted = (self.depth[nodes] < limits.max_depth) & (self.rows[nodes] >= 2 * limits.min_samples_leaf)
        least = np.full(int(self.tree.max()) + 1, -np.inf)
        for tree in range(least.size):
            known = np.sort(self.key[(self.tree == tree) & (self.column >= 0)])[::-1]
            if known.size >= limits.max_leaf_nodes - 1:
                least[tree] = known[limits.max_leaf_nodes - 2]
        opened: NDArray[np.int64] = nodes[wanted & (self.above[nodes] >= least[self.tree[nodes]])]
        return opened

    def finish(self, bins: SharedBins, limits: Limits, step: float) -> tuple[TreeArrays, ...]:
        """The best-first trees: shared edges for bins, mean targets for sums."""
        return tuple(self._finish(int(tree), bins, limits, step) for tree in range(int(self.tree.max()) + 1))

    def _finish(self, tree: int, bins: SharedBins, limits: Limits, step: float) -> TreeArrays:
        inner = np.flatnonzero((self.tree == tree) & (self.column >= 0))
        # A parent's key is never below its child's, and its number is lower: the chosen set is a tree.
        order = np.lexsort((inner, -self.key[inner]))[: limits.max_leaf_nodes - 1]
        kept = np.sort(inner[order])
        nodes = np.sort(np.concatenate([[tree], self.left[kept], self.left[kept] + 1]))
        place = np.full(self.column.size, LEAF, dtype=np.int64)
        place[nodes] = np.arange(nodes.size)
        at = place[kept]
        column = np.full(nodes.size, LEAF, dtype=np.int64)
        left, right, threshold = column.copy(), column.copy(), np.zeros(nodes.size)
        missing_left = np.zeros(nodes.size, dtype=bool)
        column[at], missing_left[at] = self.column[kept], self.missing_left[kept]
        left[at], right[at] = place[self.left[kept]], place[self.left[kept] + 1]
        for node, number in zip(at, kept, strict=True):
            edges = bins.of(int(self.column[number]))
            threshold[node] = edges[self.bin[number]] if self.bin[number] < edges.size else LARGEST
        mean = self.total[nodes] / np.maximum(self.rows[nodes], 1) * step
        return TreeArrays(column, threshold, left, right, mean[:, None], missing_left)
