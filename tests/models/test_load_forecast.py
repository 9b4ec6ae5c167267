"""The parts of `load_forecast`: Prophet's coefficients, the network in three forms, intervals and scores."""

from dataclasses import replace

import numpy as np
import pytest

from models import load_inputs, load_model, load_network, load_rows, load_scores, load_training, prophet_form
from models.energy.load_forecast import DEFINITION
from models.load_inputs import FEATURES, HORIZONS, INDEX, PLAIN
from models.load_intervals import Intervals, at_hour, conformal
from models.load_model import SHAPE, LoadModel
from models.networks import Course
from models.prophet_form import ProphetForm
from models.rows import Names, Rows
from models.runtime import CompiledModel

N = 500
DAY_S = 86_400.0


@pytest.fixture
def rng():
    return np.random.default_rng(8)


def inputs(rng, n):
    """Inputs of n instants of two weeks: loads around one, a calendar that fits them."""
    local = np.sort(rng.uniform(0, 14 * DAY_S, n))
    X = 0.4 + 0.1 * rng.normal(size=(n, len(FEATURES)))
    turn = 2 * np.pi * local / DAY_S
    X[:, INDEX["hour_sin"]], X[:, INDEX["hour_cos"]] = np.sin(turn), np.cos(turn)
    weekday = np.floor(local / DAY_S + 3) % 7
    for name in HORIZONS:
        X[:, INDEX[f"saturday_{name}"]] = weekday == 5
        X[:, INDEX[f"free_{name}"]] = weekday == 6
    year = 2 * np.pi * local / DAY_S / 365.25
    X[:, INDEX["year_sin"]], X[:, INDEX["year_cos"]] = np.sin(year), np.cos(year)
    X[:, INDEX["load_week_level_pu"]] = rng.uniform(0.3, 0.6, n)
    return X, local


@pytest.fixture
def model(rng):
    """A model of drawn coefficients with every term."""
    regressors = load_inputs.INDEPENDENT
    form = ProphetForm(
        rng.normal(size=regressors), rng.uniform(0.5, 2, regressors), rng.normal(size=3),
        rng.normal(0, 0.1, (regressors, 3)), rng.normal(0, 0.1, (3, 2 * prophet_form.ORDER, 3)),
        rng.normal(0, 0.1, (2, 3)), rng.normal(0, 0.1, (4, 3)),
    )  # fmt: skip
    weights = tuple(
        (array + rng.normal(0, 0.1, array.shape)).astype(np.float32)
        for array in load_network.initial(SHAPE, 1)
    )
    columns = load_model.WIDE + load_inputs.KNOWN
    intervals = Intervals(rng.uniform(0.01, 0.02, (24, 3)), np.ones(3))
    return LoadModel(
        form, weights, rng.normal(size=columns), rng.uniform(1, 2, columns), np.full(3, 0.02), intervals
    )


def test_inputs__beside_the_history__are_fifteen():
    assert len(PLAIN) == 15
    assert set(PLAIN) < set(FEATURES)


def test_graph__every_term__answers_as_the_model(model, rng):
    X, _ = inputs(rng, N)
    graph = CompiledModel(model.graph("load_forecast", len(FEATURES)))
    np.testing.assert_allclose(graph(X), model.predict(X), atol=2e-6)
    np.testing.assert_allclose(model.predict(X, keras=True), model.predict(X), atol=2e-6)


def test_graph__without_yearly_terms__answers_as_the_model(model, rng):
    X, _ = inputs(rng, N)
    form = replace(model.prophet, yearly=np.zeros((4, 3)))
    known = replace(model, prophet=form)
    np.testing.assert_allclose(
        CompiledModel(known.graph("load_forecast", len(FEATURES)))(X), known.predict(X), atol=2e-6
    )


def test_prophet_form__fitted__answers_as_prophet_itself(rng, monkeypatch):
    X, local = inputs(rng, N)
    y = 1 + 0.2 * X[:, [INDEX["hour_sin"]]] + 0.05 * rng.normal(size=(N, 3))
    made = []
    real = prophet_form.quiet_prophet
    monkeypatch.setattr(prophet_form, "quiet_prophet", lambda: made.append(real()) or made[-1])
    known = load_inputs.known(X)
    form = prophet_form.fit(X, known, y, local)
    found = form.predict(X, known)
    for at, prophet in enumerate(made):
        np.testing.assert_allclose(found[:, at], prophet.predict(prophet.history)["yhat"], atol=1e-6)
    assert not form.yearly.any()


