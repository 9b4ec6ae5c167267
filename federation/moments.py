"""Mean and cross-products of rows that lie at several sites, merged without the rows.

Source: Chan, Golub, LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances",
COMPSTAT 1982; for cross-products Pébay, SAND2008-6212, eq. 2.10.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from federation.errors import FederationError


@dataclass(frozen=True, slots=True)
class Moments:
    """First and second moments of n rows of p columns.

    Attributes:
        n: Rows.
        mean: Mean of each column, float64 [p].
        m2: Σ (x − mean)(x − mean)ᵀ, float64 [p, p].
    """

    n: int
    mean: NDArray[np.float64]
    m2: NDArray[np.float64]

    @classmethod
    def of(cls, X: NDArray[np.float64]) -> Moments:
        """Moments of the rows of `X` [n, p], in two passes.

        Raises:
            FederationError: `X` has no rows.
        """
        if X.shape[0] == 0:
            raise FederationError("moments of no rows")
        mean = X.mean(axis=0)
        centred = X - mean
        # The mean of rounded sums is off by some ulp; the residual takes that out of the sums of squares.
        residual = centred.mean(axis=0)
        centred -= residual
        return cls(int(X.shape[0]), mean + residual, centred.T @ centred)

    def merge(self, other: Moments) -> Moments:
        """Moments of both sets of rows together (Chan et al., eq. 2.1)."""
        n = self.n + other.n
        delta = other.mean - self.mean
        mean = self.mean + delta * (other.n / n)
        m2 = self.m2 + other.m2 + np.outer(delta, delta) * (self.n * other.n / n)
        return Moments(n, mean, m2)

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Sample covariance (n − 1 in the denominator), float64 [p, p].

        Raises:
            FederationError: There is one row only.
        """
        if self.n < 2:
            raise FederationError("covariance of a single row")
        return self.m2 / (self.n - 1)

    @property
    def deviation(self) -> NDArray[np.float64]:
        """Standard deviation of each column, float64 [p]."""
        deviation: NDArray[np.float64] = np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        return deviation


@dataclass(frozen=True, slots=True)
class ColumnMoments:
    """First and second moments of p columns, each of its own rows, for columns that are not always measured.

    Attributes:
        n: Measured rows of each column, int64 [p].
        mean: Their mean, float64 [p]; 0 where there are none.
        m2: Σ (x − mean)², float64 [p]; 0 where there are none.
    """

    n: NDArray[np.int64]
    mean: NDArray[np.float64]
    m2: NDArray[np.float64]

    @classmethod
    def of(cls, X: NDArray[np.float64], least: int = 1) -> ColumnMoments:
        """Moments of the measured values of `X` [n, p]; NaN is not measured.

        Args:
            X: Rows.
            least: A column with fewer measured rows counts as not measured at all.
        """
        columns = [column[np.isfinite(column)][:, None] for column in X.T]
        parts = [Moments.of(column) if len(column) >= max(least, 1) else None for column in columns]
        return cls(
            np.asarray([0 if part is None else part.n for part in parts], dtype=np.int64),
            np.asarray([0.0 if part is None else part.mean[0] for part in parts]),
            np.asarray([0.0 if part is None else part.m2[0, 0] for part in parts]),
        )

    def merge(self, other: ColumnMoments) -> ColumnMoments:
        """Moments of both sets of rows together, column by column (Chan et al., eq. 2.1)."""
        n = self.n + other.n
        share = other.n / np.maximum(n, 1)
        delta = other.mean - self.mean
        return ColumnMoments(
            n,
            np.where(self.n == 0, other.mean, self.mean + delta * share),
            self.m2 + other.m2 + np.where((self.n > 0) & (other.n > 0), delta**2 * self.n * share, 0.0),
        )

    @property
    def deviation(self) -> NDArray[np.float64]:
        """Standard deviation of each column, float64 [p]; 0 where fewer than two rows are measured."""
        deviation: NDArray[np.float64] = np.sqrt(np.maximum(self.m2, 0.0) / np.maximum(self.n - 1, 1))
        return deviation


def merge(parts: Iterable[Moments]) -> Moments:
    """Moments of all parts together, merged in the given order.

    Raises:
        FederationError: There is nothing to merge.
    """
    merged: Moments | None = None
    for part in parts:
        merged = part if merged is None else merged.merge(part)
    if merged is None:
        raise FederationError("moments of no sites")
    return merged
