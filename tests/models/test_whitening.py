import numpy as np
import pytest

from models import whitening
from models.errors import DataError

PLAIN = np.zeros(3)


def correlated(n=4000):
    rng = np.random.default_rng(0)
    base = rng.normal(size=(n, 3))
    return np.column_stack([base[:, 0] * 5 + 2, base[:, 0] + 0.1 * base[:, 1], 1e-3 * base[:, 2] - 7])


def test_whitening__without_shrinkage__gives_unit_uncorrelated_columns():
    X = correlated()
    white = whitening.fit(X, PLAIN, 0.0).transform(X)
    np.testing.assert_allclose(np.cov(white, rowvar=False), np.eye(3), atol=1e-9)
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-9)


def test_whitening__from_merged_moments__equals_the_fit_on_all_rows():
    X = correlated()
    direct = whitening.fit(X, PLAIN, 0.05)
    merged = whitening.from_moments(PLAIN, X.mean(axis=0), np.cov(X, rowvar=False), 0.05)
    np.testing.assert_allclose(direct.matrix, merged.matrix, rtol=1e-12)


def test_whitening__columns_that_sum_to_zero__leave_that_direction_out():
    X = np.random.default_rng(0).normal(size=(500, 3))
    X -= X.mean(axis=1, keepdims=True)
    white = whitening.fit(X, PLAIN, 0.0).transform(X)
    np.testing.assert_allclose((white**2).sum(axis=1).mean(), 2.0, rtol=0.01)
    assert np.abs(white).max() < 10


def test_shape__column_with_an_exponent__is_divided_by_that_power_of_the_movement():
    X = np.array([[6e-3, 5.0, 1e-3], [6e-3, 5.0, 0.2], [6e-3, 5.0, 1e-6]])
    shaped = whitening.shape(X, np.array([0.5, 0.0, 1.0]))
    own = np.array([1e-3, whitening.LOUDEST_PU, whitening.QUIETEST_PU]) / whitening.USUAL_PU
    np.testing.assert_allclose(shaped[:, 0], 6e-3 / np.sqrt(own))
    np.testing.assert_array_equal(shaped[:, 1], X[:, 1])
    np.testing.assert_allclose(shaped[:, 2], X[:, 2] / own)


def test_whitening__constant_column__is_refused_by_number():
    X = correlated()
    X[:, 1] = 4.0
    with pytest.raises(DataError, match="column 1 is constant"):
        whitening.fit(X, PLAIN, 0.0)
