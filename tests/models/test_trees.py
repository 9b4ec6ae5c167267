import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.tree import DecisionTreeClassifier

from models.errors import ModelError
from models.trees import TreeArrays


def stump(threshold=0.5, right=2):
    return TreeArrays(
        feature=np.array([0, -1, -1]),
        threshold=np.array([threshold, 0, 0]),
        left=np.array([1, -1, -1]),
        right=np.array([right, -1, -1]),
        value=np.array([[0.0], [1.0], [2.0]]),
    )


def test_tree__row_on_the_threshold__goes_left():
    answered = stump().predict(np.array([[0.5], [np.nextafter(0.5, 1)]]))
    assert answered.ravel().tolist() == [1.0, 2.0]


def test_tree__taken_from_sklearn__answers_the_same_for_every_row():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 5)).astype(np.float32)
    y = (X[:, 0] > 0).astype(int) + (X[:, 1] * X[:, 2] > 0.3)
    fitted = DecisionTreeClassifier(max_depth=9, random_state=0).fit(X, y)
    tree = TreeArrays.from_sklearn(fitted.tree_)
    np.testing.assert_array_equal(tree.predict(X.astype(float)), fitted.predict_proba(X))
    assert tree.leaves == fitted.get_n_leaves()
    assert tree.depths().max() == fitted.get_depth()


def test_tree__regressor_of_a_forest__keeps_one_output():
    X = np.random.default_rng(1).normal(size=(200, 3)).astype(np.float32)
    forest = ExtraTreesRegressor(n_estimators=2, random_state=0, min_samples_leaf=5).fit(X, X[:, 0])
    tree = TreeArrays.from_sklearn(forest.estimators_[0].tree_)
    np.testing.assert_allclose(tree.predict(X.astype(float))[:, 0], forest.estimators_[0].predict(X))


def test_tree__child_before_its_parent__is_refused():
    with pytest.raises(ModelError, match="before its parent"):
        stump(right=0)


def test_tree__threshold_not_finite__is_refused():
    with pytest.raises(ModelError, match="not finite"):
        stump(threshold=np.nan)
