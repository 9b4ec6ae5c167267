"""What is special about `grid_stability`: its states, the stack, classes by score, what is named."""

import numpy as np
import pytest

from data_contracts.tables.stability import CLASSES, KNOWN, MARGINS
from models import logistic, stability_stack
from models.decision.grid_stability import DEFINITION, NAMED, THRESHOLDS, UNCAPPED, class_of
from models.evaluation import TREE3, answer_all
from models.pool import load
from models.rows import Names
from models.splits import TEST, TRAIN, VALIDATION


@pytest.fixture(scope="module")
def pool(profile, folders):
    return load(DEFINITION, profile, folders)


@pytest.fixture(scope="module")
def fitted(pool):
    return DEFINITION.fit(pool.split(TRAIN), DEFINITION.defaults, 1)


def test_features__of_the_grid__are_known_columns_and_what_the_telemetry_says():
    assert set(KNOWN) < set(DEFINITION.features)
    assert {"severity_worst", "screened_nose_pct", "ramped_nadir_hz"} < set(DEFINITION.features)


def test_rows__states__are_those_with_a_solution_by_day_and_limiting_margin(pool):
    rows = pool.training
    # One state of each of the two training substations has none.
    assert pool.left_out == 2
    assert np.isfinite(rows.truth["score"]).all()
    np.testing.assert_array_equal(rows.truth["margins"].min(axis=1), rows.truth["score"])
    np.testing.assert_array_equal(rows.kind.array(), np.array(MARGINS)[rows.truth["margin"]])
    named = dict(zip(MARGINS, ("line-b0", "line-", "unit-"), strict=True))
    for kind, failure in zip(rows.kind.array(), rows.truth["failure"], strict=True):
        assert failure.startswith(named[kind])
    days = rows.episode.codes
    assert all(np.unique(rows.split[days == day]).size == 1 for day in np.unique(days))
    assert set(rows.point_kind.array()) == {"system"}


@pytest.mark.parametrize(
    ("score", "name"),
    [(80.1, "stable"), (80.0, "marginal"), (60.0, "marginal"), (59.9, "unstable"), (0.0, "unstable")],
)
def test_class_of__scores__bounds_are_marginal(score, name):
    assert CLASSES[class_of(np.array([score]))[0]] == name


def test_fit__weights__come_from_days_left_out(pool, fitted):
    """A learner that knows its own rows by heart would get all the weight where it is asked about them."""
    rows = pool.split(TRAIN)
    X = rows.inputs(DEFINITION.features)
    judged = fitted.learners.judge(X)
    inside = np.abs(judged[:, 0] - rows.truth["score"] / 100).mean()
    outside = pool.split(TEST)
    apart = fitted.learners.judge(outside.inputs(DEFINITION.features))[:, 0]
    assert inside < np.abs(apart - outside.truth["score"] / 100).mean()
    own, _ = stability_stack.least_absolute(judged, rows.truth["score"] / 100, np.zeros(judged.shape[1]))
    assert not np.allclose(own, fitted.weights, atol=0.05)


def test_fit__fewer_days_than_folds__keeps_the_usual_weights(pool):
    rows = pool.split(TRAIN)
    few = rows.select(np.isin(rows.episode.codes, np.unique(rows.episode.codes)[:2]))
    found = DEFINITION.fit(few, DEFINITION.defaults, 1)
    assert found.bias == 0.0
    assert found.weights[[0, 4]].tolist() == [0.5, 0.5]
    assert found.weights.sum() == 1.0


def test_least_absolute__outliers__leave_the_line_alone():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(400, 2))
    y = A @ [0.5, -0.2] + 0.1
    y[:60] += 5.0
    weights, bias = stability_stack.least_absolute(A, y, np.zeros(2))
    np.testing.assert_allclose(weights, [0.5, -0.2], atol=5e-3)
    assert bias == pytest.approx(0.1, abs=5e-3)


def test_least_absolute__few_rows__stay_near_the_usual_weights():
    rng = np.random.default_rng(0)
    A = 0.1 * rng.normal(size=(6, 3))
    weights, _ = stability_stack.least_absolute(A, rng.normal(size=6), np.array([0.5, 0.5, 0.0]))
    np.testing.assert_allclose(weights, [0.5, 0.5, 0.0], atol=0.2)


def test_answers__of_test_states__beat_rule_and_tree_and_name_the_limiting_failure(pool, fitted):
    rows = pool.split(TEST)
    by = answer_all(DEFINITION, fitted, pool.training, rows).by
    error = {name: DEFINITION.metric("score_mae").of(answer, rows) for name, answer in by.items()}
    assert error["model"] < min(error[THRESHOLDS], error[TREE3])
    assert error["model"] < 1.2 * error[UNCAPPED]
    assert DEFINITION.metric("named_share").of(by["model"], rows) >= 0.8
    assert "named" not in by[UNCAPPED]
    np.testing.assert_array_equal(by["model"]["code"], class_of(by["model"]["score"]))


def test_metric__largest_class__is_of_the_truth_alone(pool, fitted):
    rows = pool.split(TEST)
    metric = DEFINITION.metric("largest_class_share")
    counts = np.bincount(rows.truth["code"], minlength=len(CLASSES))
    assert metric.of({"code": np.zeros(len(rows), dtype=np.int64)}, rows) == counts.max() / counts.sum()


def test_decode__factors__are_the_least_margin_and_the_likeliest_failures(fitted):
    decoder = DEFINITION.compile(fitted).decoder
    failures = len(decoder["failures"])
    raw = np.zeros((2, 1 + len(MARGINS) + failures))
    raw[:, 0] = 1.2, -0.1
    raw[0, 1:4] = 0.9, 0.2, 0.5
    raw[0, 4:] = np.arange(failures)
    first, second = DEFINITION.decode(decoder, raw, {})
    assert (first["stability_score"], first["stability_class"]) == (100.0, "stable")
    assert (second["stability_score"], second["stability_class"]) == (0.0, "unstable")
    assert first["risk_factors"][0].startswith("outages: ")
    assert first["risk_factors"][1] == f"failure of {decoder['failures'][-1]}"
    assert len(first["risk_factors"]) == 1 + min(NAMED, failures)


@pytest.mark.parametrize("classes", [1, 2, 3])
def test_logistic__any_number_of_classes__answers_as_the_library(classes):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 4))
    codes = np.arange(60) % classes
    found = logistic.fit(X + codes[:, None], Names(codes, ("a", "b", "c")), C=1.0)
    assert found.classes == ("a", "b", "c")[:classes]
    chance = logistic.probabilities(found.logits(X))
    np.testing.assert_allclose(chance, logistic.probabilities(found.native_logits(X)), atol=1e-12)
    if found.native is not None:
        np.testing.assert_allclose(
            chance, found.native.predict_proba((X - found.centre) / found.scale), atol=1e-12
        )


def test_calibrate__validation_states__change_nothing(pool, fitted):
    assert DEFINITION.calibrate(fitted, pool.split(VALIDATION)) is fitted
