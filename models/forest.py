"""A regression forest as plain arrays: the mean of its trees, with rows whose values may be missing.

Breiman, "Random Forests", Machine Learning 45 (2001). A missing value (NaN) goes to the side of a split on
which it did better in training; scikit-learn learns that side with the split.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from models.trees import TreeArrays

MOST_TREES, MOST_LEAVES = 100, 128
"""Largest forest that may be compiled: the whole published set must stay small."""


@dataclass(frozen=True, slots=True)
class Forest:
    """A fitted regression forest of one output.

    Attributes:
        trees: Its trees; a leaf's value is the mean target of its training rows.
        native: The scikit-learn estimator that it was taken from; None for an aggregated forest.

    Raises:
        ModelError: There is no tree, there are more than may be compiled, a tree has more leaves than may be
            compiled, or answers more than one value.
    """

    trees: tuple[TreeArrays, ...]
    native: Any = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.trees) <= MOST_TREES:
            raise ModelError(f"forest: {len(self.trees)} trees, 1 to {MOST_TREES} are allowed")
        if any(tree.leaves > MOST_LEAVES or tree.outputs != 1 for tree in self.trees):
            raise ModelError(
                f"forest: a tree has more than {MOST_LEAVES} leaves or more than one output",
                "lower max_leaf_nodes",
            )

    def predict(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean of the trees' answers, float64 [n]; `X` [n, columns] is rounded to float32 first."""
        rounded = X.astype(np.float32).astype(np.float64)
        total = np.zeros(X.shape[0])
        for tree in self.trees:
            total += tree.predict(rounded)[:, 0]
        mean: NDArray[np.float64] = total / len(self.trees)
        return mean


def fit(
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    seed: int,
    *,
    weight: NDArray[np.float64] | None = None,
    **parameters: Any,
) -> Forest:
    """Grow scikit-learn's random forest on `X` [n, columns], which may hold NaN, and targets `y` [n].

    Args:
        X: Inputs; rounded to float32, as they are when the forest answers.
        y: Targets.
        seed: Decides bootstraps and columns.
        weight: Weight of each row; all alike where not given.
        parameters: Of `sklearn.ensemble.RandomForestRegressor`.
    """
    from sklearn.ensemble import RandomForestRegressor

    estimator = RandomForestRegressor(random_state=seed, n_jobs=1, **parameters)
    estimator.fit(X.astype(np.float32), y, sample_weight=weight)
    trees = tuple(TreeArrays.from_sklearn(one.tree_) for one in estimator.estimators_)
    return Forest(trees, estimator)
