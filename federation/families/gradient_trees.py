"""Boosted trees under construction: what the control centre keeps of them, and how a site walks them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from federation.families.gradient_splits import GradientSplits, Limits, Sums
from federation.shared_bins import SharedBins
from models.boosting import Nodes
from models.trees import LARGEST, LEAF

PREFIX = "node_"


@dataclass(frozen=True, slots=True)
class Shape:
    """What a site must know of m nodes to walk them.

    Attributes:
        tree: Tree of each node, int64 [m]; a tree's first node is its root.
        column: Column tested; -1 where there is no split (yet).
        bin: Rows in this bin of the column or a lower one go left.
        missing_left: Whether missing values go left, bool [m].
        left: Left child, the right one follows it; -1 where there is none.
        value: What a leaf of a finished tree adds to the margin, float64 [m]; 0 elsewhere.
    """

    tree: NDArray[np.int64]
    column: NDArray[np.int64]
    bin: NDArray[np.int64]
    missing_left: NDArray[np.bool_]
    left: NDArray[np.int64]
    value: NDArray[np.float64]

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Shape:
        """Read the arrays of a state."""
        return cls(**{part.name: arrays[PREFIX + part.name] for part in fields(cls)})

    @classmethod
    def none(cls) -> Shape:
        """No nodes."""
        whole = np.zeros(0, dtype=np.int64)
        return cls(whole, whole, whole, np.zeros(0, dtype=bool), whole, np.zeros(0))

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of its arrays in a state."""
        return tuple(PREFIX + part.name for part in fields(cls))

    @property
    def count(self) -> int:
        """Number of trees."""
        return int(self.tree.max(initial=-1)) + 1

    def first(self, trees: int) -> Shape:
        """The first `trees` trees, which hold the first nodes: trees are sown when those before are grown."""
        own = int(np.count_nonzero(self.tree < trees))
        return Shape(**{part.name: getattr(self, part.name)[:own] for part in fields(self)})

    def continues(self, other: Shape) -> bool:
        """Whether the first trees are those of `other`."""
        own = self.first(other.count)
        return all(np.array_equal(getattr(own, part.name), getattr(other, part.name)) for part in fields(own))

    @property
    def roots(self) -> NDArray[np.int64]:
        """Root of each tree, int64 [t]."""
        roots: NDArray[np.int64] = np.unique(self.tree, return_index=True)[1]
        return roots

    def walk(self, root: int, numbers: NDArray[np.int64], missing: int) -> NDArray[np.int64]:
        """Node in which each row ends that starts at `root`, int64 [n].

        Args:
            root: Where rows start.
            numbers: Bin of every value, [n, columns].
            missing: Number of the bin of missing values.
        """
        node = np.full(numbers.shape[0], root, dtype=np.int64)
        rows = np.arange(numbers.shape[0])
        while True:
            rows = rows[self.column[node[rows]] >= 0]
            if rows.size == 0:
                return node
            at = node[rows]
            number = numbers[rows, self.column[at]]
            goes_left = np.where(number == missing, self.missing_left[at], number <= self.bin[at])
            node[rows] = np.where(goes_left, self.left[at], self.left[at] + 1)


