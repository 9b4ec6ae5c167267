"""N-BEATS in its three forms, what its blocks do, and the load forecast made of it."""

import numpy as np
import pytest

from models import compilation, load_inputs, n_beats, n_beats_model, n_beats_training, prophet_form
from models.catalogue import definition
from models.energy.load_forecast_n_beats import DEFINITION
from models.errors import ModelError
from models.load_inputs import EARLIER, FEATURES, INDEX
from models.n_beats import BLOCKS, PER_STACK, STACKS, WINDOW_H, Shape, bases, by_stack, forward, initial
from models.n_beats_model import ENDS_H, SHAPE
from models.networks import Course
from models.pool import load
from models.runtime import CompiledModel
from models.splits import TEST, TRAIN, VALIDATION

SMALL = Shape(known=5, ends_h=(0.125, 12.0, 23.875), units=8)


@pytest.fixture
def rng():
    return np.random.default_rng(4)


def drawn(shape, rng):
    """Weights none of which is nothing."""
    return tuple((array + rng.normal(0, 0.05, array.shape)).astype(np.float32) for array in initial(shape, 1))


def inputs(rng, n):
    X = 0.4 + 0.1 * rng.normal(size=(n, len(FEATURES) + len(EARLIER)))
    turn = rng.uniform(0, 2 * np.pi, n)
    X[:, INDEX["hour_sin"]], X[:, INDEX["hour_cos"]] = np.sin(turn), np.cos(turn)
    X[:, INDEX["load_week_level_pu"]] = rng.uniform(0.3, 0.6, n)
    return X


def test_keras__drawn_weights__answers_as_numpy(rng):
    weights, rows = drawn(SMALL, rng), rng.normal(size=(50, WINDOW_H + 5))
    said = n_beats_training.predict(weights, SMALL, rows)
    np.testing.assert_allclose(said, forward(weights, SMALL, rows), atol=1e-4)
    assert np.abs(said).max() > 0.1


def test_loaded__its_variables__are_the_weights_in_order(rng):
    weights = drawn(SMALL, rng)
    made = n_beats_training.loaded(weights, SMALL)
    for mine, theirs in zip(weights, n_beats_training.variables(made), strict=True):
        np.testing.assert_array_equal(mine, theirs.numpy())
    assert len(made.trainable_variables) == len(weights)


def test_first_weights__any_row__forecast_nothing(rng):
    np.testing.assert_array_equal(forward(initial(SMALL, 0), SMALL, rng.normal(size=(3, WINDOW_H + 5))), 0.0)


def test_bases__trend_and_seasonality__are_powers_and_waves_of_a_day():
    _, trend = bases("trend", (0.0, 24.0))
    np.testing.assert_allclose(trend, [[1, 1], [0, 1], [0, 1], [0, 1]])
    _, waves = bases("seasonality", (1.0, 25.0))
    np.testing.assert_allclose(waves[:, 0], waves[:, 1], atol=1e-12)


def test_blocks__trend_without_its_forecast__leaves_the_seasonality_as_it_is(rng):
    """The stack of the trend takes its backcast out of the window whether it forecasts or not."""
    weights, rows = list(drawn(SMALL, rng)), rng.normal(size=(20, WINDOW_H + 5))
    before = by_stack(tuple(weights), SMALL, rows)
    weights[PER_STACK - 1] = np.zeros_like(weights[PER_STACK - 1])
    after = by_stack(tuple(weights), SMALL, rows)
    np.testing.assert_array_equal(after["trend"], 0.0)
    np.testing.assert_allclose(after["seasonality"], before["seasonality"])
    weights[PER_STACK - 2] = np.zeros_like(weights[PER_STACK - 2])
    assert np.abs(by_stack(tuple(weights), SMALL, rows)["seasonality"] - before["seasonality"]).max() > 1e-6
    assert len(STACKS) * BLOCKS == 6


def test_check__arrays_of_another_network__are_refused():
    with pytest.raises(ModelError, match="an N-BEATS network"):
        n_beats.check(initial(SMALL, 0), SHAPE)


