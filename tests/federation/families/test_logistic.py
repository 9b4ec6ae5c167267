from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from federation.errors import FederationError
from federation.families.logistic import LEAST_OF_CLASS, LogisticSums
from federation.message import Message
from federation.rounds import fit_here
from federation.wire import decode, encode

FAMILY = LogisticSums()
COLUMNS = 4
SETTINGS = {"columns": COLUMNS, "classes": 3, "C": 0.3}
SIZES = {"delhi": (300, 1, 0.0), "mumbai": (500, 2, 0.7), "bangalore": (180, 3, -0.7)}


def site(n: int, seed: int, shift: float, classes: int = 3) -> dict[str, np.ndarray]:
    """Columns of different units; sites differ in their means and so in how often each class comes."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, COLUMNS)) + shift
    logits = np.stack([Z[:, 0], 0.5 - Z[:, 1], 2.0 * Z[:, 2]], axis=1)[:, :classes]
    y = np.argmax(logits + rng.gumbel(size=logits.shape), axis=1)
    return {"X": Z * [1.0, 100.0, 0.01, 5.0] + 50.0, "y": y.astype(np.int64)}


def sites(classes: int = 3) -> dict[str, dict[str, np.ndarray]]:
    return {name: site(*size, classes) for name, size in SIZES.items()}


def pooled(parts: dict[str, dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts.values()]) for name in ("X", "y")}


@pytest.mark.parametrize("C", [1e-3, 0.3, 1e3])
@pytest.mark.parametrize("classes", [2, 3])
def test_logistic__three_sites__give_what_scikit_learn_fits_to_pooled_rows(classes, C):
    parts = sites(classes)
    every = pooled(parts)
    present, found = FAMILY.result(fit_here(FAMILY, SETTINGS | {"classes": classes, "C": C}, parts))
    Z = (every["X"] - every["X"].mean(axis=0)) / every["X"].std(axis=0)
    theirs = LogisticRegression(C=C, tol=1e-12, max_iter=5000).fit(Z, every["y"])

    assert present.tolist() == list(range(classes))
    weights, levels = found.weights, found.bias
    if classes == 2:
        assert not weights[:, 0].any()
        weights, levels = weights[:, 1:], levels[1:]
    np.testing.assert_allclose(weights.T, theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(levels, theirs.intercept_, atol=1e-6)


def test_logistic__three_sites_and_one__give_the_same_to_rounding():
    parts = sites()
    ours, theirs = (
        FAMILY.result(fit_here(FAMILY, SETTINGS, one))[1] for one in (parts, {"all": pooled(parts)})
    )
    np.testing.assert_allclose(ours.weights, theirs.weights, atol=1e-10)


def test_logistic__updates_over_the_wire__pass_what_the_gate_expects_in_few_rounds():
    parts, rounds = sites(), 0
    state = FAMILY.start(SETTINGS, dict.fromkeys(parts, 1000))
    while not FAMILY.finished(state):
        told = decode(encode(FAMILY.told(state)))
        assert "before" not in told.arrays
        answers = {
            name: decode(encode(FAMILY.local_update(told, parts[name], name)))
            for name in sorted(parts, reverse=True)
        }
        for name, answer in answers.items():
            assert not FAMILY.inspect(state, answer)
            for part, rule in FAMILY.expects(state, name, answer.n).items():
                array = answer.array(part)
                assert array.shape == rule.shape
                assert rule.low <= array.min() <= array.max() <= rule.high
        state, rounds = FAMILY.aggregate(state, answers), rounds + 1
    assert rounds <= 10


def test_logistic__classes_that_a_line_parts_and_hardly_a_penalty__ends():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, COLUMNS))
    data = {"X": X, "y": (X[:, 0] > 0.0).astype(np.int64)}
    settings = SETTINGS | {"classes": 2, "C": 1e6}
    _, found = FAMILY.result(fit_here(FAMILY, settings, {"delhi": data}))
    assert ((found.logits(X)[:, 1] > 0.0) == (X[:, 0] > 0.0)).all()


def test_logistic__step_that_went_too_far__is_halved():
    data = sites()["delhi"]
    state = FAMILY.start(SETTINGS, {})
    for _ in range(2):
        state = FAMILY.aggregate(state, {"delhi": FAMILY.local_update(state, data, "delhi")})
    far = Message(state.header, {**state.arrays, "point": state.array("point") * 1e3})
    after = FAMILY.aggregate(far, {"delhi": FAMILY.local_update(far, data, "delhi")})
    middle = (far.array("point") + state.array("before")) / 2.0
    np.testing.assert_array_equal(after.array("point"), middle)
    assert after.value("best") == state.value("best")


@pytest.mark.parametrize("rare", [0, LEAST_OF_CLASS - 1])
def test_logistic__class_of_few_rows_or_none__takes_no_part(rare):
    data = sites(2)["delhi"]
    y = data["y"].copy()
    y[:rare] = 2
    told = FAMILY.local_update(FAMILY.start(SETTINGS, {}), data | {"y": y}, "delhi")
    assert told.n == 300 - rare
    assert told.array("of_class")[2] == 0

    present, found = FAMILY.result(fit_here(FAMILY, SETTINGS, {"delhi": data | {"y": y}}))
    kept = {name: values[rare:] for name, values in data.items()}
    _, without = FAMILY.result(fit_here(FAMILY, SETTINGS | {"classes": 2}, {"delhi": kept}))
    assert present.tolist() == [0, 1]
    np.testing.assert_array_equal(found.weights, without.weights)


def test_logistic__one_class__has_nothing_to_find():
    data = {"X": sites()["delhi"]["X"], "y": np.ones(300, dtype=np.int64)}
    present, found = FAMILY.result(fit_here(FAMILY, SETTINGS, {"delhi": data}))
    assert present.tolist() == [1]
    assert found.weights.shape == (COLUMNS, 1)
    assert not found.logits(data["X"]).any()


def test_logistic__fewer_rows_than_its_sums_need__are_not_told():
    wide = {"X": np.random.default_rng(0).normal(size=(60, 30)), "y": np.arange(60) % 3}
    with pytest.raises(FederationError, match="60 rows, a regression on 30 columns needs 62"):
        FAMILY.local_update(FAMILY.start(SETTINGS | {"columns": 30}, {}), wide, "delhi")
    few = {name: values[:31] for name, values in sites()["delhi"].items()}
    with pytest.raises(FederationError, match="31 rows"):
        FAMILY.local_update(FAMILY.start(SETTINGS, {}), few, "delhi")


def test_inspect__sums_of_no_rows__are_found():
    data = sites()["delhi"]
    first = FAMILY.start(SETTINGS, {})
    update = FAMILY.local_update(first, data, "delhi")
    more = Message(update.header, {**update.arrays, "of_class": update.array("of_class") + 1})
    assert "rows by class" in FAMILY.inspect(first, more)

    state = FAMILY.aggregate(first, {"delhi": update})
    sums = FAMILY.local_update(state, data, "delhi")
    flipped = Message(sums.header, {**sums.arrays, "curved": -sums.array("curved")})
    skewed = sums.array("curved").copy()
    skewed[0, 0, 1] += 1.0
    assert FAMILY.inspect(state, flipped) == "second derivatives of no rows"
    skew = Message(sums.header, {**sums.arrays, "curved": skewed})
    assert FAMILY.inspect(state, skew) == "second derivatives are not symmetric"


@pytest.mark.parametrize(
    "change", [{"C": 0.0}, {"columns": 0}, {"columns": 65}, {"classes": 1}, {"classes": 17}, {"x": 1}]
)
def test_start__wrong_settings__is_an_error(change):
    with pytest.raises(FederationError, match="settings"):
        FAMILY.start(SETTINGS | change, {})
