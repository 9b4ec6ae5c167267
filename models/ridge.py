"""Ridge regression in closed form (Hoerl and Kennard 1970), its penalty chosen on other rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

PENALTIES = tuple(float(value) for value in np.logspace(-8, 1, 19))
"""Penalties tried, as shares of the number of rows."""


@dataclass(frozen=True, slots=True)
class Ridge:
    """A fitted linear model.

    Attributes:
        coefficients: One a column, in the columns' own units, [p].
        intercept: Its answer where every column is zero.
        penalty: The penalty chosen, as a share of the number of rows.
    """

    coefficients: Float
    intercept: float
    penalty: float

    def predict(self, X: Float) -> Float:
        """Answers, [n], for the rows of `X` [n, p]."""
        answers: Float = X @ self.coefficients + self.intercept
        return answers


def fit(X: Float, y: Float, X_validation: Float, y_validation: Float) -> Ridge:
    """Fit for every penalty and keep the one with the smallest mean absolute error on the validation rows.

    Columns are scaled to unit standard deviation, and the intercept is not penalised. One decomposition of
    the columns' covariance serves all penalties.

    Args:
        X: Columns, [n, p].
        y: Target, [n].
        X_validation: Columns of other rows, [m, p].
        y_validation: Their target, [m].
    """
    centre, level = X.mean(axis=0), float(y.mean())
    spread = X.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    Z = (X - centre) / spread
    values, vectors = np.linalg.eigh(Z.T @ Z / len(Z))
    moment = vectors.T @ (Z.T @ (y - level) / len(Z))
    found = []
    for penalty in PENALTIES:
        coefficients = vectors @ (moment / (np.maximum(values, 0.0) + penalty)) / spread
        made = Ridge(coefficients, level - float(centre @ coefficients), penalty)
        found.append((float(np.abs(made.predict(X_validation) - y_validation).mean()), made))
    return min(found, key=lambda pair: pair[0])[1]
