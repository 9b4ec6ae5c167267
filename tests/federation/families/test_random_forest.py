from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
import pytest

from federation.envelope import Envelope, seal
from federation.errors import FederationError, RefusedUpdateError
from federation.families.random_forest import RandomForest
from federation.family import MINIMUM_ROWS
from federation.gate import Gate
from federation.message import Message
from federation.rounds import fit_here
from federation.shared_bins import SharedBins
from federation.wire import encode
from models import forest
from models.trees import LARGEST

FAMILY = RandomForest()
SETTINGS = {
    "seed": "test",
    "columns": 4,
    "trees": 30,
    "max_leaf_nodes": 64,
    "min_samples_leaf": 4,
    "max_features": 3,
    "max_samples": 0.7,
    "largest": 3.0,
    "step": 0.01,
}


def truth(X: np.ndarray) -> np.ndarray:
    """A relation that is the same at every site; a row without the last column obeys another one."""
    known = np.where(np.isnan(X[:, 3]), 0.4, 0.3 * np.tanh(X[:, 3]))
    return np.sin(X[:, 0]) + 0.5 * (X[:, 1] > 0.3) + known


def site(n: int, seed: int, shift: float = 0.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal([shift, 0.0, 0.0, shift], 1.0, size=(n, 4))
    X[rng.random(n) < 0.3, 3] = np.nan
    y = truth(X) + 0.05 * rng.normal(size=n)
    return {"X": X.astype(np.float32).astype(np.float64), "y": y, "weight": np.ones(n)}


SITES = {"delhi": site(1500, 1), "mumbai": site(4000, 2, 0.3), "bangalore": site(900, 3, -0.3)}


def pooled() -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in SITES.values()]) for name in ("X", "y", "weight")}


def error(model, rows: Mapping[str, np.ndarray]) -> float:
    return float(np.abs(model.predict(rows["X"]) - rows["y"]).mean())


@pytest.fixture(scope="module")
def state() -> Message:
    return fit_here(FAMILY, SETTINGS, SITES)


def test_random_forest__trees__keep_the_limit_on_leaves_and_use_shared_edges(state):
    rows = np.concatenate([part["X"] for part in SITES.values()])
    bins = SharedBins(state.array("edges"), state.array("offsets"))
    trees = FAMILY.result(state).trees
    assert [tree.leaves for tree in trees] == [64] * 30
    for tree in trees:
        inner = ~tree.is_leaf
        for column, threshold in zip(tree.feature[inner], tree.threshold[inner], strict=True):
            assert threshold == LARGEST or threshold in bins.of(int(column))
            assert threshold not in rows[:, column]


def test_random_forest__three_sites__is_as_good_as_the_forest_of_pooled_rows_and_scikit_learns(state):
    everything, fresh = pooled(), site(3000, 50)
    options = {name: SETTINGS[name] for name in ("max_leaf_nodes", "min_samples_leaf", "max_features")}
    peer = forest.fit(everything["X"], everything["y"], 0, n_estimators=30, max_samples=0.7, **options)
    federated = error(FAMILY.result(state), fresh)
    central = error(FAMILY.result(fit_here(FAMILY, SETTINGS, {"pooled": everything})), fresh)
    assert central / federated > 0.98
    assert error(peer, fresh) / federated > 0.97
    alone = [error(FAMILY.result(fit_here(FAMILY, SETTINGS, {"x": part})), fresh) for part in SITES.values()]
    assert federated < min(alone)


def test_random_forest__missing_values__are_routed_by_what_they_mean(state):
    rows = site(2000, 60)
    gone = np.isnan(rows["X"][:, 3])
    model = FAMILY.result(state)
    assert error(model, {name: part[gone] for name, part in rows.items()}) < 0.1
    filled = rows["X"][gone].copy()
    filled[:, 3] = -2.0
    # The relation of rows without the last column lies 0.69 above that of rows with −2 in it.
    rise = model.predict(rows["X"][gone]).mean() - model.predict(filled).mean()
    assert rise == pytest.approx(0.4 + 0.3 * np.tanh(2.0), abs=0.15)


def test_random_forest__heavy_rows__count_for_more():
    # Two relations in one column: the heavy rows' one wins.
    rng = np.random.default_rng(3)
    X = rng.normal(size=(4000, 4))
    heavy = rng.random(4000) < 0.5
    data = {"X": X, "y": np.where(heavy, 1.0, 0.0), "weight": np.where(heavy, 3.0, 1.0)}
    model = FAMILY.result(fit_here(FAMILY, {**SETTINGS, "trees": 5}, {"a": data}))
    assert model.predict(X).mean() == pytest.approx(0.75, abs=0.03)


def test_random_forest__same_seed__same_trees_whatever_the_order_of_sites(state):
    turned = fit_here(FAMILY, SETTINGS, dict(reversed(SITES.items())))
    other = fit_here(FAMILY, {**SETTINGS, "seed": "other"}, SITES)
    assert all(np.array_equal(state.array(name), turned.array(name)) for name in state.arrays)
    assert not np.array_equal(state.array("value"), other.array("value"))


