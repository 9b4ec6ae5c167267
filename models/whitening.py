"""Features of normal operation turned into uncorrelated columns of unit variance.

Meters differ in how restless their readings are: half-cycle values flicker more near customers than on the
transmission grid, and so do deviations between phases. Columns may therefore be counted in units of the
window's own restlessness, so that one threshold is as strict at 400 kV as at a feeder's far end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import DataError, ModelError

# Share of a column's variance that rounding alone can leave in a direction.
NULL = 1e-9
# What quiet meters from 400 kV down to 33 kV show, pu; beyond it is not the meter that is restless.
CALMEST_PU, WILDEST_PU = 4.5e-4, 2.2e-3
# The columns that restlessness is read from: the largest dip below and rise above a second's mean.
DIP, RISE = -2, -1


@dataclass(frozen=True, slots=True)
class Whitening:
    """z = (g(x) − centre) · matrix, with g dividing some columns by the window's restlessness.

    Attributes:
        relative: 1 where g(x) = x / restlessness, 0 where g(x) = x; float64 [d].
        centre: Mean of g over normal rows, float64 [d].
        scale: Standard deviation of g over normal rows, float64 [d].
        matrix: Whitening matrix, float64 [d, d].
    """

    relative: NDArray[np.float64]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    matrix: NDArray[np.float64]

    def __post_init__(self) -> None:
        d = self.relative.size
        if self.centre.shape != (d,) or self.scale.shape != (d,) or self.matrix.shape != (d, d):
            raise ModelError(
                f"whitening: relative has {d} columns, and centre, scale and matrix must have too"
            )

    def transform(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Whitened columns of `X` [n, d]; float64 [n, d]."""
        whitened: NDArray[np.float64] = (shape(X, self.relative) - self.centre) @ self.matrix
        return whitened

    def z(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standardised, not decorrelated columns of `X` [n, d]; float64 [n, d]."""
        standardised: NDArray[np.float64] = (shape(X, self.relative) - self.centre) / self.scale
        return standardised


def restlessness(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """The smaller of a window's largest dip and largest rise within its seconds, pu, [n] from [n, d].

    A sag deepens the one and a swell the other, so that the smaller one is the meter's own. The two are the
    last columns of `X`.
    """
    return np.clip(np.minimum(X[:, DIP], X[:, RISE]), CALMEST_PU, WILDEST_PU)


def shape(X: NDArray[np.float64], relative: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide the columns where `relative` is 1 by the window's restlessness; float64 [n, d]."""
    shaped = X.copy()
    chosen = relative > 0
    if chosen.any():
        shaped[:, chosen] = X[:, chosen] / restlessness(X)[:, None]
    return shaped


def from_moments(
    relative: NDArray[np.float64],
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
    return Whitening(relative, mean, scale, np.ascontiguousarray(matrix))


def fit(X: NDArray[np.float64], relative: NDArray[np.float64], shrink: float) -> Whitening:
    """Whitening of normal rows `X` [n, d]."""
    shaped = shape(X, relative)
    return from_moments(relative, shaped.mean(axis=0), np.cov(shaped, rowvar=False), shrink)