def test_prophet_form__two_years__have_a_season(rng):
    X, local = inputs(rng, N)
    local = local * 60
    year = 2 * np.pi * local / DAY_S / 365.25
    X[:, INDEX["year_sin"]], X[:, INDEX["year_cos"]] = np.sin(year), np.cos(year)
    y = np.repeat(1 + 0.3 * np.cos(year)[:, None], 3, axis=1) + 0.01 * rng.normal(size=(N, 3))
    known = load_inputs.known(X)
    form = prophet_form.fit(X, known, y, local)
    np.testing.assert_allclose(form.yearly[0], 0.3, atol=0.02)
    assert np.abs(form.predict(X, known) - y).mean() < 0.02


def test_training__same_seed__gives_the_same_weights_whatever_ran_before(rng):
    rows = rng.normal(size=(300, load_model.WIDE + load_inputs.KNOWN)).astype(np.float32)
    data = rows, rows[:, :3], np.ones((300, 1), np.float32)
    course = Course(epochs=2, batch=64, learning_rate=4e-3)
    first = load_network.initial(SHAPE, 0)
    one, losses = load_training.train(first, SHAPE, data, course, 5)
    load_training.train(first, SHAPE, data, course, 6)
    other, _ = load_training.train(first, SHAPE, data, course, 5)
    assert losses[1] < losses[0]
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_at_hour__between_full_hours__is_interpolated_around_midnight():
    hourly = np.repeat(np.arange(24.0)[:, None], 3, axis=1)
    hour = np.array([0.0, 6.5, 23.0, 23.5])
    turn = 2 * np.pi * hour / 24
    np.testing.assert_allclose(
        at_hour(hourly, np.sin(turn), np.cos(turn))[:, 0], [0.0, 6.5, 23.0, 11.5], atol=1e-9
    )


def test_conformal__rows_not_fitted_on__hold_nine_of_ten(model, rng):
    X, _ = inputs(rng, 4000)
    y = model.predict(X) + 0.02 * rng.normal(size=(4000, 3))
    found = replace(model, intervals=conformal(model, X[:2000], y[:2000], 0.9))
    inside = np.abs(found.predict(X[2000:]) - y[2000:]) <= found.half(X[2000:])
    np.testing.assert_allclose(inside.mean(axis=0), 0.9, atol=0.03)


def test_rows__of_a_ramp__have_their_targets_and_no_target_in_another_split(folders, profile):
    from data_contracts.dataset import Dataset

    built = load_rows.build(Dataset.open(folders["mumbai"]), DEFINITION, profile.simulation.start)
    rows = built.rows
    assert built.without_truth > 0
    # At 24 h the load now is that of the same time yesterday.
    np.testing.assert_array_equal(rows.truth["persistence_24h"], rows.truth["yesterday_24h"])
    np.testing.assert_allclose(rows.column("load_quarter_0_pu"), rows.truth["persistence_1h"])
    # The campaign's only public holiday is a Sunday.
    np.testing.assert_allclose(rows.column("load_like_24h_pu"), rows.truth["last_week_24h"])
    np.testing.assert_allclose(rows.column("load_day_before_15min_pu"), rows.truth["yesterday_15min"])
    assert np.all(np.mod(rows.t, 900.0) == 0)
    for name in HORIZONS:
        error = {
            who: np.abs(rows.truth[f"{who}_{name}"] - rows.truth[f"p_{name}"]).mean()
            for who in ("oracle", *load_scores.NAIVE)
        }
        assert min(error, key=error.get) == "oracle"


def test_scores__known_errors__are_what_they_say():
    truth = {f"p_{name}": np.array([1.0, 3.0]) for name in HORIZONS}
    for name in HORIZONS:
        truth |= {f"{who}_{name}": np.array([1.4, 3.0]) for who in load_scores.NAIVE}
        truth |= {f"oracle_{name}": np.array([1.1, 3.0]), f"holiday_{name}": np.array([True, False])}
    nothing = Names(np.zeros(2, dtype=np.int64), ("x",))
    rows = Rows(
        ("a",), np.zeros((2, 1)), truth, nothing, nothing, nothing, nothing, nothing, np.zeros(2),
        np.zeros(2, dtype=np.int8),
    )  # fmt: skip
    answer = {f"p_{name}": np.array([1.2, 3.0]) for name in HORIZONS}
    answer |= {f"low_{name}": np.array([1.1, 2.9]) for name in HORIZONS}
    answer |= {f"high_{name}": np.array([1.3, 3.1]) for name in HORIZONS}
    value = {metric.name: metric.of(answer, rows) for metric in DEFINITION.metrics}
    assert value["wape_1h"] == pytest.approx(5.0)
    assert value["wape_1h_holiday"] == pytest.approx(20.0)
    assert value["skill"] == pytest.approx(0.5)
    assert value["gap_share_24h"] == pytest.approx(2 / 3)
    assert value["coverage_15min"] == pytest.approx(0.5)
    assert value["interval_width_pct_24h"] == pytest.approx(10.0)
