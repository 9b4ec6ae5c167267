from __future__ import annotations

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from federation.errors import FederationError
from federation.families.decision_tree import DecisionTree
from federation.message import Message
from federation.rounds import fit_here
from federation.shared_bins import SharedBins
from federation.wire import decode, encode

FAMILY = DecisionTree()
SETTINGS = {"columns": 5, "classes": 3, "max_depth": 6, "min_samples_leaf": 4, "max_leaf_nodes": 20}


def rows(n: int, seed: int, shift: float = 0.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5)) + shift
    X[:, 3] = np.exp(X[:, 3])
    score = X[:, 0] + 0.6 * X[:, 1] * X[:, 2] + 0.3 * rng.normal(size=n)
    y = np.searchsorted([0.3, 1.6], score).astype(np.int64)
    return {"X": X.astype(np.float32).astype(np.float64), "y": y}


def pool(parts: dict[str, dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts.values()]) for name in ("X", "y")}


SITES = {"delhi": rows(300, 1), "mumbai": rows(900, 2, 0.4), "bangalore": rows(150, 3, -0.7)}


def equal_trees(left, right) -> bool:
    return all(
        np.array_equal(getattr(left, name), getattr(right, name))
        for name in ("feature", "threshold", "left", "right", "value")
    )


@pytest.mark.parametrize("criterion", ["gini", "entropy"])
@pytest.mark.parametrize("leaves", [None, 7, 40])
def test_decision_tree__sites_or_pooled_rows__give_the_identical_tree(criterion, leaves):
    settings = {**SETTINGS, "criterion": criterion, "max_leaf_nodes": leaves}
    federated = FAMILY.result(fit_here(FAMILY, settings, SITES))
    central = FAMILY.result(fit_here(FAMILY, settings, {"all": pool(SITES)}))
    assert equal_trees(federated, central)
    assert federated.leaves > 5


def test_decision_tree__updates_over_the_wire__give_the_identical_tree():
    state = FAMILY.start(SETTINGS, dict.fromkeys(SITES, 2000))
    while not FAMILY.finished(state):
        told = decode(encode(FAMILY.told(state)))
        state = FAMILY.aggregate(
            state,
            {
                site: decode(encode(FAMILY.local_update(told, SITES[site], site)))
                for site in sorted(SITES, reverse=True)
            },
        )
    assert equal_trees(FAMILY.result(state), FAMILY.result(fit_here(FAMILY, SETTINGS, SITES)))


def test_decision_tree__thresholds__are_shared_edges_and_no_rows_value():
    state = fit_here(FAMILY, SETTINGS, SITES)
    tree = FAMILY.result(state)
    bins = SharedBins(state.array("edges"), state.array("offsets"))
    raw = pool(SITES)["X"]
    for node in np.flatnonzero(~tree.is_leaf):
        assert tree.threshold[node] in bins.of(int(tree.feature[node]))
        assert tree.threshold[node] not in raw[:, tree.feature[node]]


@pytest.mark.parametrize("criterion", ["gini", "entropy"])
def test_decision_tree__against_scikit_learn_on_the_same_bins__parts_the_rows_alike(criterion):
    pooled = pool(SITES)
    settings = {"columns": 5, "classes": 3, "max_depth": 4, "min_samples_leaf": 10, "criterion": criterion}
    state = fit_here(FAMILY, settings, {"all": pooled})
    tree = FAMILY.result(state)
    binned = SharedBins(state.array("edges"), state.array("offsets")).index(pooled["X"])
    peer = DecisionTreeClassifier(max_depth=4, min_samples_leaf=10, criterion=criterion, random_state=0).fit(
        binned, pooled["y"]
    )
    np.testing.assert_allclose(tree.predict(pooled["X"]), peer.predict_proba(binned), rtol=0, atol=1e-12)


def test_decision_tree__limit_on_leaves__keeps_the_best_first_tree_of_scikit_learn():
    pooled = pool(SITES)
    settings = {"columns": 5, "classes": 3, "max_depth": 12, "min_samples_leaf": 6, "max_leaf_nodes": 11}
    state = fit_here(FAMILY, settings, {"all": pooled})
    tree = FAMILY.result(state)
    binned = SharedBins(state.array("edges"), state.array("offsets")).index(pooled["X"])
    peer = DecisionTreeClassifier(max_leaf_nodes=11, max_depth=12, min_samples_leaf=6, random_state=0)
    shares = peer.fit(binned, pooled["y"]).predict_proba(binned)
    assert tree.leaves == 11
    np.testing.assert_allclose(tree.predict(pooled["X"]), shares, rtol=0, atol=1e-12)


def test_decision_tree__classes_of_one_site_only__are_in_the_global_tree():
    SPLIT = {"a": rows(400, 5), "b": rows(400, 6)}
    for site, keep in (("a", [0, 1]), ("b", [2])):
        mask = np.isin(SPLIT[site]["y"], keep)
        SPLIT[site] = {name: values[mask] for name, values in SPLIT[site].items()}
    tree = FAMILY.result(fit_here(FAMILY, SETTINGS, SPLIT))
    assert set(np.argmax(tree.predict(pool(SPLIT)["X"]), axis=1)) == {0, 1, 2}


def test_decision_tree__one_class__is_a_single_leaf():
    data = rows(100, 7)
    data["y"][:] = 1
    tree = FAMILY.result(fit_here(FAMILY, SETTINGS, {"a": data, "b": data}))
    assert tree.nodes == 1
    assert tree.value[0].tolist() == [0.0, 1.0, 0.0]


def test_told__growing_state__keeps_other_sites_counts_at_the_centre():
    state = FAMILY.start(SETTINGS, {})
    while state.header["phase"] != "grow":
        told = FAMILY.told(state)
        state = FAMILY.aggregate(
            state, {site: FAMILY.local_update(told, data, site) for site, data in SITES.items()}
        )
    assert "counts" in state.arrays
    assert set(FAMILY.told(state).arrays) == {"edges", "offsets", "column", "bin", "left", "right", "open"}


def test_local_update__few_rows__sends_nothing():
    state = FAMILY.start(SETTINGS, {})
    with pytest.raises(FederationError, match="small has 31 rows"):
        FAMILY.local_update(state, {name: part[:31] for name, part in SITES["delhi"].items()}, "small")


def test_local_update__same_state_and_rows__is_a_pure_function():
    state = FAMILY.start(SETTINGS, {})
    first, second = (FAMILY.local_update(state, SITES["delhi"], "delhi") for _ in range(2))
    assert encode(first) == encode(second)


@pytest.mark.parametrize(
    "settings",
    [{}, {**SETTINGS, "max_depth": 0}, {**SETTINGS, "max_depth": "8"}, {**SETTINGS, "depth": 3}],
)
def test_start__wrong_settings__is_an_error(settings):
    with pytest.raises(FederationError, match="settings"):
        FAMILY.start(settings, {})


def test_result__unfinished__is_an_error():
    with pytest.raises(FederationError, match="not finished"):
        FAMILY.result(Message({"phase": "grow", "settings": SETTINGS}))
