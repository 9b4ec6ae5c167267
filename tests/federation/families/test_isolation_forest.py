from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from federation.errors import FederationError
from federation.families.growing_isolation import (
    STEPS_PER_UNIT,
    LatticeTrees,
    depth_limit,
    grow,
    stretch,
    to_lattice,
)
from federation.families.isolation_forest import SCORE_BINS, IsolationForest, threshold_of
from federation.families.shares import apportion
from federation.rounds import fit_here
from models import anomalies
from models.isolation import IsolationArrays

FAMILY = IsolationForest()
SHAPING = [0.0, 0.0, 0.0]
SETTINGS = {
    "shaping": SHAPING,
    "seed": "test",
    "trees": 60,
    "psi": 128,
    "power": 3,
    "shrink": 0.01,
    "columns": 1.0,
}


def normal_rows(n: int, seed: int, shift: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4)) * [0.01, 0.02, 1.0, 0.015]
    X[:, 1] += 0.7 * X[:, 0]
    X[:, 2] = np.abs(X[:, 2]) * 1e-2
    X[:, 3] += 1.0 + shift
    return X


def site(n: int, seed: int, shift: float = 0.0) -> dict[str, np.ndarray]:
    return {"X": normal_rows(n, seed, shift), "X_validation": normal_rows(n // 2, seed + 100, shift)}


SITES = {"delhi": site(500, 1), "mumbai": site(1500, 2, 0.005), "bangalore": site(200, 3, -0.005)}


def pool() -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in SITES.values()]) for name in ("X", "X_validation")}


def test_isolation_forest__three_sites__whitening_is_that_of_pooled_rows():
    model = FAMILY.result(fit_here(FAMILY, SETTINGS, SITES))
    peer = anomalies.fit(
        pool()["X"], np.asarray(SHAPING), shrink=0.01, power=3, trees=2, psi=16, columns=1.0, seed=0
    )
    np.testing.assert_allclose(model.whitening.matrix, peer.whitening.matrix, rtol=1e-9)
    np.testing.assert_allclose(model.whitening.centre, peer.whitening.centre, rtol=1e-12)
    np.testing.assert_allclose(model.centre, peer.centre, rtol=1e-12)
    np.testing.assert_allclose(model.scale, peer.scale, rtol=1e-10)
    assert model.level_scale == pytest.approx(peer.level_scale, rel=1e-10)


def test_isolation_forest__union__has_trees_in_proportion_at_equal_subsample_size():
    state = fit_here(FAMILY, SETTINGS, SITES)
    assert state.header["share"] == {"bangalore": 5, "delhi": 14, "mumbai": 41}
    model = FAMILY.result(state)
    assert len(model.forest.trees) == 60
    assert model.forest.psi == 128
    assert max(int(tree.depths().max()) for tree in model.forest.trees) <= depth_limit(128) == 7


def test_isolation_forest__site_with_fewer_rows_than_psi__lowers_psi_for_all():
    state = fit_here(FAMILY, {**SETTINGS, "psi": 256}, SITES)
    assert state.header["psi"] == 200


def test_isolation_forest__anomalies__are_told_as_well_as_by_pooled_rows_and_by_scikit_learn():
    rng = np.random.default_rng(5)
    column, size = rng.integers(0, 4, 600), rng.choice([-1, 1], 600) * rng.uniform(5, 15, 600)
    odd, usual = normal_rows(600, 9), normal_rows(4000, 10)
    odd[np.arange(600), column] += size * np.asarray([0.01, 0.02, 0.02, 0.015])[column]
    options = {"trees": 100, "psi": 200}

    def recall(model: anomalies.AnomalyForest) -> float:
        threshold = anomalies.quantile_threshold(model.score(usual), 0.01)
        return float(np.mean(model.score(odd) < threshold))

    federated, central, peer = np.mean(
        [
            [
                recall(FAMILY.result(fit_here(FAMILY, {**SETTINGS, **options, "seed": str(seed)}, SITES))),
                recall(
                    FAMILY.result(
                        fit_here(FAMILY, {**SETTINGS, **options, "seed": str(seed)}, {"all": pool()})
                    )
                ),
                recall(
                    anomalies.fit(
                        pool()["X"],
                        np.asarray(SHAPING),
                        shrink=0.01,
                        power=3,
                        columns=1.0,
                        seed=seed,
                        **options,
                    )
                ),
            ]
            for seed in range(3)
        ],
        axis=0,
    )
    # One forest's recall varies by 0.02 from seed to seed, a mean of three by 0.012.
    assert federated > 0.7
    assert federated >= central - 0.04
    assert abs(central - peer) < 0.04


