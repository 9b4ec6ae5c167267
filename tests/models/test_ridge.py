import numpy as np
import pytest

from models import ridge


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 6)) * np.array([1, 10, 0.1, 1, 1, 1]) + 3
    y = X @ np.array([1.0, -0.2, 5.0, 0.0, 0.0, 0.0]) + 7 + rng.normal(0, 0.3, 400)
    return X, y


def test_fit__chosen_penalty__is_scikit_learns_solution_on_scaled_columns(data):
    from sklearn.linear_model import Ridge

    X, y = data
    found = ridge.fit(X[:300], y[:300], X[300:], y[300:])
    Z = (X[:300] - X[:300].mean(axis=0)) / X[:300].std(axis=0)
    theirs = Ridge(alpha=300 * found.penalty).fit(Z, y[:300])
    np.testing.assert_allclose(found.coefficients * X[:300].std(axis=0), theirs.coef_, atol=1e-8)
    np.testing.assert_allclose(found.predict(X[:300]), theirs.predict(Z), atol=1e-8)


def test_fit__penalty__has_the_least_error_on_the_validation_rows(data):
    X, y = data
    found = ridge.fit(X[:40], y[:40], X[40:], y[40:])
    best = np.abs(found.predict(X[40:]) - y[40:]).mean()
    for penalty in ridge.PENALTIES:
        Z = (X[:40] - X[:40].mean(axis=0)) / X[:40].std(axis=0)
        coefficients = np.linalg.solve(
            Z.T @ Z / 40 + penalty * np.eye(6), Z.T @ (y[:40] - y[:40].mean()) / 40
        )
        other = (X[40:] - X[:40].mean(axis=0)) / X[:40].std(axis=0) @ coefficients + y[:40].mean()
        assert best <= np.abs(other - y[40:]).mean() + 1e-12


def test_fit__a_constant_column__does_no_harm(data):
    X, y = data
    X[:, 3] = 4.0
    assert np.isfinite(ridge.fit(X, y, X, y).predict(X)).all()
