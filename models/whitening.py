"""Features of normal operation turned into uncorrelated columns of unit variance.

Meters differ in how much they err and how much they move: a class 0.2 meter at 400 kV is several times
quieter than a class 1.0 one at a feeder's far end. How quiet a meter is shows in how little its phases move
against each other from one second to the next. Columns may be counted in powers of that, so that one
threshold is as strict for one meter as for the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import DataError, ModelError

# Share of a column's variance that rounding alone can leave in a direction.
NULL = 1e-9
# Column in which a meter's own movement is read, and what quiet meters of the accuracy classes 0.2 to 1.0
# show there, pu; what lies beyond is not the meter. The usual movement only fixes the divided columns' unit.
MOVEMENT = -1
QUIETEST_PU, USUAL_PU, LOUDEST_PU = 8e-5, 2.5e-4, 1e-3


@dataclass(frozen=True, slots=True)
class Whitening:
    """z = (g(x) − centre) · matrix, with g dividing columns by powers of the meter's own movement.

    Attributes:
        exponent: g(x) = x / (movement / usual movement)^exponent, float64 [d]; 0 leaves a column as it is.
        centre: Mean of g over normal rows, float64 [d].
        scale: Standard deviation of g over normal rows, float64 [d].
        matrix: Whitening matrix, float64 [d, d].
    """

    exponent: NDArray[np.float64]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    matrix: NDArray[np.float64]

    def __post_init__(self) -> None:
        d = self.exponent.size
        if self.centre.shape != (d,) or self.scale.shape != (d,) or self.matrix.shape != (d, d):
            raise ModelError(
                f"whitening: exponent has {d} columns, and centre, scale and matrix must have too"
            )

    def transform(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Whitened columns of `X` [n, d]; float64 [n, d]."""
        whitened: NDArray[np.float64] = (shape(X, self.exponent) - self.centre) @ self.matrix
        return whitened

    def z(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standardised, not decorrelated columns of `X` [n, d]; float64 [n, d]."""
        standardised: NDArray[np.float64] = (shape(X, self.exponent) - self.centre) / self.scale
        return standardised


def shape(X: NDArray[np.float64], exponent: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide each column by its power of the meter's own movement, the last column; float64 [n, d]."""
    movement = np.clip(X[:, MOVEMENT], QUIETEST_PU, LOUDEST_PU) / USUAL_PU
    shaped: NDArray[np.float64] = X / movement[:, None] ** exponent
    return shaped


def from_moments(
    exponent: NDArray[np.float64],
    mean: NDArray[np.float64],
    covariance: NDArray[np.float64],
    shrink: float,
) -> Whitening:
    """Symmetric (ZCA) whitening from the mean and covariance of g(x).

    The covariance is standardised to a correlation, shrunk towards the identity by `shrink` (Ledoit and
    Wolf's form with a given weight) so that directions in which normal rows hardly vary do not turn rounding
    noise into distance, and inverted by its eigenvectors: matrix = D^(−1/2) · V Λ^(−1/2) Vᵀ. Of all whitening
    matrices the symmetric one stays closest to the standardised columns (Kessy, Lewin, Strimmer, "Optimal
    Whitening and Decorrelation", The American Statistician 72, 2018).

    Directions without any variance, such as the sum of three deviations from their mean, are left out.

    Raises:
        DataError: A column does not vary at all over normal rows.
    """
    scale = np.sqrt(np.diag(covariance))
    if np.any(scale <= 0):
        raise DataError(
            f"whitening: column {int(np.argmin(scale))} is constant over normal rows",
            "leave the feature out, or give it rows in which it varies",
        )
    correlation = covariance / np.outer(scale, scale)
    shrunk = (1 - shrink) * correlation + shrink * np.eye(scale.size)
    eigenvalue, vector = np.linalg.eigh(shrunk)
    varies = eigenvalue > NULL
    stretch = np.where(varies, 1.0 / np.sqrt(np.where(varies, eigenvalue, 1.0)), 0.0)
    matrix = (vector * stretch) @ vector.T / scale[:, None]
    return Whitening(exponent, mean, scale, np.ascontiguousarray(matrix))


def fit(X: NDArray[np.float64], exponent: NDArray[np.float64], shrink: float) -> Whitening:
    """Whitening of normal rows `X` [n, d]."""
    shaped = shape(X, exponent)
    return from_moments(exponent, shaped.mean(axis=0), np.cov(shaped, rowvar=False), shrink)
