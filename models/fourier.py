"""Regression on random Fourier features: a radial kernel by a sum of cosines, without a row in it.

φ_k(z) = √(2/D)·cos(ω_k·z + b_k) with ω ~ N(0, 2γ·I) and b ~ U(0, 2π) has E[φ(z)·φ(z′)] = exp(−γ‖z − z′‖²)
(Rahimi and Recht, "Random Features for Large-Scale Kernel Machines", NIPS 2007). Directions come from a seed
alone, so several parties draw the same; ridge regression on the features needs sums over rows only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.support_vectors import add_standardised, standardised

if TYPE_CHECKING:
    from models.graphs import Graph

Float = NDArray[np.float64]

_CHUNK = 4000


@dataclass(frozen=True, slots=True)
class FourierMachine:
    """A fitted regression of one output.

    Attributes:
        centre: Mean of each input, [p].
        scale: Standard deviation of each input, [p].
        directions: ω, [p, D].
        phases: b, [D].
        weights: Weight of each feature, [D].
        intercept: What is added.
        native: Always None: no library's estimator is behind it.
    """

    centre: Float
    scale: Float
    directions: Float
    phases: Float
    weights: Float
    intercept: float
    native: None = None

    def scaled(self, X: Float) -> Float:
        """Standardised inputs, 0 where one is missing, float64 [n, p]."""
        return standardised(X, self.centre, self.scale)

    def predict(self, X: Float) -> Float:
        """Answers, float64 [n], for inputs `X` [n, p]."""
        out = np.empty(len(X))
        for start in range(0, len(X), _CHUNK):
            Z = self.scaled(X[start : start + _CHUNK])
            out[start : start + _CHUNK] = cosines(Z, self.directions, self.phases) @ self.weights
        return out + self.intercept

    def add_to(self, graph: Graph, source: str, name: str) -> str:
        """Add the regression to a graph of double precision; the output is [n, 1].

        Args:
            graph: Graph under construction.
            source: Value with the inputs, [n, p].
            name: Prefix of all names, and name of the output.
        """
        z = add_standardised(graph, source, self.centre, self.scale, name)
        turned = graph.add(
            "MatMul", [z, graph.constant(f"{name}_directions", self.directions)], f"{name}_turned"
        )
        shifted = graph.add("Add", [turned, graph.constant(f"{name}_phases", self.phases)], f"{name}_shifted")
        factor = np.sqrt(2.0 / self.weights.size)
        weights = graph.constant(f"{name}_weights", factor * self.weights[:, None])
        weighted = graph.add(
            "MatMul", [graph.add("Cos", [shifted], f"{name}_cos"), weights], f"{name}_weighted"
        )
        return graph.add("Add", [weighted, graph.constant(f"{name}_b", np.array(self.intercept))], name)


def cosines(Z: Float, directions: Float, phases: Float) -> Float:
    """Features φ of standardised inputs `Z` [n, p], float64 [n, D]."""
    found: Float = np.sqrt(2.0 / phases.size) * np.cos(Z @ directions + phases)
    return found


def draw(rng: np.random.Generator, columns: int, terms: int, gamma: float) -> tuple[Float, Float]:
    """Directions [columns, terms] and phases [terms] for the kernel exp(−γ‖z − z′‖²)."""
    directions = rng.normal(0.0, np.sqrt(2.0 * gamma), (columns, terms))
    return directions, rng.uniform(0.0, 2.0 * np.pi, terms)


def solve(gram: Float, moments: Float, penalty: float) -> tuple[Float, float]:
    """Weights [D] and intercept of ridge regression from sums over weighted rows.

    Minimises Σ w·(y − φ·θ − b)² + penalty·Σw·‖θ‖²; the intercept is free.

    Args:
        gram: Σ w·φ₁φ₁ᵀ with φ₁ = (φ, 1), [D + 1, D + 1].
        moments: Σ w·φ₁·y, [D + 1].
        penalty: Weight of the squared weights, as a share of Σw.
    """
    total = float(gram[-1, -1])
    if total <= 0.0:
        return np.zeros(moments.size - 1), 0.0
    lift = np.full(moments.size, penalty * total)
    lift[-1] = 0.0
    found: Float = np.linalg.solve(gram + np.diag(lift), moments).astype(np.float64)
    return found[:-1], float(found[-1])
