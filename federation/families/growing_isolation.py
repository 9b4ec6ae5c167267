"""Isolation trees grown on a lattice, so that no split tells a value closer than the lattice does.

Source: Liu, Ting, Zhou, "Isolation Forest", ICDM 2008, algorithm 2. A split value there is drawn uniformly
between the smallest and the largest value of the node's rows; here it is the lattice point below such a
draw. The lattice does not depend on the rows: multiples of 2^−10 of a whitened unit. A box of a tree is
therefore never narrower than that, and a split is no row's value. Columns that are stretched, z·|z|^(p−1),
are drawn from as stretched, so that splits fall into the tails, and put on the lattice as they were before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from federation.errors import FederationError
from models.isolation import unsuccessful_search
from models.trees import LEAF, TreeArrays

STEPS_PER_UNIT = 1024
FARTHEST = 1000 * STEPS_PER_UNIT
"""Lattice number of the outermost point, where the model clips its columns too."""


@dataclass(frozen=True, slots=True)
class LatticeTrees:
    """t trees, their nodes one after the other; within a tree breadth first, both children side by side.

    Attributes:
        nodes: Nodes of each tree, int32 [t].
        column: Column tested, int16 [m]; -1 at a leaf.
        split: Lattice number of the split value, int32 [m]; 0 at a leaf.
        left: Left child within the tree, the right one follows it; int32 [m]; -1 at a leaf.
        rows: Rows of a leaf, int16 [m]; 0 at an inner node.
    """

    nodes: NDArray[np.int32]
    column: NDArray[np.int16]
    split: NDArray[np.int32]
    left: NDArray[np.int32]
    rows: NDArray[np.int16]

    @classmethod
    def join(cls, parts: list[LatticeTrees]) -> LatticeTrees:
        """All trees of all parts, in order.

        Raises:
            FederationError: There are no parts.
        """
        if not parts:
            raise FederationError("isolation forest: no trees to join")
        return cls(
            nodes=np.concatenate([part.nodes for part in parts]),
            column=np.concatenate([part.column for part in parts]),
            split=np.concatenate([part.split for part in parts]),
            left=np.concatenate([part.left for part in parts]),
            rows=np.concatenate([part.rows for part in parts]),
        )

    def renamed(self, columns: NDArray[np.int64]) -> LatticeTrees:
        """The same trees with their columns numbered as `columns` says."""
        inner = self.column >= 0
        column = np.where(inner, columns[np.where(inner, self.column, 0)], LEAF).astype(np.int16)
        return replace(self, column=column)

    def check(self, trees: int, columns: int, psi: int) -> str:
        """What is wrong with arrays from outside; empty if they are `trees` trees of `psi` rows each."""
        if self.nodes.size != trees:
            return f"{self.nodes.size} trees, {trees} were asked for"
        m = int(self.nodes.sum(dtype=np.int64))
        if any(part.size != m for part in (self.column, self.split, self.left, self.rows)):
            return f"arrays do not have the {m} nodes that the trees add up to"
        if self.nodes.min(initial=1) < 1 or self.nodes.max(initial=1) > 2 * psi - 1:
            return f"a tree of {psi} rows has between 1 and {2 * psi - 1} nodes"
        begin = 0
        for number, size in enumerate(self.nodes.tolist()):
            part = slice(begin, begin + size)
            wrong = _check_tree(self.column[part], self.left[part], self.rows[part], columns, psi)
            if wrong:
                return f"tree {number}: {wrong}"
            begin += size
        return ""

    def tree_arrays(self, power: int) -> tuple[TreeArrays, ...]:
        """The trees with stretched split values and h = depth + c(rows) at the leaves."""
        trees, begin = [], 0
        for size in self.nodes.tolist():
            part = slice(begin, begin + size)
            left = self.left[part].astype(np.int64)
            bare = TreeArrays(
                feature=self.column[part].astype(np.int64),
                threshold=stretch(self.split[part] / STEPS_PER_UNIT, power),
                left=left,
                right=np.where(left == LEAF, LEAF, left + 1),
                value=np.zeros((size, 1)),
            )
            h = bare.depths() + unsuccessful_search(self.rows[part].astype(np.float64))
            value = np.where(bare.is_leaf, h, 0.0)[:, None]
            trees.append(TreeArrays(bare.feature, bare.threshold, bare.left, bare.right, value))
            begin += size
        return tuple(trees)


def _check_tree(
    column: NDArray[np.int16], left: NDArray[np.int32], rows: NDArray[np.int16], columns: int, psi: int
) -> str:
    inner = np.flatnonzero(column >= 0)
    leaf = column < 0
    if np.any(column >= columns) or np.any(column < LEAF):
        return "a column that there is not"
    # Breadth first and in pairs: the j-th inner node has the children 2j + 1 and 2j + 2.
    if not np.array_equal(left[inner], 2 * np.arange(inner.size) + 1) or np.any(left[leaf] != LEAF):
        return "children are not breadth first and in pairs"
    if column.size != 2 * inner.size + 1 or np.any(left[inner] <= inner):
        return "not a binary tree"
    if np.any(rows[inner] != 0) or np.any(rows[leaf] < 1) or int(rows.sum(dtype=np.int64)) != psi:
        return f"leaves do not hold {psi} rows"
    return ""


def to_lattice(Z: NDArray[np.float64]) -> NDArray[np.int64]:
    """Lattice numbers of whitened rows [n, d], int64; z <= k / 1024 exactly where the number is <= k."""
    numbers = np.ceil(Z * STEPS_PER_UNIT)
    return np.clip(numbers, -FARTHEST, FARTHEST).astype(np.int64)


def stretch(Z: NDArray[np.float64], power: int) -> NDArray[np.float64]:
    """z·|z|^(p−1), the columns that the model's trees see."""
    stretched = Z
    for _ in range(power - 1):
        stretched = stretched * np.abs(Z)
    return stretched


