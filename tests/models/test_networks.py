import numpy as np
import pytest

from models import keras_training, networks
from models.errors import ModelError
from models.networks import Course, Widths

SMALL = Widths(6, 5, 4)


@pytest.fixture
def data():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 10, 3)).astype(np.float32)
    return X, (X[:, -1, 0] + 0.5 * X[:, -2, 1]).astype(np.float32)


@pytest.fixture
def weights():
    """Weights with no zero among them: a bias at a wrong place would show."""
    rng = np.random.default_rng(2)
    return tuple(
        (array + rng.normal(0, 0.3, array.shape)).astype(np.float32)
        for array in networks.initial(SMALL, 3, 7)
    )


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_initial__default_widths__has_the_shapes_of_keras_own_arrays():
    weights = networks.initial(Widths(), 8, 0)
    model = keras_training.loaded(weights, 10)
    assert [array.shape for array in weights] == [array.shape for array in model.get_weights()]
    assert networks.widths_of(weights) == (Widths(), 8)
    # Forget gates begin open, recurrent kernels keep lengths.
    assert np.array_equal(weights[2][64:128], np.ones(64))
    np.testing.assert_allclose(weights[1] @ weights[1].T, np.eye(64), atol=1e-5)


def test_forward__any_weights__answers_as_keras_does(weights, data):
    expected = keras_training.predict(weights, data[0])
    np.testing.assert_allclose(networks.forward(weights, data[0]), expected, atol=1e-6)


def test_train__same_arguments__give_the_same_weights_whatever_ran_between(data):
    first = networks.initial(SMALL, 3, 3)
    course = Course(epochs=2, batch=64, dropout=0.3)
    one, losses = networks.train(first, *data, course, 5)
    networks.train(first, *data, Course(epochs=1, batch=32, dropout=0.1, learning_rate=0.05), 6)
    keras_training.predict(first, data[0])
    other, again = networks.train(first, *data, course, 5)
    assert same(one, other)
    assert losses == again
    assert not same(one, networks.train(first, *data, course, 6)[0])


def test_train__validation_rows__gives_their_loss_and_the_best_epochs_weights(data):
    X, y = data
    held = (X[:60], y[:60], np.linspace(0.5, 2, 60).astype(np.float32))
    course = Course(epochs=6, batch=60, learning_rate=0.02, dropout=0.0)
    weights, losses = networks.train(
        networks.initial(SMALL, 3, 3), X[60:], y[60:], course, 5, validation=held
    )
    assert losses[-1] < 0.95 * losses[0]
    assert networks.loss(weights, *held) == pytest.approx(min(losses), rel=1e-5)


def test_train__a_row_without_importance__is_not_learned(data):
    X, y = data
    wrong = np.where(np.arange(300) < 150, y, y + 50.0).astype(np.float32)
    importance = (np.arange(300) < 150).astype(np.float32)
    first = networks.initial(SMALL, 3, 3)
    course = Course(epochs=1, batch=300, dropout=0.0)
    one, _ = networks.train(first, X, wrong, course, 5, importance=importance)
    other, _ = networks.train(first, X, np.where(importance > 0, y, 0.0), course, 5, importance=importance)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_widths_of__other_arrays__are_refused(weights):
    with pytest.raises(ModelError, match="10 arrays"):
        networks.widths_of(weights[:-1])
    with pytest.raises(ModelError, match="10 arrays"):
        networks.forward((*weights[:-1], np.zeros(2, np.float32)), np.zeros((1, 10, 3)))


def test_moments__a_feature_that_never_moves__keeps_its_scale():
    X = np.tile([1.0, 2.0], (5, 10))
    X[:, 0::2] += np.arange(5)[:, None]
    mean, scale = networks.moments(X, 10)
    np.testing.assert_allclose(mean, [3.0, 2.0])
    np.testing.assert_allclose(scale, [np.sqrt(2), 1.0])
