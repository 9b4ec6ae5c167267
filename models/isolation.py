"""Isolation forests as plain trees whose leaves hold path lengths.

Source: Liu, Ting, Zhou, "Isolation Forest", ICDM 2008.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from models.trees import TreeArrays


def unsuccessful_search(n: NDArray[np.float64]) -> NDArray[np.float64]:
    """c(n) = 2·(ln(n − 1) + γ) − 2·(n − 1)/n, the mean depth of a random tree of n rows (eq. 1).

    c(2) = 1 and c(n ≤ 1) = 0, as in the paper and in scikit-learn.
    """
    counted = np.asarray(n, dtype=np.float64)
    many = np.maximum(counted, 3.0)
    c = 2.0 * (np.log(many - 1.0) + np.euler_gamma) - 2.0 * (many - 1.0) / many
    return np.where(counted > 2, c, np.where(counted == 2, 1.0, 0.0))


@dataclass(frozen=True, slots=True)
class IsolationArrays:
    """A forest whose leaf value is h = depth + c(rows in the leaf).

    Attributes:
        trees: Trees with one output each.
        psi: Rows that each tree was grown on.

    Raises:
        ModelError: There are no trees, or one has several outputs.
    """

    trees: tuple[TreeArrays, ...]
    psi: int

    def __post_init__(self) -> None:
        if not self.trees or any(tree.outputs != 1 for tree in self.trees):
            raise ModelError("isolation forest: needs at least one tree, each with one output")
        if self.psi < 2:
            raise ModelError(f"isolation forest: psi = {self.psi}, a tree needs at least 2 rows")

    @classmethod
    def from_sklearn(cls, forest: Any) -> IsolationArrays:
        """Take over a fitted `sklearn.ensemble.IsolationForest`."""
        trees = []
        for estimator, columns in zip(forest.estimators_, forest.estimators_features_, strict=True):
            bare = TreeArrays.from_sklearn(estimator.tree_)
            at_leaf = bare.is_leaf
            h = bare.depths() + unsuccessful_search(estimator.tree_.n_node_samples)
            feature = np.where(at_leaf, bare.feature, np.asarray(columns)[bare.feature])
            trees.append(
                TreeArrays(feature, bare.threshold, bare.left, bare.right, np.where(at_leaf, h, 0.0)[:, None])
            )
        return cls(tuple(trees), int(forest.max_samples_))

    @property
    def leaves(self) -> int:
        """Leaves of the largest tree."""
        return max(tree.leaves for tree in self.trees)

    def mean_path(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """E[h] of each row of `X` [n, columns], float64 [n]; columns are rounded to float32 first."""
        rounded = X.astype(np.float32).astype(np.float64)
        total = np.zeros(X.shape[0])
        for tree in self.trees:
            total += tree.predict(rounded)[:, 0]
        return total / len(self.trees)

    def score(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """1 − 2·2^(−E[h]/c(ψ)) (eq. 2, mapped to −1 anomalous … 1 normal), float64 [n]."""
        return score_of_path(self.mean_path(X), self.psi)


def score_of_path(path: NDArray[np.float64], psi: int) -> NDArray[np.float64]:
    """The anomaly score −1…1 of a mean path length."""
    scored: NDArray[np.float64] = 1.0 - 2.0 * np.exp2(
        -path / unsuccessful_search(np.asarray(psi, dtype=np.float64))
    )
    return scored
