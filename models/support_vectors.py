"""Support vector regression with a radial kernel as plain arrays.

y(x) = Σ_k w_k · exp(−γ·‖z − z_k‖²) + b, z the standardised inputs (Vapnik, *The Nature of Statistical
Learning Theory*, 1995; ε-insensitive loss). Only rows outside of the ε-tube have a weight. An input that is
missing (NaN) counts as its mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError

if TYPE_CHECKING:
    from models.graphs import Graph

Float = NDArray[np.float64]

MOST_VECTORS = 6000
"""Support vectors of the largest machine that may be compiled: the whole published set must stay small."""

_CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Machine:
    """A fitted machine of one output.

    Attributes:
        centre: Mean of each input over the training rows, [p].
        scale: Standard deviation of each input, [p].
        vectors: Standardised support vectors, [m, p].
        weights: Their weights, [m].
        intercept: b.
        gamma: γ.
        native: The scikit-learn estimator on standardised inputs that it was taken from.

    Raises:
        ModelError: It has more vectors than may be compiled.
    """

    centre: Float
    scale: Float
    vectors: Float
    weights: Float
    intercept: float
    gamma: float
    native: Any = None

    def __post_init__(self) -> None:
        if len(self.weights) > MOST_VECTORS:
            raise ModelError(
                f"support vectors: {len(self.weights)}, at most {MOST_VECTORS} are allowed",
                "fit on fewer rows or raise epsilon",
            )

    def scaled(self, X: Float) -> Float:
        """Standardised inputs, 0 where one is missing, float64 [n, p]."""
        return standardised(X, self.centre, self.scale)

    def predict(self, X: Float) -> Float:
        """Answers, float64 [n], for inputs `X` [n, p]."""
        out = np.empty(len(X))
        own = (self.vectors**2).sum(axis=1)
        for start in range(0, len(X), _CHUNK):
            Z = self.scaled(X[start : start + _CHUNK])
            apart = (Z**2).sum(axis=1)[:, None] + own - 2.0 * (Z @ self.vectors.T)
            out[start : start + _CHUNK] = np.exp(-self.gamma * apart) @ self.weights + self.intercept
        return out

    def add_to(self, graph: Graph, source: str, name: str) -> str:
        """Add the machine to a graph of double precision; the output is [n, 1].

        Args:
            graph: Graph under construction.
            source: Value with the inputs, [n, p].
            name: Prefix of all names, and name of the output.
        """
        z = add_standardised(graph, source, self.centre, self.scale, name)
        ones = graph.constant(f"{name}_ones", np.ones((self.centre.size, 1)))
        squares = graph.add("MatMul", [graph.add("Mul", [z, z], f"{name}_zz"), ones], f"{name}_squares")
        twice = graph.constant(f"{name}_twice_vectors", np.ascontiguousarray(2.0 * self.vectors.T))
        inner = graph.add("MatMul", [z, twice], f"{name}_inner")
        own = graph.constant(f"{name}_own", (self.vectors**2).sum(axis=1)[None, :])
        apart = graph.add("Sub", [graph.add("Add", [squares, own], f"{name}_sums"), inner], f"{name}_apart")
        scaled = graph.add(
            "Mul", [apart, graph.constant(f"{name}_gamma", np.array(-self.gamma))], f"{name}_g"
        )
        kernel = graph.add("Exp", [scaled], f"{name}_kernel")
        weighted = graph.add(
            "MatMul", [kernel, graph.constant(f"{name}_weights", self.weights[:, None])], f"{name}_weighted"
        )
        return graph.add("Add", [weighted, graph.constant(f"{name}_b", np.array(self.intercept))], name)


def standardised(X: Float, centre: Float, scale: Float) -> Float:
    """Inputs less their centre over their scale, 0 where one is missing, float64 [n, p]."""
    Z = (X - centre) / scale
    Z[np.isnan(Z)] = 0.0
    return Z


def add_standardised(graph: Graph, source: str, centre: Float, scale: Float, name: str) -> str:
    """Add `standardised` to a graph of double precision; names begin with `name`."""
    centred = graph.add("Sub", [source, graph.constant(f"{name}_centre", centre)], f"{name}_centred")
    z = graph.add("Div", [centred, graph.constant(f"{name}_scale", scale)], f"{name}_divided")
    missing = graph.add("IsNaN", [z], f"{name}_missing")
    nothing = graph.constant(f"{name}_nothing", np.array(0.0))
    return graph.add("Where", [missing, nothing, z], f"{name}_z")


def fit(X: Float, y: Float, *, C: float, gamma: float, epsilon: float) -> Machine:
    """Fit scikit-learn's machine on standardised inputs.

    Args:
        X: Inputs, [n, p]; NaN is missing, no column is missing everywhere.
        y: Targets, [n].
        C: Price of a row outside of the tube.
        gamma: γ of the kernel, for standardised inputs.
        epsilon: Half-width of the tube, in the targets' unit.
    """
    from sklearn.svm import SVR

    known = np.isfinite(X)
    count = np.maximum(known.sum(axis=0), 1)
    centre = np.where(known, X, 0.0).sum(axis=0) / count
    spread = np.sqrt((np.where(known, X - centre, 0.0) ** 2).sum(axis=0) / count)
    scale = np.where(spread > 0, spread, 1.0)
    Z = standardised(X, centre, scale)
    estimator = SVR(kernel="rbf", C=C, gamma=gamma, epsilon=epsilon, cache_size=500)
    estimator.fit(Z, y)
    return Machine(
        centre,
        scale,
        np.asarray(estimator.support_vectors_, dtype=np.float64),
        np.asarray(estimator.dual_coef_[0], dtype=np.float64),
        float(estimator.intercept_[0]),
        gamma,
        estimator,
    )