def test_isolation_forest__threshold__lets_one_validation_row_in_a_hundred_alarm():
    model = FAMILY.result(fit_here(FAMILY, SETTINGS, SITES))
    alarms = np.mean(model.score(pool()["X_validation"]) < model.threshold)
    assert 0.005 < alarms <= 0.01


def test_isolation_forest__same_seed__same_trees_whatever_the_order_of_sites():
    turned = dict(reversed(SITES.items()))
    first, second = (FAMILY.result(fit_here(FAMILY, SETTINGS, sites)) for sites in (SITES, turned))
    usual = normal_rows(200, 4)
    assert first.threshold == second.threshold
    assert np.array_equal(first.score(usual), second.score(usual))
    other = FAMILY.result(fit_here(FAMILY, {**SETTINGS, "seed": "other"}, SITES))
    assert not np.array_equal(first.score(usual), other.score(usual))


def test_isolation_forest__share_of_columns__each_tree_uses_as_many():
    state = fit_here(FAMILY, {**SETTINGS, "columns": 0.5}, SITES)
    used = [set(tree.feature[tree.feature >= 0]) for tree in FAMILY.result(state).forest.trees]
    assert max(map(len, used)) <= 2
    assert set().union(*used) == {0, 1, 2, 3, 4}


def test_isolation_forest__few_rows_or_validation_rows__sends_nothing():
    few = {"X": normal_rows(31, 1), "X_validation": normal_rows(40, 2)}
    with pytest.raises(FederationError, match="a has 31 normal rows"):
        fit_here(FAMILY, SETTINGS, {"a": few, "b": SITES["delhi"]})
    late = {"X": normal_rows(40, 1), "X_validation": normal_rows(3, 2)}
    with pytest.raises(FederationError, match="a has 3 normal rows"):
        fit_here(FAMILY, SETTINGS, {"a": late, "b": SITES["delhi"]})


@pytest.mark.parametrize(
    "change", [{"trees": 1}, {"psi": 1}, {"columns": 0.0}, {"false_alarms": 1}, {"x": 1}]
)
def test_start__wrong_settings__is_an_error(change):
    with pytest.raises(FederationError, match="settings"):
        FAMILY.start({**SETTINGS, **change}, {"a": 100, "b": 100})


def test_to_lattice__split__parts_values_as_numbers_do():
    Z = np.asarray([[-1.5, 0.0, 1 / STEPS_PER_UNIT, np.nextafter(1 / STEPS_PER_UNIT, 2)]]).T
    assert np.array_equal(to_lattice(Z)[:, 0], [-1536, 0, 1, 2])
    for number in (-1536, 0, 1):
        assert np.array_equal(Z[:, 0] <= number / STEPS_PER_UNIT, to_lattice(Z)[:, 0] <= number)


def test_grow__rows_on_two_lattice_points__are_parted_between_them():
    sample = np.asarray([[5], [5], [5], [6]])
    trees = grow(sample, 1, np.random.default_rng(0))
    assert trees.split[0] == 5
    assert trees.rows.tolist() == [0, 3, 1]
    assert trees.check(1, 1, 4) == ""


def test_grow__equal_rows__are_one_leaf_that_counts_them():
    trees = grow(np.zeros((8, 3), dtype=np.int64), 2, np.random.default_rng(0))
    assert trees.column.tolist() == [-1]
    assert trees.tree_arrays(1)[0].value[0, 0] == pytest.approx(float(anomalies.unsuccessful_search(8.0)))


