"""One decision tree whose leaves hold class shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.trees import TreeArrays


@dataclass(frozen=True, slots=True)
class ClassTree:
    """A fitted classification tree.

    Attributes:
        tree: Its nodes; a leaf's value is the share of each class among its training rows.
        native: The scikit-learn estimator that it was taken from; None for an aggregated tree.
    """

    tree: TreeArrays
    native: Any = None

    def probabilities(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Class shares of the rows' leaves, float64 [n, classes]; `X` is rounded to float32 first."""
        return self.tree.predict(X.astype(np.float32).astype(np.float64))


def fit(
    X: NDArray[np.float64], y: NDArray[np.int64], classes: int, seed: int, **parameters: Any
) -> ClassTree:
    """Grow scikit-learn's CART on codes `y`; classes that do not occur keep a share of 0."""
    from sklearn.tree import DecisionTreeClassifier

    estimator = DecisionTreeClassifier(random_state=seed, **parameters).fit(X.astype(np.float32), y)
    bare = TreeArrays.from_sklearn(estimator.tree_)
    shares = np.zeros((bare.nodes, classes))
    shares[:, estimator.classes_.astype(np.int64)] = bare.value / bare.value.sum(axis=1, keepdims=True)
    return ClassTree(TreeArrays(bare.feature, bare.threshold, bare.left, bare.right, shares), estimator)
