import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from models.errors import ModelError
from models.isolation import IsolationArrays, unsuccessful_search


def test_unsuccessful_search__small_numbers__has_the_papers_values():
    found = unsuccessful_search(np.array([0.0, 1.0, 2.0, 256.0]))
    # c(256) = 2·(ln 255 + γ) − 2·255/256, worked out by hand.
    np.testing.assert_allclose(
        found, [0.0, 0.0, 1.0, 2 * (np.log(255) + 0.5772156649) - 510 / 256], rtol=1e-9
    )


@pytest.mark.parametrize("share", [1.0, 0.4])
def test_isolation_arrays__taken_from_sklearn__score_as_its_own(share):
    X = np.random.default_rng(0).normal(size=(1500, 6)).astype(np.float32)
    forest = IsolationForest(n_estimators=20, max_samples=128, max_features=share, random_state=1).fit(X)
    ours = IsolationArrays.from_sklearn(forest).score(X.astype(float))
    np.testing.assert_allclose(ours, 1 + 2 * forest.score_samples(X), atol=1e-12)


def test_isolation_arrays__point_far_out__scores_lower_than_the_middle():
    X = np.random.default_rng(0).normal(size=(1500, 2))
    forest = IsolationArrays.from_sklearn(IsolationForest(n_estimators=50, random_state=1).fit(X))
    far, middle = forest.score(np.array([[9.0, 9.0], [0.0, 0.0]]))
    assert far < -0.2 < middle


def test_isolation_arrays__no_tree__is_refused():
    with pytest.raises(ModelError, match="at least one tree"):
        IsolationArrays((), 256)
