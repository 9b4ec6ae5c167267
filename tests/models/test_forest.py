import numpy as np
import pytest

from models import forest, graphs
from models.errors import ModelError
from models.forest import Forest
from models.runtime import CompiledModel
from models.trees import TreeArrays


@pytest.fixture(scope="module")
def data():
    """A target of which half the rows show one part only: columns 2 and 3 are then missing."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 5))
    y = X[:, 0] + np.where(X[:, 2] > 0, 2.0, -2.0)
    X[rng.random(1500) < 0.5, 2:4] = np.nan
    return X, y


@pytest.fixture(scope="module")
def fitted(data):
    return forest.fit(*data, 3, n_estimators=20, max_leaf_nodes=32, max_features=3, min_samples_leaf=5)


def with_more_missing(X):
    """Also rows in which columns are missing that never were in training."""
    holes = X.copy()
    holes[np.random.default_rng(1).random(X.shape) < 0.3] = np.nan
    return np.concatenate([X, holes, np.full((1, X.shape[1]), np.nan)])


def test_forest__rows_with_missing_values__answers_as_scikit_learn(data, fitted):
    X = with_more_missing(data[0])
    np.testing.assert_allclose(fitted.predict(X), fitted.native.predict(X.astype(np.float32)), atol=1e-12)


def test_forest_graph__rows_with_missing_values__answers_as_the_forest(data, fitted):
    X = with_more_missing(data[0])
    model = CompiledModel(graphs.forest_graph("f", fitted.trees, X.shape[1], "out"))
    np.testing.assert_allclose(model(X)[:, 0], fitted.predict(X), atol=1e-12)
    single = np.concatenate([model(row[None]) for row in X[:40]])
    np.testing.assert_array_equal(single, model(X[:40]))


def test_forest__missing_values__told_from_both_sides_of_a_split(data, fitted):
    """Where the telling column is missing, the answer lies between those of its two sides."""
    X = np.zeros((3, 5))
    X[:, 2] = [-1.0, np.nan, 1.0]
    X[1, 3] = np.nan
    low, missing, high = fitted.predict(X)
    assert low == pytest.approx(-2.0, abs=0.5)
    assert high == pytest.approx(2.0, abs=0.5)
    assert low + 1.0 < missing < high - 1.0


def test_forest__same_seed__same_trees(data):
    one, other = (forest.fit(*data, 5, n_estimators=3, max_leaf_nodes=8) for _ in range(2))
    for first, second in zip(one.trees, other.trees, strict=True):
        np.testing.assert_array_equal(first.threshold, second.threshold)
        np.testing.assert_array_equal(first.missing_left, second.missing_left)


def test_forest_graph__tree_that_is_one_leaf__is_compiled_too():
    leaf = TreeArrays(
        feature=np.array([-1]),
        threshold=np.zeros(1),
        left=np.array([-1]),
        right=np.array([-1]),
        value=np.array([[3.0]]),
    )
    stump = TreeArrays(
        feature=np.array([1, -1, -1]),
        threshold=np.array([0.5, 0, 0]),
        left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]),
        value=np.array([[0.0], [1.0], [2.0]]),
        missing_left=np.array([True, False, False]),
    )
    both = Forest((leaf, stump))
    X = np.array([[0.0, 0.5], [0.0, 0.6], [0.0, np.nan]])
    np.testing.assert_array_equal(both.predict(X), [2.0, 2.5, 2.0])
    model = CompiledModel(graphs.forest_graph("f", both.trees, 2, "out"))
    np.testing.assert_array_equal(model(X)[:, 0], [2.0, 2.5, 2.0])


def test_forest__too_large_to_be_served__refused(data):
    with pytest.raises(ModelError, match="128 leaves"):
        forest.fit(*data, 0, n_estimators=1, max_leaf_nodes=200)
    with pytest.raises(ModelError, match="101 trees"):
        Forest(tuple([forest.fit(*data, 0, n_estimators=1, max_leaf_nodes=4).trees[0]] * 101))


def test_tree__missing_sides_of_another_length__refused():
    with pytest.raises(ModelError, match="missing_left"):
        TreeArrays(
            feature=np.array([-1]),
            threshold=np.zeros(1),
            left=np.array([-1]),
            right=np.array([-1]),
            value=np.zeros((1, 1)),
            missing_left=np.zeros(2, dtype=bool),
        )