@dataclass(frozen=True, slots=True)
class GradientTrees:
    """All nodes of all trees, finished and growing; children follow their parents.

    Attributes:
        shape: What sites are told.
        depth: Edges from the root, int64 [m].
        sums: Rows, gradients and second derivatives in each node over all sites, [m].
    """

    shape: Shape
    depth: NDArray[np.int64]
    sums: Sums

    @classmethod
    def none(cls) -> GradientTrees:
        """No trees yet."""
        whole = np.zeros(0, dtype=np.int64)
        return cls(Shape.none(), whole, Sums(whole, whole, whole))

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> GradientTrees:
        """Read the arrays of a state back."""
        sums = Sums(*(arrays[f"{PREFIX}{part.name}"] for part in fields(Sums)))
        return cls(Shape.of(arrays), arrays[f"{PREFIX}depth"], sums)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays by name."""
        named = [(part.name, getattr(self.shape, part.name)) for part in fields(Shape)]
        named += [(part.name, getattr(self.sums, part.name)) for part in fields(Sums)]
        return {PREFIX + name: array for name, array in [*named, ("depth", self.depth)]}

    @property
    def count(self) -> int:
        """Number of trees."""
        return self.shape.count

    def sow(self, count: int) -> GradientTrees:
        """The trees, and the roots of `count` more of which nothing is known yet."""
        zero = np.zeros(count, dtype=np.int64)
        tree = self.count + np.arange(count, dtype=np.int64)
        return self.with_leaves(tree, zero, Sums(zero, zero, zero))

    def with_leaves(self, tree: NDArray[np.int64], depth: NDArray[np.int64], sums: Sums) -> GradientTrees:
        """The trees, and leaves [k] of `tree` at `depth` with their `sums`."""
        none = np.full(tree.size, LEAF, dtype=np.int64)
        old = self.shape
        shape = Shape(
            tree=np.concatenate([old.tree, tree]),
            column=np.concatenate([old.column, none]),
            bin=np.concatenate([old.bin, np.zeros_like(none)]),
            missing_left=np.concatenate([old.missing_left, np.zeros(none.size, dtype=bool)]),
            left=np.concatenate([old.left, none]),
            value=np.concatenate([old.value, np.zeros(none.size)]),
        )
        joined = Sums(*(np.concatenate(pair) for pair in zip(self.sums.parts, sums.parts, strict=True)))
        return GradientTrees(shape, np.concatenate([self.depth, depth]), joined)

    def split(self, nodes: NDArray[np.int64], own: Sums, splits: GradientSplits) -> GradientTrees:
        """The trees with `splits` done at `nodes` [o], whose sums are `own`; children appended."""
        done = splits.column >= 0
        at, m = nodes[done], self.shape.tree.size
        column, bins, left = self.shape.column.copy(), self.shape.bin.copy(), self.shape.left.copy()
        missing_left = self.shape.missing_left.copy()
        column[at], bins[at] = splits.column[done], splits.bin[done]
        missing_left[at] = splits.missing_left[done]
        left[at] = m + 2 * np.arange(at.size)
        known = Sums(*(part.copy() for part in self.sums.parts))
        for part, found in zip(known.parts, own.parts, strict=True):
            part[nodes] = found
        children = Sums(
            *(
                np.stack([lower[done], whole[done] - lower[done]], axis=1).ravel()
                for lower, whole in zip(splits.left.parts, own.parts, strict=True)
            )
        )
        shape = Shape(self.shape.tree, column, bins, missing_left, left, self.shape.value)
        return GradientTrees(shape, self.depth, known).with_leaves(
            np.repeat(self.shape.tree[at], 2), np.repeat(self.depth[at] + 1, 2), children
        )

    def open_from(self, first: int, deepest: NDArray[np.int64], limits: Limits) -> NDArray[np.int64]:
        """Nodes from number `first` on that may be split.

        Args:
            first: First node that was not asked about.
            deepest: Depth of each tree at most, int64 [t].
            limits: What a split must leave.
        """
        nodes = np.arange(first, self.depth.size)
        above = self.depth[nodes] < deepest[self.shape.tree[nodes]]
        opened: NDArray[np.int64] = nodes[above & (self.sums.rows[nodes] >= 2 * limits.rows)]
        return opened

    def finish(self, limits: Limits, rate: float) -> GradientTrees:
        """The trees with what each leaf adds to the margin."""
        leaf = self.shape.column < 0
        value = np.where(leaf, rate * limits.answer(self.sums), 0.0)
        return replace(self, shape=replace(self.shape, value=value))

    def answering(self, leaves: NDArray[np.int64], answers: NDArray[np.float64]) -> GradientTrees:
        """The trees with other answers of `leaves`, [l] each."""
        value = self.shape.value.copy()
        value[leaves] = answers
        return replace(self, shape=replace(self.shape, value=value))

    def nodes(self, tree: int, bins: SharedBins) -> Nodes:
        """One finished tree with shared edges for bins, by its nodes."""
        own = np.flatnonzero(self.shape.tree == tree)
        place = np.full(self.shape.tree.size + 2, LEAF, dtype=np.int64)
        place[own] = np.arange(own.size)
        column, left = self.shape.column[own], self.shape.left[own]
        inner = column >= 0
        threshold = np.zeros(own.size)
        for node in np.flatnonzero(inner):
            edges, bin_of = bins.of(int(column[node])), int(self.shape.bin[own[node]])
            threshold[node] = below(edges[bin_of]) if bin_of < edges.size else LARGEST
        return Nodes(
            feature=column,
            threshold=threshold,
            left=np.where(inner, place[left], LEAF),
            right=np.where(inner, place[left + 1], LEAF),
            missing_left=self.shape.missing_left[own],
            answer=self.shape.value[own],
            cover=self.sums.hessian[own].astype(np.float64),
        )


def below(edge: float) -> float:
    """The largest float32 that is not above `edge`: it parts numbers of that kind alike."""
    nearest = np.float32(edge)
    return float(nearest if float(nearest) <= edge else np.nextafter(nearest, np.float32(-np.inf)))
