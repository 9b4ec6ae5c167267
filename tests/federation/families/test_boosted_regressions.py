from __future__ import annotations

import numpy as np
import pytest
import xgboost

from federation.errors import FederationError
from federation.families.boosted_regressions import BoostedRegressions
from federation.message import Message
from federation.rounds import fit_here
from federation.wire import decode, encode

FAMILY = BoostedRegressions()
COLUMNS, TARGETS, FOLDS = 5, 2, 2
SETTINGS = {
    "columns": COLUMNS,
    "targets": TARGETS,
    "folds": FOLDS,
    "trees": 30,
    "depth": 2,
    "rate": 0.2,
    "penalty": 1.0,
    "least_rows": 8,
}


def site(n: int, seed: int, shift: float = 0.0) -> dict[str, np.ndarray]:
    """One target of a step and a slope, one of a product; a column is missing in a part of the rows."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, COLUMNS)) + shift
    target = np.column_stack([(X[:, 0] > 0.5) + 0.3 * X[:, 1], X[:, 2] * (X[:, 3] > 0.0)])
    X[rng.random(n) < 0.2, 4] = np.nan
    return {
        "X": X.astype(np.float32).astype(np.float64),
        "target": target + 0.2 * rng.normal(size=target.shape),
        "fold": rng.integers(FOLDS, size=n),
        "outcome": (target[:, 0] > 0.5).astype(np.float64),
    }


SITES = {"delhi": site(300, 1), "mumbai": site(500, 2, 0.4), "bangalore": site(90, 3, -0.4)}
POOLED = {name: np.concatenate([part[name] for part in SITES.values()]) for name in SITES["delhi"]}


@pytest.fixture(scope="module")
def state() -> Message:
    return fit_here(FAMILY, SETTINGS, SITES)


def test_boosted_regressions__three_sites__grow_the_trees_of_pooled_rows_bit_by_bit(state):
    other = fit_here(BoostedRegressions(), SETTINGS, {"all": POOLED})
    assert set(state.arrays) == set(other.arrays)
    for name, array in state.arrays.items():
        np.testing.assert_array_equal(array, other.array(name))


def test_boosted_regressions__new_rows__are_answered_as_well_as_by_the_library(state):
    judged = site(1000, 9)
    wanted = {"max_depth": 2, "eta": 0.2, "lambda": 1.0, "min_child_weight": 8, "max_bin": 32}
    for target, ours in enumerate(FAMILY.result(state).whole):
        data = xgboost.DMatrix(POOLED["X"], label=POOLED["target"][:, target])
        theirs = xgboost.train(wanted, data, 30).predict(xgboost.DMatrix(judged["X"]))
        truth = judged["target"][:, target]
        missed = [float(np.abs(found - truth).mean()) for found in (ours.margin(judged["X"]), theirs)]
        assert missed[0] < 1.1 * missed[1]


def test_without__a_fold__does_not_depend_on_its_rows(state):
    away = POOLED["fold"] == 0
    mixed = POOLED["target"].copy()
    # The mean, with which all ensembles begin, stays.
    mixed[away] = mixed[away][::-1]
    other = FAMILY.result(fit_here(FAMILY, SETTINGS, {"all": POOLED | {"target": mixed}}))
    found, X = FAMILY.result(state), POOLED["X"]
    for ours, theirs in zip(found.without[0], other.without[0], strict=True):
        np.testing.assert_array_equal(ours.margin(X), theirs.margin(X))
    for ours, theirs in zip(
        (*found.whole, *found.without[1]), (*other.whole, *other.without[1]), strict=True
    ):
        assert np.abs(ours.margin(X) - theirs.margin(X)).max() > 0.01


def test_boosted_regressions__finished__tells_no_sums(state):
    assert not {"node_rows", "node_gradient", "node_hessian"} & set(state.arrays)
    for tree in (tree for one in FAMILY.result(state).whole for tree in one.trees):
        inner = ~tree.is_leaf
        for column, threshold in zip(tree.feature[inner], tree.threshold[inner], strict=True):
            assert threshold not in POOLED["X"][:, column]


def test_boosted_regressions__updates_over_the_wire__pass_what_the_gate_expects():
    settings, phases = SETTINGS | {"trees": 2}, []
    now = FAMILY.start(settings, dict.fromkeys(SITES, 1000))
    while not FAMILY.finished(now):
        phases.append(now.value("phase"))
        told = decode(encode(FAMILY.told(now)))
        assert not {"node_rows", "node_gradient", "node_hessian"} & set(told.arrays)
        answers = {}
        for name, data in SITES.items():
            answers[name] = decode(encode(FAMILY.local_update(told, data, name)))
            assert not FAMILY.inspect(now, answers[name])
            expected = FAMILY.expects(now, name, answers[name].n)
            assert set(expected) == set(answers[name].arrays)
            for part, rule in expected.items():
                array = answers[name].array(part)
                assert array.dtype.str == rule.dtype
                assert rule.low <= array.min() <= array.max() <= rule.high
                assert rule.total is None or np.abs(array).sum() <= rule.total
                assert rule.longest is None or array.size <= rule.longest
        now = FAMILY.aggregate(now, answers)
    assert phases == ["moments", "lattice", *["grow"] * 4]


def test_inspect__gradients_larger_than_rows_can_make_them__are_found():
    now = FAMILY.start(SETTINGS, {})
    for _ in range(2):
        now = FAMILY.aggregate(now, {"delhi": FAMILY.local_update(now, SITES["delhi"], "delhi")})
    update = FAMILY.local_update(now, SITES["delhi"], "delhi")
    forged = Message(update.header, {**update.arrays, "gradient": update.array("gradient") * 1000})
    assert "larger than its rows" in FAMILY.inspect(now, forged)


def test_boosted_regressions__few_rows_or_other_columns__sends_nothing():
    first = FAMILY.start(SETTINGS, {})
    few = {name: values[:31] for name, values in SITES["delhi"].items()}
    with pytest.raises(FederationError, match="x has 31 rows"):
        FAMILY.local_update(first, few, "x")
    with pytest.raises(FederationError, match="rows have 4 columns, not 5"):
        FAMILY.local_update(first, SITES["delhi"] | {"X": np.ones((50, 4))}, "x")


@pytest.mark.parametrize(
    "change",
    [{"least_rows": 7}, {"depth": 7}, {"trees": 401}, {"folds": -1}, {"rate": 0.0}, {"targets": 0}, {"x": 1}],
)
def test_start__wrong_settings__is_an_error(change):
    with pytest.raises(FederationError, match="settings"):
        FAMILY.start(SETTINGS | change, {})