def _between(low: int, high: int, power: int, rng: np.random.Generator) -> int:
    """Lattice number of a split of rows between `low` and `high`, drawn uniformly on the stretched scale."""
    ends = stretch(np.asarray([low, high], dtype=np.float64), power)
    drawn = rng.uniform(ends[0], ends[1])
    number = int(np.floor(np.copysign(np.abs(drawn) ** (1.0 / power), drawn)))
    return min(max(number, low), high - 1)


def depth_limit(psi: int) -> int:
    """ceil(log2 ψ): the mean depth at which a tree of ψ rows has isolated a row."""
    return int(np.ceil(np.log2(max(psi, 2))))


def grow(sample: NDArray[np.int64], power: int, rng: np.random.Generator) -> LatticeTrees:
    """Grow one tree on ψ rows of lattice numbers [ψ, d].

    Args:
        sample: Rows of the tree.
        power: p of the stretching, 1 for none.
        rng: Draws columns and splits.

    Raises:
        FederationError: There are fewer than two rows or more than an int16 can count.
    """
    psi = sample.shape[0]
    if not 2 <= psi <= np.iinfo(np.int16).max:
        raise FederationError(f"isolation forest: a tree of {psi} rows", "take a psi between 2 and 32767")
    limit = depth_limit(psi)
    waiting = [(np.arange(psi), 0)]
    column, split, left, count = [], [], [], []
    # Nodes are numbered as they are put in line; the line is read while it grows.
    for members, depth in waiting:
        own = sample[members]
        low, high = own.min(axis=0), own.max(axis=0)
        varying = np.flatnonzero(low < high)
        if depth >= limit or varying.size == 0:
            column.append(LEAF)
            split.append(0)
            left.append(LEAF)
            count.append(members.size)
            continue
        chosen = int(varying[rng.integers(varying.size)])
        value = _between(int(low[chosen]), int(high[chosen]), power, rng)
        below = own[:, chosen] <= value
        column.append(chosen)
        split.append(value)
        left.append(len(waiting))
        count.append(0)
        waiting += [(members[below], depth + 1), (members[~below], depth + 1)]
    return LatticeTrees(
        nodes=np.asarray([len(column)], dtype=np.int32),
        column=np.asarray(column, dtype=np.int16),
        split=np.asarray(split, dtype=np.int32),
        left=np.asarray(left, dtype=np.int32),
        rows=np.asarray(count, dtype=np.int16),
    )