def test_random_forest__targets__leave_in_whole_steps_and_cut(state):
    wild = {**SITES["delhi"], "y": SITES["delhi"]["y"] * 100.0}
    first = FAMILY.start(SETTINGS, {})
    while first.header["phase"] != "grow":
        first = FAMILY.aggregate(first, {"delhi": FAMILY.local_update(first, wild, "delhi")})
    sent = FAMILY.local_update(FAMILY.told(first), wild, "delhi")
    assert sent.array("total").dtype == np.int32
    assert np.abs(sent.array("total") / sent.array("count")).max() <= 300


def test_random_forest__column_that_no_site_measures__is_never_tested():
    empty = {name: {**part, "X": np.array(part["X"])} for name, part in SITES.items()}
    for part in empty.values():
        part["X"][:, 2] = np.nan
    trees = FAMILY.result(fit_here(FAMILY, {**SETTINGS, "trees": 6}, empty)).trees
    assert not any(np.any(tree.feature == 2) for tree in trees)


def test_random_forest__few_rows_or_other_columns__sends_nothing():
    first = FAMILY.start(SETTINGS, {})
    with pytest.raises(FederationError, match="x has 31 rows"):
        FAMILY.local_update(first, site(31, 1), "x")
    with pytest.raises(FederationError, match="rows have 4 columns, not 5"):
        FAMILY.local_update(FAMILY.start({**SETTINGS, "columns": 5}, {}), SITES["delhi"], "x")


def test_told__sums_and_finished_trees__are_not(state):
    half = growing()
    half = FAMILY.aggregate(half, {"delhi": FAMILY.local_update(FAMILY.told(half), SITES["delhi"], "delhi")})
    assert not {"growing_rows", "growing_total", "value"} & set(FAMILY.told(half).arrays)


@pytest.mark.parametrize(
    "change", [{"trees": 101}, {"max_leaf_nodes": 129}, {"step": 0.0}, {"max_features": 5}, {"x": 1}]
)
def test_start__wrong_settings__is_an_error(change):
    with pytest.raises(FederationError, match="settings"):
        FAMILY.start({**SETTINGS, **change}, {"a": 100, "b": 100})


ASKED = Envelope("state", "run-1", "harmonic_analysis", "random_forest", 2, "ab" * 16, "delhi", "s" * 64)


def growing() -> Message:
    state = FAMILY.start(SETTINGS, {"delhi": 1500})
    while state.header["phase"] != "grow":
        state = FAMILY.aggregate(state, {"delhi": FAMILY.local_update(state, SITES["delhi"], "delhi")})
    return state


@pytest.fixture(scope="module")
def asked() -> tuple[Message, Message]:
    state = growing()
    return state, FAMILY.local_update(state, SITES["delhi"], "delhi")


def refusal(state: Message, arrays: Mapping[str, np.ndarray], n: int = 1500) -> RefusedUpdateError:
    data = encode(seal(Message({"n": n}, arrays), msgspec.structs.replace(ASKED, kind="update")))
    with pytest.raises(RefusedUpdateError) as caught:
        Gate(FAMILY, {"delhi": 1500}).admit("delhi", data, state, ASKED)
    return caught.value


def test_gate__poisoned_histograms__are_refused_by_name_of_the_rule(asked):
    state, honest = asked
    cell, count, total = (honest.array(name) for name in ("cell", "count", "total"))
    huge, turned, more = total.copy(), cell.copy(), count.copy()
    huge[0] = count[0] * 400
    turned[0], turned[1] = turned[1], turned[0]
    more[0] += 1
    assert "a sum is larger" in str(refusal(state, {**honest.arrays, "total": huge}))
    assert "cells do not rise" in str(refusal(state, {**honest.arrays, "cell": turned}))
    assert "columns have different counts" in str(refusal(state, {**honest.arrays, "count": more}))
    assert refusal(state, {**honest.arrays, "total": total * np.nan}).rule == "dtype"
    assert refusal(state, {**honest.arrays, "count": -count}).rule == "bound"
    assert refusal(state, {**honest.arrays, "cell": cell + 10**8}).rule == "bound"
    assert refusal(state, {**honest.arrays, "rows": SITES["delhi"]["X"]}).rule == "schema"
    assert refusal(state, honest.arrays, n=1501).rule == "count"


def test_gate__moments_of_few_rows_and_counts_beyond_n__are_refused():
    state = FAMILY.start(SETTINGS, {"delhi": 1500})
    own = FAMILY.local_update(state, SITES["delhi"], "delhi")
    few = own.array("rows").copy()
    few[3] = MINIMUM_ROWS - 1
    assert "few rows" in str(refusal(state, {**own.arrays, "rows": few}))
    lattice = FAMILY.aggregate(state, {"delhi": own})
    counts = FAMILY.local_update(lattice, SITES["delhi"], "delhi")
    twice = {**counts.arrays, "count": counts.array("count") * 2}
    assert refusal(lattice, twice).rule == "norm"
    one = counts.array("count").copy()
    one[0] += 1
    assert "1501 rows are counted" in str(refusal(lattice, {**counts.arrays, "count": one}))
