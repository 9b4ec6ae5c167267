from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
import pytest

from federation.envelope import Envelope, seal
from federation.errors import FederationError, RefusedUpdateError
from federation.families.weighted_forests import STEEPEST, WeightedForests
from federation.family import MINIMUM_ROWS
from federation.fits import pooled
from federation.gate import Gate
from federation.message import Message
from federation.rounds import fit_here
from federation.wire import decode, encode
from models import forest
from models.trees import LARGEST

FAMILY = WeightedForests()
RATE = {"columns": [0, 1, 3], "trees": 12, "max_features": 2, "max_samples": 0.7, "max_depth": 6}
SIZE = {"columns": [0, 1, 2, 3], "trees": 6, "max_features": 3, "max_samples": 1.0, "max_depth": 4}
SETTINGS = {
    "seed": "test",
    "columns": 4,
    "forests": [{**RATE, "min_samples_leaf": 40}, {**SIZE, "min_samples_leaf": 32, "median": [-1.0, 3.0]}],
    "scaled": 1,
    "scales": [0.2, 5.0],
}


def rate(X: np.ndarray) -> np.ndarray:
    """A chance that is the same at every site; a row without the last column has another one."""
    known = np.where(np.isnan(X[:, 3]), 0.05, 0.1 * (X[:, 3] > 0.5))
    return 0.05 + 0.2 * (X[:, 0] > 0.4) + known


def site(n: int, seed: int, shift: float = 0.0) -> dict[str, np.ndarray]:
    """Every row with an event, a fifth of the others, which weigh five times as much."""
    rng = np.random.default_rng(seed)
    X = rng.normal([shift, 0.0, 0.0, shift], 1.0, size=(n, 4))
    X[rng.random(n) < 0.3, 3] = np.nan
    X = X.astype(np.float32).astype(np.float64)
    came = (rng.random(n) < rate(X)).astype(float)
    size = np.where(came > 0, 1.0 + np.sin(X[:, 1]) + 0.1 * rng.normal(size=n), np.nan)
    m = n // 4
    kept = np.flatnonzero((came[m:] > 0) | (rng.random(n - m) < 0.2)) + m
    return {
        "X": X[kept],
        "target": np.stack([came, size], axis=1)[kept],
        "outcome": came[kept],
        "weight": np.where(came > 0, 1.0, 5.0)[kept],
        "X_validation": X[:m],
        "outcome_validation": came[:m],
        "weight_validation": np.ones(m),
    }


SITES = {"delhi": site(4000, 1), "mumbai": site(9000, 2, 0.3), "bangalore": site(3000, 3, -0.3)}


@pytest.fixture(scope="module")
def state() -> Message:
    return fit_here(FAMILY, SETTINGS, SITES)


def test_weighted_forests__three_sites__are_the_forests_of_pooled_rows_bit_by_bit(state):
    central = fit_here(FAMILY, SETTINGS, {"pooled": pooled(SITES)})
    turned = fit_here(FAMILY, SETTINGS, dict(reversed(SITES.items())))
    for name in state.arrays:
        assert np.array_equal(state.array(name), central.array(name)), name
        assert np.array_equal(state.array(name), turned.array(name)), name
    other = fit_here(FAMILY, {**SETTINGS, "seed": "other"}, SITES)
    assert not np.array_equal(state.array("value"), other.array("value"))


def test_weighted_forests__weights__restore_the_rate_of_all_rows(state):
    everything, fresh = pooled(SITES), np.random.default_rng(7).normal(size=(4000, 4))
    fresh[::3, 3] = np.nan
    (first, second), scale = FAMILY.result(state)
    options = {"n_estimators": 12, "max_samples": 0.7, "max_features": 2, "min_samples_leaf": 40}
    columns = [0, 1, 3]
    peer = forest.fit(
        everything["X"][:, columns], everything["outcome"], 0, weight=everything["weight"], **options
    )
    off = np.abs(first.predict(fresh[:, columns]) - rate(fresh)).mean()
    assert off < 1.05 * np.abs(peer.predict(fresh[:, columns]) - rate(fresh)).mean()
    assert first.predict(fresh[:, columns]).mean() == pytest.approx(rate(fresh).mean(), abs=0.01)
    assert scale == pytest.approx(1.0, abs=0.1)
    assert np.abs(second.predict(fresh) - 1.0 - np.sin(fresh[:, 1])).mean() < 0.25


def test_weighted_forests__medians__are_those_of_the_draws_to_the_width_of_a_bin():
    rng = np.random.default_rng(5)
    part = {**SITES["delhi"], "target": np.array(SITES["delhi"]["target"])}
    part["target"][:, 1] = np.minimum(rng.exponential(0.5, len(part["X"])), 3.0)
    (_, skewed), _ = FAMILY.result(fit_here(FAMILY, SETTINGS, {"delhi": part}))
    assert skewed.predict(part["X"]).mean() == pytest.approx(0.5 * np.log(2.0), abs=0.05)


