from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
import pytest

from federation.envelope import Envelope, seal
from federation.errors import FederationError, RefusedUpdateError
from federation.families.boosted_trees import BoostedTrees
from federation.families.gradient_rows import steepest
from federation.family import MINIMUM_ROWS
from federation.fits import pooled
from federation.gate import Gate
from federation.message import Message
from federation.rounds import fit_here
from federation.shared_bins import SharedBins
from federation.wire import decode, encode
from models import boosting
from models.trees import LARGEST

FAMILY = BoostedTrees()
SETTINGS = {
    "columns": 4,
    "trees": 15,
    "depth": 3,
    "time_depth": 2,
    "rate": 0.3,
    "penalty": 1.0,
    "least_hessian": 2.0,
}


def logit(X: np.ndarray) -> np.ndarray:
    """What is true at every site; a row without the last column obeys another relation."""
    known = np.where(np.isnan(X[:, 3]), 1.0, np.tanh(X[:, 3]))
    return -2.0 + 1.5 * X[:, 0] + 1.5 * (X[:, 1] > 0.3) + known


def site(n: int, seed: int, shift: float = 0.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal([shift, 0.0, 0.0, shift], 1.0, size=(n, 4))
    X[rng.random(n) < 0.3, 3] = np.nan
    X = X.astype(np.float32).astype(np.float64)
    true = rng.exponential(np.exp(4.0 - logit(X)))
    m = n // 4
    outcome = (rng.random(n) < boosting.probability(logit(X))).astype(float)
    return {
        "X": X[m:],
        "outcome": outcome[m:],
        "time": np.clip(true[m:], 0.02, 300.0),
        "seen": (true[m:] < 300.0).astype(float),
        "weight": rng.uniform(0.5, 3.0, n - m),
        "X_validation": X[:m],
        "outcome_validation": outcome[:m],
        "weight_validation": np.ones(m),
    }


SITES = {"delhi": site(1600, 1), "mumbai": site(4000, 2, 0.3), "bangalore": site(900, 3, -0.3)}


@pytest.fixture(scope="module")
def state() -> Message:
    return fit_here(FAMILY, SETTINGS, SITES)


def margins(state: Message, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = FAMILY.result(state)
    parts = zip((found.outcome, found.time), found.starts, strict=True)
    first, second = (boosting.assembled(grown, range(4), start).margin(X) for grown, start in parts)
    return found.curve[0] * first + found.curve[1], second


def test_boosted_trees__three_sites__are_the_trees_of_pooled_rows_bit_by_bit(state):
    central = fit_here(FAMILY, SETTINGS, {"pooled": pooled(SITES)})
    turned = fit_here(FAMILY, SETTINGS, dict(reversed(SITES.items())))
    for name in state.arrays:
        assert np.array_equal(state.array(name), central.array(name)), name
        assert np.array_equal(state.array(name), turned.array(name)), name
    assert state.header["starts"] == central.header["starts"]


def test_boosted_trees__fresh_rows__are_told_as_well_as_by_xgboost(state):
    fresh, everything = site(4000, 9), pooled(SITES)
    labels = boosting.Labels(
        everything["outcome"],
        everything["time"],
        np.where(everything["seen"] > 0, everything["time"], np.inf),
        everything["weight"],
    )
    options = {"eta": 0.3, "max_depth": 3, "min_child_weight": 2.0, "reg_lambda": 1.0}
    rate = float(np.average(labels.outcome, weights=labels.weight))
    import xgboost

    data = xgboost.DMatrix(everything["X"], label=labels.outcome, weight=labels.weight)
    chosen = {**boosting.FIXED, **options, "objective": "binary:logistic", "base_score": rate}
    peer = xgboost.train(chosen, data, 15).predict(xgboost.DMatrix(fresh["X"]))
    ours, lasting = margins(state, fresh["X"])

    def loss(p: np.ndarray) -> float:
        return float(-np.log(np.where(fresh["outcome"] > 0, p, 1.0 - p)).mean())

    assert loss(boosting.probability(ours)) < 1.01 * loss(peer)
    longer = boosting.fit_time(
        everything["X"],
        labels,
        groups=(0,) * 4,
        params={**options, "max_depth": 2, "rounds": 15},
        scale=1.0,
        seed=1,
    ).margin(fresh["X"])
    truth = 4.0 - logit(fresh["X"])
    assert np.abs(lasting - truth).mean() < 1.05 * np.abs(longer - truth).mean()


def test_boosted_trees__margins__agree_with_what_sites_walked_and_contributions_add_up(state):
    rows = SITES["delhi"]["X"]
    found = FAMILY.result(state)
    for grown, start in zip((found.outcome, found.time), found.starts, strict=True):
        plain = start + sum(one.plain().predict(rows)[:, 0] for one in grown)
        np.testing.assert_allclose(boosting.assembled(grown, range(4), start).margin(rows), plain, atol=1e-9)


def test_boosted_trees__thresholds__are_shared_edges_and_no_rows_value(state):
    rows = np.concatenate([part["X"] for part in SITES.values()])
    bins = SharedBins(state.array("edges"), state.array("offsets"))
    for tree in FAMILY.result(state).outcome:
        for column, threshold in zip(tree.feature, tree.threshold, strict=True):
            if column >= 0 and threshold != LARGEST:
                assert np.abs(bins.of(int(column)) - threshold).min() < 1e-6 * max(abs(threshold), 1e-3)
                assert threshold not in rows[:, column]


def test_boosted_trees__leaves__hold_32_rows_and_more(state):
    assert state.array("node_rows").min() >= MINIMUM_ROWS
    assert not {"node_rows", "node_gradient", "node_hessian"} & set(FAMILY.told(state).arrays)


def test_local_update__rows_remembered_or_not__is_the_same(state):
    grown = growing(9)
    told = FAMILY.told(grown)
    first = FAMILY.local_update(told, SITES["delhi"], "delhi")
    again = FAMILY.local_update(told, SITES["delhi"], "delhi")
    fresh = BoostedTrees().local_update(told, SITES["delhi"], "delhi")
    assert encode(first) == encode(again) == encode(fresh)
    changed = {**SITES["delhi"], "X": SITES["delhi"]["X"][::-1].copy()}
    assert encode(FAMILY.local_update(told, changed, "delhi")) != encode(first)


def test_boosted_trees__few_rows_or_other_columns__sends_nothing():
    first = FAMILY.start(SETTINGS, {})
    with pytest.raises(FederationError, match="x has 31 rows"):
        FAMILY.local_update(first, {**SITES["delhi"], "X": SITES["delhi"]["X"][:31]}, "x")
    with pytest.raises(FederationError, match="rows have 4 columns, not 5"):
        FAMILY.local_update(FAMILY.start({**SETTINGS, "columns": 5}, {}), SITES["delhi"], "x")


@pytest.mark.parametrize(
    "change", [{"trees": 201}, {"depth": 7}, {"rate": 0.0}, {"least_rows": 8}, {"penalty": 0.0}, {"x": 1}]
)
def test_start__wrong_settings__is_an_error(change):
    with pytest.raises(FederationError, match="settings"):
        FAMILY.start({**SETTINGS, **change}, {"a": 100, "b": 100})


def growing(rounds: int) -> Message:
    state = FAMILY.start(SETTINGS, {"delhi": 1200})
    for _ in range(rounds):
        state = FAMILY.aggregate(state, {"delhi": FAMILY.local_update(state, SITES["delhi"], "delhi")})
    return state


ASKED = Envelope("state", "run-1", "equipment_failure", "boosted_trees", 2, "ab" * 16, "delhi", "s" * 64)


def admit(state: Message, arrays: Mapping[str, np.ndarray], n: int = 1200) -> Message:
    data = encode(seal(Message({"n": n}, arrays), msgspec.structs.replace(ASKED, kind="update")))
    return Gate(FAMILY, {"delhi": 1200}).admit("delhi", data, state, ASKED)


def refusal(state: Message, arrays: Mapping[str, np.ndarray], n: int = 1200) -> RefusedUpdateError:
    with pytest.raises(RefusedUpdateError) as caught:
        admit(state, arrays, n)
    return caught.value


def test_gate__honest_updates_of_all_phases__pass():
    state, seen = FAMILY.start(SETTINGS, {"delhi": 1200}), []
    while not FAMILY.finished(state):
        seen.append(state.header["phase"])
        told = decode(encode(FAMILY.told(state)))
        update = FAMILY.local_update(told, SITES["delhi"], "delhi")
        state = FAMILY.aggregate(state, {"delhi": admit(state, update.arrays, update.n)})
    assert list(dict.fromkeys(seen)) == ["moments", "lattice", "grow", "curve"]


def test_gate__poisoned_histograms__are_refused_by_name_of_the_rule():
    state = growing(4)
    honest = FAMILY.local_update(state, SITES["delhi"], "delhi").arrays
    huge, more, other = (np.array(honest[name]) for name in ("gradient", "rows", "hessian"))
    huge[0] = int(more[0]) * steepest() + 1
    more[0] += 1
    other[0] += 5
    assert "a sum is larger" in str(refusal(state, {**honest, "gradient": huge}))
    assert "sums of rows" in str(refusal(state, {**honest, "rows": more}))
    assert "sums of hessian" in str(refusal(state, {**honest, "hessian": other}))
    assert "cells do not rise" in str(refusal(state, {**honest, "cell": honest["cell"][::-1]}))
    assert refusal(state, {**honest, "hessian": -honest["hessian"]}).rule == "bound"
    assert refusal(state, {**honest, "gradient": honest["gradient"] * np.nan}).rule == "dtype"
    assert refusal(state, {**honest, "X": SITES["delhi"]["X"]}).rule == "schema"
    assert refusal(state, honest, n=1201).rule == "count"


def test_gate__moments_of_few_rows_and_counts_beyond_n__are_refused():
    state = growing(0)
    own = FAMILY.local_update(state, SITES["delhi"], "delhi").arrays
    few = np.array(own["rows"])
    few[3] = MINIMUM_ROWS - 1
    assert "few rows" in str(refusal(state, {**own, "rows": few}))
    lattice = growing(1)
    counts = FAMILY.local_update(lattice, SITES["delhi"], "delhi").arrays
    one = np.array(counts["count"])
    one[0] += 1
    assert "1201 rows are counted" in str(refusal(lattice, {**counts, "count": one}))
    assert refusal(lattice, {**counts, "count": counts["count"] * 2}).rule == "norm"
