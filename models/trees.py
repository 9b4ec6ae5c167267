"""Binary decision trees as plain arrays: what is averaged, compiled and checked, whatever fitted them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError

LEAF = -1
# A split between missing and measured values has an infinite threshold in scikit-learn; this one does the
# same to every value that scikit-learn takes, and keeps trees finite.
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class TreeArrays:
    """One binary tree of m nodes; node 0 is the root. A row goes left where `x <= threshold`.

    A row whose tested value is missing (NaN) goes where `missing_left` says.

    Attributes:
        feature: Column tested at each node, int64 [m]; -1 at a leaf.
        threshold: Split value in the column's unit, float64 [m]; 0 at a leaf.
        left: Node for `x <= threshold`, int64 [m]; -1 at a leaf.
        right: Node for `x > threshold`, int64 [m]; -1 at a leaf.
        value: What each node predicts, float64 [m, k]; only leaves' values are ever answered.
        missing_left: Whether a missing value goes left, bool [m]; not given, it goes right everywhere.

    Raises:
        ModelError: The arrays differ in length, a child points outside the tree or upwards, or a value is
            not finite.
    """

    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: NDArray[np.float64]
    missing_left: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def __post_init__(self) -> None:
        for name in ("feature", "left", "right"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=np.int64))
        for name in ("threshold", "value"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=np.float64))
        m = self.feature.size
        given = np.ascontiguousarray(self.missing_left, dtype=bool)
        object.__setattr__(self, "missing_left", given if given.size else np.zeros(m, dtype=bool))
        if self.missing_left.shape != (m,):
            raise ModelError(f"tree: missing_left has {self.missing_left.size} nodes, feature has {m}")
        if m == 0 or any(part.shape != (m,) for part in (self.threshold, self.left, self.right)):
            raise ModelError(f"tree: feature has {m} nodes, and threshold, left and right must have as many")
        if self.value.ndim != 2 or self.value.shape[0] != m:
            raise ModelError(f"tree: value has shape {self.value.shape}, expected ({m}, outputs)")
        inner = self.left != LEAF
        if np.any(inner != (self.right != LEAF)):
            raise ModelError("tree: a node has one child only", "give both children or none (-1)")
        own = np.flatnonzero(inner)
        children = np.stack([self.left[own], self.right[own]])
        if np.any(children <= own) or np.any(children >= m):
            raise ModelError(
                "tree: a child lies before its parent or outside the tree", "number nodes downwards"
            )
        if np.any(self.feature[own] < 0):
            raise ModelError("tree: an inner node tests no feature")
        if not (np.isfinite(self.threshold).all() and np.isfinite(self.value).all()):
            raise ModelError("tree: a threshold or value is not finite")

    @classmethod
    def from_sklearn(cls, tree: Any) -> TreeArrays:
        """Take over a fitted `sklearn.tree._tree.Tree` (an estimator's `tree_`).

        Classifiers give class shares per node, regressors the mean; both as [m, k].
        """
        leaf = tree.children_left == LEAF
        return cls(
            feature=np.where(leaf, LEAF, tree.feature),
            threshold=np.where(leaf, 0.0, np.clip(tree.threshold, -LARGEST, LARGEST)),
            left=np.asarray(tree.children_left),
            right=np.asarray(tree.children_right),
            value=np.asarray(tree.value)[:, 0, :],
            missing_left=np.asarray(tree.missing_go_to_left, dtype=bool) & ~leaf,
        )

    @property
    def nodes(self) -> int:
        """Number of nodes, m."""
        return int(self.feature.size)

    @property
    def outputs(self) -> int:
        """Number of values a leaf answers, k."""
        return int(self.value.shape[1])

    @property
    def is_leaf(self) -> NDArray[np.bool_]:
        """Which nodes are leaves, bool [m]."""
        return np.equal(self.left, LEAF)

    @property
    def leaves(self) -> int:
        """Number of leaves."""
        return int(np.count_nonzero(self.is_leaf))

    def depths(self) -> NDArray[np.int64]:
        """Edges between the root and each node, int64 [m]."""
        depth = np.zeros(self.nodes, dtype=np.int64)
        for node in np.flatnonzero(~self.is_leaf):
            depth[self.left[node]] = depth[self.right[node]] = depth[node] + 1
        return depth

    def apply(self, X: NDArray[np.float64]) -> NDArray[np.int64]:
        """Leaf that each row of `X` [n, columns] ends in, int64 [n]."""
        rows = np.arange(X.shape[0])
        node = np.zeros(X.shape[0], dtype=np.int64)
        while True:
            rows = rows[self.left[node[rows]] != LEAF]
            if rows.size == 0:
                return node
            at = node[rows]
            tested = X[rows, self.feature[at]]
            goes_left = (tested <= self.threshold[at]) | (np.isnan(tested) & self.missing_left[at])
            node[rows] = np.where(goes_left, self.left[at], self.right[at])

    def predict(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Leaf values for the rows of `X` [n, columns], float64 [n, k]."""
        answered: NDArray[np.float64] = self.value[self.apply(X)]
        return answered
