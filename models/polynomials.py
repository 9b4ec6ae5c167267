"""Ridge regression on polynomials of standardised columns, several targets at once, and its graph."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from models.graphs import Graph

Float = NDArray[np.float64]

MOST_SD = 5.0
"""Standardised columns are cut here: a polynomial means nothing far outside of what it was fitted on."""


@dataclass(frozen=True, slots=True)
class PolynomialRidge:
    """A fitted regression of k targets on c columns.

    Attributes:
        centre: Means of the columns, [c].
        scale: Their standard deviations, [c].
        degree: Highest degree of the polynomials.
        coefficients: One row a term, in the order of `terms`, [terms, k].
        intercept: [k].
        native: scikit-learn's estimator on the terms; None where coefficients came from elsewhere.
    """

    centre: Float
    scale: Float
    degree: int
    coefficients: Float
    intercept: Float
    native: Any = None

    def terms(self, X: Float) -> Float:
        """Terms of rows of columns [n, c], float64 [n, terms]."""
        Z = np.clip((X - self.centre) / self.scale, -MOST_SD, MOST_SD)
        return np.concatenate([_product(Z, places) for places in places_of(Z.shape[1], self.degree)], axis=1)

    def predict(self, X: Float) -> Float:
        """Targets of rows of columns [n, c], float64 [n, k]."""
        found: Float = self.terms(X) @ self.coefficients + self.intercept
        return found

    def add_to(self, graph: Graph, source: str, name: str) -> str:
        """Add the regression of `source` [n, c] to a graph; the output `name` is float64 [n, k]."""
        centred = graph.add("Sub", [source, graph.constant("centre", self.centre)], "centred")
        scaled = graph.add("Div", [centred, graph.constant("scale", self.scale)], "scaled")
        bounds = [graph.constant("lowest", np.array(-MOST_SD)), graph.constant("highest", np.array(MOST_SD))]
        z = graph.add("Clip", [scaled, *bounds], "standardised")
        parts = []
        for degree, places in enumerate(places_of(self.centre.size, self.degree), 1):
            part = graph.columns(z, places[:, 0], f"degree_{degree}_0")
            for place in range(1, degree):
                other = graph.columns(z, places[:, place], f"degree_{degree}_{place}")
                part = graph.add("Mul", [part, other], f"degree_{degree}_upto_{place}")
            parts.append(part)
        terms = graph.add("Concat", parts, "terms", axis=1)
        weighted = graph.add("MatMul", [terms, graph.constant("coefficients", self.coefficients)], "weighted")
        return graph.add("Add", [weighted, graph.constant("intercept", self.intercept)], name)


def places_of(columns: int, degree: int) -> list[NDArray[np.int64]]:
    """Columns that each term multiplies, int64 [terms, d], for each degree d up to `degree`."""
    return [
        np.array(list(combinations_with_replacement(range(columns), d)), dtype=np.int64)
        for d in range(1, degree + 1)
    ]


def fit(X: Float, Y: Float, degree: int, penalty: float) -> PolynomialRidge:
    """Fit with scikit-learn's `Ridge`; the same rows give the same model.

    Args:
        X: Columns, [n, c].
        Y: Targets, [n, k].
        degree: Highest degree.
        penalty: Weight of the squared coefficients, as a share of the number of rows.
    """
    from sklearn.linear_model import Ridge

    scale = X.std(axis=0)
    bare = PolynomialRidge(
        X.mean(axis=0), np.where(scale > 0, scale, 1.0), degree, np.zeros((0, 0)), np.zeros(0)
    )
    native = Ridge(alpha=penalty * len(X), solver="cholesky").fit(bare.terms(X), Y)
    return PolynomialRidge(
        bare.centre,
        bare.scale,
        degree,
        np.ascontiguousarray(native.coef_.T, dtype=np.float64).reshape(-1, Y.shape[1]),
        np.atleast_1d(np.asarray(native.intercept_, dtype=np.float64)),
        native,
    )


def _product(Z: Float, places: NDArray[np.int64]) -> Float:
    found = Z[:, places[:, 0]]
    for place in range(1, places.shape[1]):
        found = found * Z[:, places[:, place]]
    return found
