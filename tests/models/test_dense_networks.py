import numpy as np
import pytest

from models import dense_networks, keras_dense
from models.dense_graph import add_dense_net
from models.dense_networks import FARTHEST, DenseCourse, DenseNet
from models.errors import ModelError
from models.graphs import INPUT, Graph
from models.runtime import CompiledModel

COURSE = DenseCourse(epochs=30, batch=64, learning_rate=1e-2, dropout=(0.05,), patience=30)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3)) * [1.0, 20.0, 0.1] + [5.0, 0.0, 0.0]
    return X, np.sin(X[:, 0]) + np.abs(X[:, 1]) / 20.0


@pytest.fixture(scope="module")
def net(rows):
    return dense_networks.fit(*rows, COURSE, 3, hidden=(16, 8))


def test_widths_of__any_network__are_those_it_was_made_with():
    weights = dense_networks.initial(5, (7, 4), 0)
    assert dense_networks.widths_of(weights) == (5, (7, 4))
    assert [array.shape for array in weights] == [
        array.shape for array in keras_dense.loaded(weights).weights
    ]


@pytest.mark.parametrize(
    "spoil", [lambda w: w[:-1], lambda w: w[::-1], lambda w: w[:2] + w[4:], lambda w: ()]
)
def test_widths_of__other_arrays__are_refused(spoil):
    with pytest.raises(ModelError, match="dense layers"):
        dense_networks.widths_of(spoil(dense_networks.initial(5, (7, 4), 0)))


def test_fit__a_curve__is_learnt(rows, net):
    X, y = rows
    assert np.abs(net.predict(X) - y).mean() < 0.2 * np.abs(y - y.mean()).mean()


def test_fit__same_rows_and_seed__gives_the_same_weights(rows, net):
    again = dense_networks.fit(*rows, COURSE, 3, hidden=(16, 8))
    other = dense_networks.fit(*rows, COURSE, 4, hidden=(16, 8))
    for one, two in zip(net.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, two)
    assert any((one != two).any() for one, two in zip(net.weights, other.weights, strict=True))


def test_fit__rows_that_judge__are_not_trained_on_and_end_it(rows):
    X, y = rows
    judges = np.arange(len(y)) < 100
    spoiled = np.where(judges, -y, y)
    course = DenseCourse(epochs=40, batch=64, learning_rate=1e-2, dropout=(), patience=3)
    judged = dense_networks.fit(X, spoiled, course, 0, hidden=(16, 8), judges=judges)
    assert len(judged.losses) < 40
    np.testing.assert_array_equal(judged.mean, X[~judges].mean(axis=0))


def test_forward__keras_and_onnx__answer_alike(rows, net):
    X, _ = rows
    own = net.predict(X)
    np.testing.assert_allclose(keras_dense.predict(net.weights, net.scaled(X)), own, atol=1e-10)
    graph = Graph()
    add_dense_net(graph, INPUT, net)
    compiled = CompiledModel(graph.finish("test", 3, "added", 1, double=True))
    np.testing.assert_allclose(compiled(X)[:, 0], own, atol=1e-10)


def test_scaled__far_away_and_constant_inputs__are_cut_and_finite():
    net = DenseNet(dense_networks.initial(2, (4,), 0), np.zeros(2), np.ones(2))
    assert np.abs(net.scaled(np.array([[1e9, -1e9]]))).max() == FARTHEST
    rounded = np.full((8, 2), 5.0) + np.arange(8)[:, None] * 1e-15
    made = dense_networks.fit(rounded, np.zeros(8), DenseCourse(epochs=1, dropout=()), 0, hidden=(4,))
    np.testing.assert_array_equal(made.scale, 1.0)
    assert np.isfinite(made.predict(np.ones((1, 2)))).all()


def test_fit__dropout_behind_more_layers_than_there_are__is_refused():
    with pytest.raises(ModelError, match="dropout behind 2 layers"):
        dense_networks.fit(np.ones((8, 2)), np.zeros(8), DenseCourse(epochs=1), 0, hidden=(4,))
