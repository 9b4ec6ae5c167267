"""Boosted trees as arrays: XGBoost's own margins and path contributions, in ONNX as well."""

import numpy as np
import pytest

from models import boosting
from models.boosting import Labels
from models.graphs import INPUT, Graph
from models.rows import Names
from models.runtime import CompiledModel

COLUMNS = 6
PARAMS = {"rounds": 60, "max_depth": 4, "eta": 0.2}


@pytest.fixture(scope="module")
def learnt():
    rng = np.random.default_rng(5)
    n = 3000
    X = rng.normal(size=(n, COLUMNS))
    X[rng.random(X.shape) < 0.2] = np.nan
    margin = 2 * np.nan_to_num(X[:, 0]) + np.nan_to_num(X[:, 1]) ** 2 - 3
    time = rng.exponential(50 * np.exp(-np.nan_to_num(X[:, 0]))) + 0.02
    labels = Labels(
        (rng.random(n) < 1 / (1 + np.exp(-margin))).astype(float),
        np.minimum(time, 100.0),
        np.where(time < 100.0, time, np.inf),
        rng.uniform(0.5, 2.0, n),
    )
    return X, labels, Names.of([str(k // 20) for k in range(n)])


@pytest.fixture(scope="module")
def outcome(learnt):
    X, labels, episode = learnt
    return boosting.fit_outcome(X, labels, episode, groups=range(COLUMNS), params=PARAMS, seed=1)


def matrix(X):
    import xgboost

    return xgboost.DMatrix(X.astype(np.float32))


def test_contributions__each_input__are_xgboosts_approximate_ones(learnt, outcome):
    X, (boosted, _) = learnt[0], outcome
    theirs = boosted.booster.predict(matrix(X), pred_contribs=True, approx_contribs=True)

    np.testing.assert_allclose(boosted.contributions(X), theirs[:, :-1], atol=2e-5)
    np.testing.assert_allclose(boosted.start, theirs[:, -1], atol=2e-5)
    np.testing.assert_allclose(
        boosted.margin(X), boosted.booster.predict(matrix(X), output_margin=True), atol=2e-5
    )


def test_contributions__groups__are_sums_of_their_inputs(learnt, outcome):
    X, (boosted, _) = learnt[0], outcome
    grouped = boosting.from_booster(boosted.booster, [0, 1, 0, 2, 1, 2])
    each = boosted.contributions(X)

    np.testing.assert_allclose(
        grouped.contributions(X),
        np.stack([each[:, [k, j]].sum(axis=1) for k, j in ((0, 2), (1, 4), (3, 5))], 1),
    )


def test_ensemble__values_on_a_threshold_and_missing_ones__go_where_xgboost_sends_them(learnt, outcome):
    X, (boosted, _) = learnt[0], outcome
    tree = boosted.trees[0]
    inner = np.flatnonzero(~tree.is_leaf)
    at = np.full((3 * inner.size, COLUMNS), np.nan)
    for row, node in enumerate(inner):
        # The largest float32 that goes left, the condition itself, and the one above it.
        below = np.float32(tree.threshold[node])
        own = np.nextafter(below, np.float32(np.inf))
        at[3 * row : 3 * row + 3, tree.feature[node]] = [below, own, np.nextafter(own, np.float32(np.inf))]
    graph = Graph()
    graph.ensemble(graph.rounded(INPUT, "rounded"), boosted.trees, "out", False, sparse=True)
    compiled = CompiledModel(graph.finish("b", COLUMNS, "out", COLUMNS))

    for rows in (X, at):
        np.testing.assert_array_equal(
            compiled(rows), boosted.contributions(rows).astype(np.float32).astype(float)
        )


def test_inner_folds__margins_apart__know_less_than_those_of_the_fit(learnt, outcome):
    X, labels, _ = learnt
    boosted, apart = outcome

    def likelihood(margin):
        p = boosting.probability(margin)
        return np.mean(np.log(np.where(labels.outcome > 0, p, 1 - p)))

    blind = likelihood(np.full(len(X), np.log(labels.outcome.mean() / (1 - labels.outcome.mean()))))
    assert blind + 0.05 < likelihood(apart) < likelihood(boosted.margin(X))


def test_fit_time__median__follows_the_law_that_drew_the_times(learnt):
    X, labels, _ = learnt
    boosted = boosting.fit_time(
        X, labels, groups=[0] * COLUMNS, params={"rounds": 80, "max_depth": 3, "eta": 0.1}, scale=1.0, seed=1
    )
    median = np.exp(boosted.margin(X)) * np.log(2)
    known = np.isfinite(X[:, 0])
    true = 50 * np.exp(-X[known, 0]) * np.log(2)

    assert np.median(np.abs(np.log(median[known] / true))) < 0.25


def test_fit__no_outcome_at_all__stands_at_the_least_rate(learnt):
    X, labels, episode = learnt
    none = Labels(np.zeros(len(X)), labels.low, labels.high, labels.weight)
    boosted, apart = boosting.fit_outcome(X, none, episode, groups=range(COLUMNS), params=PARAMS, seed=1)

    assert np.isfinite(boosted.margin(X)).all()
    assert boosting.logistic_curve(apart, none.outcome, none.weight) == (1.0, 0.0)


def test_logistic_curve__stretched_margin__is_undone():
    rng = np.random.default_rng(2)
    margin = rng.normal(-1, 2, 20_000)
    came = (rng.random(margin.size) < boosting.probability(0.5 * margin + 0.3)).astype(float)

    assert boosting.logistic_curve(margin, came, np.ones(margin.size)) == pytest.approx((0.5, 0.3), abs=0.05)