def test_training__same_seed__gives_the_same_weights_and_a_falling_loss(rng):
    rows = rng.normal(size=(200, WINDOW_H + 5)).astype(np.float32)
    wanted = rows[:, [WINDOW_H - 1, WINDOW_H - 2, WINDOW_H - 3]]
    data = rows, wanted, np.ones((200, 1), np.float32), np.ones(3, np.float32)
    course = Course(epochs=3, batch=50, learning_rate=4e-3)
    one, losses = n_beats_training.train(initial(SMALL, 0), SMALL, data, course, 5)
    other, _ = n_beats_training.train(initial(SMALL, 0), SMALL, data, course, 5)
    assert losses[-1] < losses[0]
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_model__fitted__answers_alike_in_numpy_keras_and_onnx(rng):
    X = inputs(rng, 300)
    newest = X[:, [INDEX["load_quarter_0_pu"]]]
    y = newest + 0.05 * rng.normal(size=(300, 3))
    ahead = newest + 0.05 * rng.normal(size=(300, 24))
    fitted = n_beats_model.fit(X, y, ahead, Course(epochs=2, batch=100, learning_rate=2e-3), 1)
    graph = CompiledModel(fitted.graph("load_forecast", X.shape[1]))
    np.testing.assert_allclose(graph(X), fitted.predict(X), atol=2e-6)
    np.testing.assert_allclose(fitted.predict(X, keras=True), fitted.predict(X), atol=2e-6)
    assert np.abs(fitted.predict(X) - newest).max() > 1e-4
    assert fitted.half(X).shape == (300, 3)


def test_fit__constant_load__scales_nothing_by_rounding(rng):
    """A load that stands still moves by rounding alone, which must not be blown up when it moves later."""
    X = np.full((400, len(FEATURES) + len(EARLIER)), 0.3)
    turn = rng.uniform(0, 2 * np.pi, 400)
    X[:, INDEX["hour_sin"]], X[:, INDEX["hour_cos"]] = np.sin(turn), np.cos(turn)
    lags = load_inputs.places(load_inputs.LAGS)
    X[:, lags] += 1e-12 * rng.normal(size=(400, len(lags)))
    y, ahead = np.full((400, 3), 0.3), np.full((400, 24), 0.3)
    fitted = n_beats_model.fit(X, y, ahead, Course(epochs=1, batch=100, learning_rate=2e-3), 1)
    spread = load_inputs.known(X).std(axis=0)
    assert ((spread > 0.0) & (spread < prophet_form.LEAST_SCALE)).any()
    np.testing.assert_array_equal(fitted.scale[spread <= prophet_form.LEAST_SCALE], 1.0)
    np.testing.assert_allclose(fitted.predict(X), 0.3, atol=0.01)
    X[:, lags] += 0.05 * rng.normal(size=(400, len(lags)))
    assert np.abs(fitted.predict(X)).max() < 10.0


def test_ends__of_the_horizons__are_the_middles_of_their_quarters():
    assert ENDS_H[:3] == (0.125, 0.875, 23.875)
    assert len(ENDS_H) == 27


def test_definition__beside_the_first_algorithm__answers_the_same_fields():
    first = definition("load_forecast")
    assert (DEFINITION.name, DEFINITION.outputs, DEFINITION.metrics) == (
        first.name,
        first.outputs,
        first.metrics,
    )
    assert DEFINITION.features[: len(first.features)] == first.features
    assert len(load_inputs.WEEK_HOURS) == WINDOW_H


def test_definition__on_the_campaigns_rows__compiles_to_what_it_answers(profile, folders, tmp_path):
    first = load(definition("load_forecast"), profile, folders)
    pool = load(DEFINITION, profile, folders)
    np.testing.assert_array_equal(pool.training.t, first.training.t)
    np.testing.assert_array_equal(
        pool.training.inputs(definition("load_forecast").features), first.training.X
    )
    some = DEFINITION.subset(pool.split(TRAIN), 2000, np.random.default_rng(0))
    fitted = DEFINITION.fit(some, {**DEFINITION.defaults, "epochs": 2}, 3)
    fitted = DEFINITION.calibrate(fitted, pool.split(VALIDATION))
    test = pool.split(TEST)
    parity = compilation.compile_into(DEFINITION, fitted, test, tmp_path, pool.split(TRAIN))
    assert parity.flips == 0
    assert parity.largest <= compilation.TOLERANCE
    assert (tmp_path / compilation.MODEL_FILE).stat().st_size < 1_000_000
    compiled = DEFINITION.compile(fitted)
    raw = CompiledModel(compiled.onnx)(test.inputs(DEFINITION.features))
    answer, served = DEFINITION.answer(fitted, test), DEFINITION.served(compiled.decoder, raw, test)
    for name, values in answer.items():
        np.testing.assert_allclose(served[name], values, atol=2e-5)