def test_weighted_forests__trees__have_these_numbers_and_keep_their_own_columns(state):
    first, second = FAMILY.result(state)[0]
    assert [len(one.trees) for one in (first, second)] == [12, 6]
    assert max(int(tree.depths().max()) for tree in first.trees) <= 6
    for one, columns in ((first, 3), (second, 4)):
        assert {int(place) for tree in one.trees for place in tree.feature} <= set(range(-1, columns))
    rows = np.concatenate([part["X"] for part in SITES.values()])[:, [0, 1, 3]]
    for tree in first.trees:
        inner = ~tree.is_leaf
        for column, threshold in zip(tree.feature[inner], tree.threshold[inner], strict=True):
            assert threshold == LARGEST or threshold not in rows[:, column]


def test_told__sums_and_finished_trees__are_not_before_they_are_scaled():
    half = growing(4)
    assert not {"node_rows", "node_gradient", "value"} & set(FAMILY.told(half).arrays)


def test_weighted_forests__few_rows_or_other_columns__sends_nothing():
    first = FAMILY.start(SETTINGS, {})
    with pytest.raises(FederationError, match="x has 31 rows"):
        FAMILY.local_update(first, {**SITES["delhi"], "X": SITES["delhi"]["X"][:31]}, "x")
    with pytest.raises(FederationError, match="rows have 5 columns, not 4"):
        FAMILY.local_update(first, {**SITES["delhi"], "X": np.ones((50, 5))}, "x")


@pytest.mark.parametrize(
    "change",
    [
        {"trees": 101},
        {"max_depth": 8},
        {"min_samples_leaf": 7},
        {"max_features": 4},
        {"columns": [0, 1, 4]},
        {"x": 1},
    ],
)
def test_start__wrong_settings__is_an_error(change):
    forests = [{**SETTINGS["forests"][0], **change}]
    with pytest.raises(FederationError, match="settings"):
        FAMILY.start({**SETTINGS, "forests": forests}, {"a": 100, "b": 100})


def growing(rounds: int) -> Message:
    state = FAMILY.start(SETTINGS, {"delhi": 1600})
    for _ in range(rounds):
        state = FAMILY.aggregate(state, {"delhi": FAMILY.local_update(state, SITES["delhi"], "delhi")})
    return state


ASKED = Envelope("state", "run-1", "voltage_sag", "weighted_forests", 2, "ab" * 16, "delhi", "s" * 64)


def admit(state: Message, arrays: Mapping[str, np.ndarray], n: int) -> Message:
    data = encode(seal(Message({"n": n}, arrays), msgspec.structs.replace(ASKED, kind="update")))
    return Gate(FAMILY, {"delhi": 3000}).admit("delhi", data, state, ASKED)


def refusal(state: Message, arrays: Mapping[str, np.ndarray], n: int) -> RefusedUpdateError:
    with pytest.raises(RefusedUpdateError) as caught:
        admit(state, arrays, n)
    return caught.value


def test_gate__honest_updates_of_all_phases__pass():
    state, seen = FAMILY.start(SETTINGS, {"delhi": 3000}), []
    while not FAMILY.finished(state):
        seen.append(state.header["phase"])
        told = decode(encode(FAMILY.told(state)))
        update = FAMILY.local_update(told, SITES["delhi"], "delhi")
        state = FAMILY.aggregate(state, {"delhi": admit(state, update.arrays, update.n)})
    assert list(dict.fromkeys(seen)) == ["moments", "lattice", "grow", "median", "scale"]


def test_gate__poisoned_updates__are_refused_by_name_of_the_rule():
    state = growing(3)
    update = FAMILY.local_update(state, SITES["delhi"], "delhi")
    honest, n = update.arrays, update.n
    huge, more = np.array(honest["gradient"]), np.array(honest["rows"])
    huge[0] = int(more[0]) * STEEPEST + 1
    more[0] += 1
    assert "a sum is larger" in str(refusal(state, {**honest, "gradient": huge}, n))
    assert "sums of rows" in str(refusal(state, {**honest, "rows": more}, n))
    assert "cells do not rise" in str(refusal(state, {**honest, "cell": honest["cell"][::-1]}, n))
    assert refusal(state, {**honest, "cell": honest["cell"] + 10**6}, n).rule == "bound"
    assert refusal(state, {**honest, "X": SITES["delhi"]["X"]}, n).rule == "schema"
    assert refusal(state, honest, 3001).rule == "count"
    first = growing(0)
    moments = FAMILY.local_update(first, SITES["delhi"], "delhi").arrays
    few = np.array(moments["rows"])
    few[3] = MINIMUM_ROWS - 1
    assert "few rows" in str(refusal(first, {**moments, "rows": few}, n))
    ready = growing(2)
    while ready.header["phase"] != "scale":
        ready = FAMILY.aggregate(ready, {"delhi": FAMILY.local_update(ready, SITES["delhi"], "delhi")})
    assert "more came" in str(refusal(ready, {"sums": np.array([0, n * 8192 * 256 + 256])}, n))