def test_grow__mean_path_of_uniform_rows__is_near_the_theory():
    rng = np.random.default_rng(5)
    rows = rng.uniform(-2, 2, size=(64, 3))
    forest = IsolationArrays(
        LatticeTrees.join([grow(to_lattice(rows), 1, rng) for _ in range(200)]).tree_arrays(1), 64
    )
    # Mean over the very rows: E[h] = c(ψ) up to the depth limit's approximation.
    assert np.mean(forest.mean_path(rows)) == pytest.approx(
        float(anomalies.unsuccessful_search(64.0)), rel=0.05
    )


def trees_with(**changes: np.ndarray) -> str:
    rng = np.random.default_rng(0)
    trees = LatticeTrees.join([grow(rng.integers(0, 99, (16, 2)), 1, rng) for _ in range(2)])
    return replace(trees, **changes).check(2, 2, 16)


def test_check__trees_as_grown__are_accepted():
    assert trees_with() == ""


def test_check__trees_that_are_none__are_refused():
    rng = np.random.default_rng(0)
    honest = LatticeTrees.join([grow(rng.integers(0, 99, (16, 2)), 1, rng) for _ in range(2)])
    loop, rows, column = honest.left.copy(), honest.rows.copy(), honest.column.copy()
    loop[0] = 0
    rows[honest.column < 0] += 1
    column[0] = 7
    assert "breadth first" in trees_with(left=loop)
    assert "do not hold 16 rows" in trees_with(rows=rows)
    assert "column that there is not" in trees_with(column=column)
    assert "nodes" in trees_with(split=honest.split[:-1])
    assert "trees" in trees_with(nodes=honest.nodes[:1])


@pytest.mark.parametrize("n", [{"a": 1, "b": 1, "c": 1}, {"a": 10_000, "b": 1, "c": 33}, {"a": 7, "b": 3}])
def test_apportion__any_rows__gives_all_trees_and_each_site_one(n):
    share = apportion(100, n)
    assert sum(share.values()) == 100
    assert min(share.values()) >= 1
    assert all(abs(share[name] - 100 * rows / sum(n.values())) <= 2 for name, rows in n.items())


def test_threshold_of__counts__is_the_largest_edge_that_keeps_the_share():
    counts = np.zeros(SCORE_BINS, dtype=np.int64)
    counts[100], counts[200], counts[300] = 1, 1, 198
    assert threshold_of(counts, 0.01) == 2.0 * 300 / SCORE_BINS - 1.0
    assert threshold_of(counts, 0.005) == 2.0 * 200 / SCORE_BINS - 1.0
    assert threshold_of(counts, 0.001) == 2.0 * 100 / SCORE_BINS - 1.0


@pytest.mark.parametrize("power", [1, 2, 3])
def test_grow__stretched_columns__are_split_uniformly_on_the_stretched_scale(power):
    sample = np.asarray([[-500], [2000]])
    drawn = [grow(sample, power, np.random.default_rng(seed)).split[0] for seed in range(2000)]
    assert min(drawn) >= -500
    assert max(drawn) < 2000
    expected = (stretch(np.asarray([1000.0]), power) - stretch(np.asarray([-500.0]), power)) / (
        stretch(np.asarray([2000.0]), power) - stretch(np.asarray([-500.0]), power)
    )
    assert np.mean(np.asarray(drawn) < 1000) == pytest.approx(expected[0], abs=0.04)


def test_tree_arrays__stretched__part_the_models_columns_as_the_lattice_parts_its_rows():
    rng = np.random.default_rng(6)
    Z = rng.normal(size=(64, 2)) * 3
    trees = grow(to_lattice(Z), 3, rng)
    leaf = trees.tree_arrays(3)[0].apply(stretch(Z, 3))
    found = np.bincount(leaf, minlength=trees.rows.size)
    assert np.array_equal(found, trees.rows)
