"""Multinomial logistic regression on standardised inputs, as plain arrays.

Cox, "The regression analysis of binary sequences", 1958; with an L2 penalty as in scikit-learn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.rows import Names

if TYPE_CHECKING:
    from models.graphs import Graph

Float = NDArray[np.float64]

MOST_STEPS = 300


@dataclass(frozen=True, slots=True)
class Logistic:
    """A fitted regression of k classes on p inputs.

    Attributes:
        classes: Names of the classes.
        centre: Mean of each input over the training rows, [p].
        scale: Standard deviation of each input, 1 where it does not vary, [p].
        weights: Of standardised inputs, [p, k].
        bias: [k].
        native: The scikit-learn estimator on standardised inputs; None where there was one class only.
    """

    classes: tuple[str, ...]
    centre: Float
    scale: Float
    weights: Float
    bias: Float
    native: Any = None

    def logits(self, X: Float) -> Float:
        """Logarithms of the probabilities but for a constant of each row, float64 [n, k]."""
        found: Float = ((X - self.centre) / self.scale) @ self.weights + self.bias
        return found

    def native_logits(self, X: Float) -> Float:
        """The same by the library that fitted it."""
        if self.native is None:
            return self.logits(X)
        found = np.asarray(self.native.decision_function((X - self.centre) / self.scale), dtype=np.float64)
        return found if found.ndim == 2 else np.stack([np.zeros(found.size), found], axis=1)

    def add_to(self, graph: Graph, source: str, name: str) -> str:
        """Add `logits` to a graph of double precision; returns the name of the output [n, k].

        Args:
            graph: Graph under construction.
            source: Value with the inputs, [n, p].
            name: Prefix of all names, and name of the output.
        """
        centred = graph.add("Sub", [source, graph.constant(f"{name}_centre", self.centre)], f"{name}_centred")
        z = graph.add("Div", [centred, graph.constant(f"{name}_scale", self.scale)], f"{name}_z")
        inner = graph.add("MatMul", [z, graph.constant(f"{name}_weights", self.weights)], f"{name}_inner")
        return graph.add("Add", [inner, graph.constant(f"{name}_bias", self.bias)], name)


def probabilities(logits: Float) -> Float:
    """Softmax, float64 [n, k]."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: Float = raised / raised.sum(axis=1, keepdims=True)
    return found


def fit(X: Float, y: Names, *, C: float) -> Logistic:
    """Fit the regression; classes are those that occur.

    Args:
        X: Inputs, finite, [n, p].
        y: Class of each row.
        C: Inverse of the penalty's weight.
    """
    from sklearn.linear_model import LogisticRegression

    centre, scale = X.mean(axis=0), X.std(axis=0)
    scale = np.where(scale > 0.0, scale, 1.0)
    present, codes = np.unique(y.codes, return_inverse=True)
    classes = tuple(y.texts[place] for place in present)
    if present.size < 2:
        return Logistic(classes, centre, scale, np.zeros((X.shape[1], 1)), np.zeros(1))
    native = LogisticRegression(C=C, max_iter=MOST_STEPS).fit((X - centre) / scale, codes)
    weights, bias = native.coef_.T, native.intercept_
    if present.size == 2:
        weights = np.concatenate([np.zeros_like(weights), weights], axis=1)
        bias = np.concatenate([np.zeros(1), bias])
    return Logistic(classes, centre, scale, np.ascontiguousarray(weights), bias, native)
