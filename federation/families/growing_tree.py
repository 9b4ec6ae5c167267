"""A classification tree under construction at the control centre, and what is left of it in the end."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from federation.families.splitting import Criterion, Splits, impurity
from federation.shared_bins import SharedBins
from models.trees import LEAF, TreeArrays


@dataclass(frozen=True, slots=True)
class Limits:
    """When growing ends.

    Attributes:
        max_depth: Edges from the root to the deepest leaf.
        min_samples_leaf: Rows that every leaf keeps, over all sites.
        max_leaf_nodes: Leaves of the finished tree; None for no limit.
        criterion: Impurity.
    """

    max_depth: int
    min_samples_leaf: int
    max_leaf_nodes: int | None
    criterion: Criterion


@dataclass(frozen=True, slots=True)
class GrowingTree:
    """m nodes in breadth-first order, all arrays of length m.

    Attributes:
        column: Column tested; -1 where there is no split (yet).
        bin: Rows in this bin of the column or a lower one go left.
        left: Left child; -1 where there is none.
        right: Right child; -1 where there is none.
        depth: Edges from the root.
        counts: Rows by class, int64 [m, classes].
        key: Smallest improvement on the way from the root, the node's own split included; -1 without a split.
        above: The parent's `key`; infinite at the root.
    """

    column: NDArray[np.int64]
    bin: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    depth: NDArray[np.int64]
    counts: NDArray[np.int64]
    key: NDArray[np.float64]
    above: NDArray[np.float64]

    @classmethod
    def root(cls, counts: NDArray[np.int64]) -> GrowingTree:
        """A root with class counts [classes]."""
        none = np.full(1, LEAF, dtype=np.int64)
        zero = np.zeros(1, dtype=np.int64)
        return cls(none, zero, none, none, zero, counts[None, :], np.full(1, -1.0), np.full(1, np.inf))

    @classmethod
    def of_arrays(cls, arrays: dict[str, NDArray[Any]]) -> GrowingTree:
        """Read the arrays back."""
        return cls(**{part.name: arrays[part.name] for part in fields(cls)})

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays by name."""
        return {part.name: getattr(self, part.name) for part in fields(self)}

    def split(self, nodes: NDArray[np.int64], splits: Splits) -> GrowingTree:
        """The tree with `splits` done at `nodes`, children appended."""
        done = splits.column >= 0
        at, m = nodes[done], self.column.size
        left = m + 2 * np.arange(at.size)
        column, bins, key = self.column.copy(), self.bin.copy(), self.key.copy()
        lefts, rights = self.left.copy(), self.right.copy()
        column[at], bins[at] = splits.column[done], splits.bin[done]
        key[at] = np.minimum(self.above[at], splits.improvement[done])
        lefts[at], rights[at] = left, left + 1
        children = np.stack([splits.left[done], self.counts[at] - splits.left[done]], axis=1)
        none = np.full(2 * at.size, LEAF, dtype=np.int64)
        return GrowingTree(
            column=np.concatenate([column, none]),
            bin=np.concatenate([bins, np.zeros_like(none)]),
            left=np.concatenate([lefts, none]),
            right=np.concatenate([rights, none]),
            depth=np.concatenate([self.depth, np.repeat(self.depth[at] + 1, 2)]),
            counts=np.concatenate([self.counts, children.reshape(-1, self.counts.shape[1])]),
            key=np.concatenate([key, np.full(none.size, -1.0)]),
            above=np.concatenate([self.above, np.repeat(key[at], 2)]),
        )

    def open_from(self, first: int, limits: Limits) -> NDArray[np.int64]:
        """Nodes from number `first` on that may be worth a split, int64 [o].

        With a limit on leaves the best-first tree of L leaves is wanted: its L − 1 splits are those with the
        largest `key` in the fully grown tree. A node whose key cannot reach the (L − 1)-th largest known is
        never among them, and no histogram of it is asked for.
        """
        nodes = np.arange(first, self.column.size)
        own = impurity(self.counts[nodes], limits.criterion)
        reach = np.minimum(self.above[nodes], own)
        wanted = (
            (self.depth[nodes] < limits.max_depth)
            & (self.counts[nodes].sum(axis=1) >= 2 * limits.min_samples_leaf)
            & (np.count_nonzero(self.counts[nodes], axis=1) > 1)
        )
        if limits.max_leaf_nodes is not None:
            known = np.sort(self.key[self.column >= 0])[::-1]
            if known.size >= limits.max_leaf_nodes - 1:
                wanted &= reach >= known[limits.max_leaf_nodes - 2]
        opened: NDArray[np.int64] = nodes[wanted]
        return opened

    def pruned(self, limits: Limits) -> GrowingTree:
        """The best-first tree of at most `max_leaf_nodes` leaves."""
        inner = np.flatnonzero(self.column >= 0)
        if limits.max_leaf_nodes is None or inner.size < limits.max_leaf_nodes:
            return self
        kept = np.zeros(self.column.size, dtype=bool)
        # A parent's key is never below its child's, and its number is lower: the chosen set is a tree.
        kept[inner[np.lexsort((inner, -self.key[inner]))[: limits.max_leaf_nodes - 1]]] = True
        return replace(
            self,
            column=np.where(kept, self.column, LEAF),
            left=np.where(kept, self.left, LEAF),
            right=np.where(kept, self.right, LEAF),
        )

    def finish(self, bins: SharedBins) -> TreeArrays:
        """The reachable nodes with edges for bins and class shares for counts."""
        reached = np.zeros(self.column.size, dtype=bool)
        reached[0] = True
        for node in np.flatnonzero(self.column >= 0):
            if reached[node]:
                reached[[self.left[node], self.right[node]]] = True
        nodes = np.flatnonzero(reached)
        place = np.full(self.column.size + 1, LEAF, dtype=np.int64)
        place[nodes] = np.arange(nodes.size)
        column = self.column[nodes]
        inner = column >= 0
        threshold = np.zeros(nodes.size)
        threshold[inner] = bins.edges[bins.offsets[column[inner]] + self.bin[nodes][inner]]
        counts = self.counts[nodes].astype(np.float64)
        return TreeArrays(
            feature=column,
            threshold=threshold,
            left=place[self.left[nodes]],
            right=place[self.right[nodes]],
            value=counts / counts.sum(axis=1, keepdims=True),
        )
