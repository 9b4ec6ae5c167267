import numpy as np
import pytest

from models import anomalies, graphs
from models.runtime import CompiledModel
from models.trees import TreeArrays

EDGE = 0.1  # not a float32 number


@pytest.fixture
def tree():
    return TreeArrays(
        feature=np.array([1, -1, 0, -1, -1]),
        threshold=np.array([EDGE, 0, -3.5, 0, 0]),
        left=np.array([1, -1, 3, -1, -1]),
        right=np.array([2, -1, 4, -1, -1]),
        value=np.array([[0, 0], [0.25, 0.75], [0, 0], [0.5, 0.5], [1, 0]]),
    )


def test_tree_graph__values_beside_a_threshold__take_the_fitted_trees_path(tree):
    near = np.nextafter(np.float32(EDGE), np.float32([-1, 1])).astype(np.float64)
    X = np.array([[5.0, EDGE], [5.0, near[0]], [5.0, near[1]], [-3.5, 1.0], [np.nextafter(-3.5, 0), 1.0]])
    found = CompiledModel(graphs.tree_graph("t", tree, 2, "out"))(X)
    expected = tree.predict(X.astype(np.float32).astype(np.float64))
    np.testing.assert_array_equal(found, expected)


def test_tree_graph__one_row_or_many__answers_the_same(tree):
    model = CompiledModel(graphs.tree_graph("t", tree, 2, "out"))
    X = np.random.default_rng(0).normal(size=(50, 2)) * 4
    np.testing.assert_array_equal(np.concatenate([model(row[None]) for row in X]), model(X))


@pytest.mark.parametrize("power", [1, 3])
def test_anomaly_graph__rows_near_and_far__scores_as_the_fitted_forest(power):
    rng = np.random.default_rng(0)
    moves = rng.lognormal(-7, 0.5, size=(800, 2))
    X = np.column_stack([rng.normal(size=(800, 2)), moves, rng.normal(1, 0.02, 800)])
    model = anomalies.fit(
        X, np.array([0.5, 0.0, 1.0, 0.0]), shrink=0.01, power=power, trees=30, psi=128, columns=0.8, seed=0
    )
    rows = np.concatenate([X, X[:50] * 1e4, -X[:50]])
    found = CompiledModel(anomalies.graph("a", model, "score"))(rows)[:, 0]
    np.testing.assert_allclose(found, model.score(rows), atol=1e-6)
    native = 1 + 2 * model.native.score_samples(model.columns(rows).astype(np.float32))
    np.testing.assert_allclose(found, native, atol=1e-6)
    assert found.min() >= -1
    assert found.max() <= 1


def test_with_threshold__native_forest__gives_the_same_verdict():
    X = np.random.default_rng(0).normal(size=(600, 4))
    model = anomalies.fit(X, np.zeros(3), shrink=0.01, power=3, trees=20, psi=128, columns=1.0, seed=0)
    moved = anomalies.with_threshold(model, anomalies.quantile_threshold(model.score(X), 0.05))
    verdict = moved.native.predict(moved.columns(X).astype(np.float32)) == -1
    np.testing.assert_array_equal(verdict, moved.score(X) < moved.threshold)
    assert verdict.sum() == 30
    assert model.threshold == 0.0


def test_quantile_threshold__distinct_scores__lets_exactly_the_share_pass():
    score = np.random.default_rng(0).permutation(np.arange(1000.0))
    threshold = anomalies.quantile_threshold(score, 0.01)
    assert (score < threshold).sum() == 10
    assert threshold not in score
