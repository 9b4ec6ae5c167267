from __future__ import annotations

import numpy as np
import pytest

from federation.errors import FederationError
from federation.families.kmeans import LEAST_ROWS, KMeans
from federation.message import Message
from federation.rounds import fit_here
from federation.wire import decode, encode
from models import kmeans
from models.kmeans import STARTS
from switchyard.identity import generator

FAMILY = KMeans()
COLUMNS, CLUSTERS = 6, 4
SETTINGS = {"seed": "test", "columns": COLUMNS, "clusters": CLUSTERS, "components": 3}


def site(n: int, seed: int, shift: float = 0.0) -> dict[str, np.ndarray]:
    """Four groups in six figures of different units; sites have them in different shares."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(CLUSTERS, 4.0))
    group = rng.choice(CLUSTERS, n, p=shares)
    middle = 3.0 * np.eye(CLUSTERS, COLUMNS)[group]
    X = (middle + rng.normal(size=(n, COLUMNS)) + 0.2 * shift) * [1.0, 100.0, 0.01, 5.0, 1.0, 1.0]
    y = 0.3 + X @ [0.1, 0.0, 3.0, 0.02, 0.0, 0.0] + 0.05 * rng.normal(size=n)
    return {"X": X, "y": y}


SITES = {"delhi": site(400, 1), "mumbai": site(700, 2, 0.5), "bangalore": site(250, 3, -0.5)}
POOLED = {name: np.concatenate([part[name] for part in SITES.values()]) for name in ("X", "y")}


def in_figures(partition) -> np.ndarray:
    """Centroids in the figures' own units, in the order of the first."""
    space = partition.space
    found = space.centre + space.scale * space.figures(partition.centroids)
    return found[np.argsort(found[:, 0])]


def test_kmeans__three_sites__give_the_partition_of_pooled_rows():
    federated, regression = FAMILY.result(fit_here(FAMILY, SETTINGS, SITES))
    central, at_once = FAMILY.result(fit_here(FAMILY, SETTINGS, {"all": POOLED}))

    np.testing.assert_allclose(in_figures(federated), in_figures(central), rtol=1e-9)
    np.testing.assert_allclose(regression.coefficients, at_once.coefficients, rtol=1e-8)


def test_kmeans__three_sites__give_what_scikit_learn_finds_in_pooled_rows():
    federated, regression = FAMILY.result(fit_here(FAMILY, SETTINGS, SITES))
    own = kmeans.fit(POOLED["X"], clusters=CLUSTERS, components=3, rng=generator("test", "starts"))

    np.testing.assert_allclose(in_figures(federated), in_figures(own), rtol=1e-9)
    Z = (POOLED["X"] - own.space.centre) / own.space.scale
    columns = np.column_stack([np.ones(len(Z)), Z])
    solved = np.linalg.lstsq(columns, POOLED["y"], rcond=None)[0]
    np.testing.assert_allclose([regression.intercept, *regression.coefficients], solved, atol=1e-9)


def test_kmeans__updates_over_the_wire_in_any_order__give_the_same_bits():
    state = FAMILY.start(SETTINGS, dict.fromkeys(SITES, 2000))
    while not FAMILY.finished(state):
        told = decode(encode(FAMILY.told(state)))
        answers = {
            name: decode(encode(FAMILY.local_update(told, SITES[name], name)))
            for name in sorted(SITES, reverse=True)
        }
        assert not any(FAMILY.inspect(state, answer) for answer in answers.values())
        state = FAMILY.aggregate(state, answers)
    other = FAMILY.result(fit_here(FAMILY, SETTINGS, SITES))[0]
    np.testing.assert_array_equal(FAMILY.result(state)[0].centroids, other.centroids)


def test_kmeans__few_rows_near_a_centroid__are_not_told():
    state = FAMILY.aggregate(
        FAMILY.start(SETTINGS, {}),
        {name: FAMILY.local_update(FAMILY.start(SETTINGS, {}), rows, name) for name, rows in SITES.items()},
    )
    far = np.array(state.array("centroids"))
    far[:, 0] = 30.0
    asked = Message(state.header, {**state.arrays, "centroids": far})

    update = FAMILY.local_update(asked, SITES["bangalore"], "bangalore")

    counts = update.array("counts")
    assert ((counts == 0) | (counts >= LEAST_ROWS)).all()
    assert not update.array("sums")[counts == 0].any()
    after = FAMILY.aggregate(asked, {"bangalore": update}).array("centroids")
    np.testing.assert_array_equal(after[counts == 0], far[counts == 0])
    assert (counts[:, 0] == 0).all()


def step(**arrays) -> tuple[Message, Message]:
    state = Message({"phase": "step", "settings": SETTINGS, "number": 0})
    counts = np.full((STARTS, CLUSTERS), 20)
    sums = np.ones((STARTS, CLUSTERS, 3))
    return state, Message({"n": 100}, {"counts": counts, "sums": sums, "within": np.ones(STARTS)} | arrays)


@pytest.mark.parametrize(
    ("arrays", "wrong"),
    [
        ({}, ""),
        ({"counts": np.full((STARTS, CLUSTERS), 30)}, "120 rows are counted, n is 100"),
        ({"counts": np.full((STARTS, CLUSTERS), 3)}, "fewer than 8 rows"),
        ({"counts": np.zeros((STARTS, CLUSTERS), dtype=np.int64)}, "without rows"),
    ],
)
def test_inspect__counts_and_sums__must_be_those_of_rows(arrays, wrong):
    found = FAMILY.inspect(*step(**arrays))
    assert wrong in found
    assert bool(wrong) == bool(found)


def test_inspect__moments_that_no_rows_have__are_refused():
    state = FAMILY.start(SETTINGS, {})
    own = FAMILY.local_update(state, SITES["delhi"], "delhi")
    assert not FAMILY.inspect(state, own)
    turned = Message(own.header, {**own.arrays, "m2": -own.array("m2")})
    assert "cross-product" in FAMILY.inspect(state, turned)


@pytest.mark.parametrize("changes", [{"components": 7}, {"clusters": 1}, {"components": "x"}, {"other": 1}])
def test_start__wrong_settings__say_so(changes):
    with pytest.raises(FederationError, match="k-means: settings"):
        FAMILY.start(SETTINGS | changes, {})


@pytest.mark.parametrize(("rows", "says"), [(20, "20 rows"), (50, "5 columns")])
def test_local_update__too_few_rows_or_other_columns__says_so(rows, says):
    data = {"X": np.ones((rows, 5)), "y": np.ones(rows)}
    with pytest.raises(FederationError, match=says):
        FAMILY.local_update(FAMILY.start(SETTINGS, {}), data, "delhi")
