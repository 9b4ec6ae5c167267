from __future__ import annotations

import numpy as np
import pytest

from federation.errors import FederationError
from federation.families.random_fourier import RandomFourier
from federation.message import Message
from federation.rounds import fit_here
from federation.wire import decode, encode
from models.fourier import cosines, draw
from models.graphs import INPUT, Graph
from models.runtime import CompiledModel
from models.support_vectors import standardised
from switchyard.identity import generator

FAMILY = RandomFourier()
COLUMNS, TERMS, PENALTY, GAMMA = 4, 60, 1e-4, 0.05
SETTINGS = {
    "seed": "test",
    "columns": COLUMNS,
    "targets": 2,
    "terms": TERMS,
    "gamma": GAMMA,
    "penalty": PENALTY,
    "classes": 3,
    "forms": 2,
    "low": -5.0,
    "step": 0.05,
    "bins": 200,
}


def site(n: int, seed: int, shift: float = 0.0) -> dict[str, np.ndarray]:
    """Columns of different units, a third of the last not measured; the second target of few rows only."""
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, COLUMNS)) + shift) * [1.0, 100.0, 0.01, 5.0]
    y = np.column_stack([np.sin(X[:, 0]) + X[:, 1] / 100.0, X[:, 2] * 100.0])
    X[rng.random(n) < 0.3, 3] = np.nan
    m = n // 3
    weight = np.column_stack([np.where(X[:, 0] > 1.0, 5.0, 1.0), (X[:, 1] > 0.0).astype(float)])
    return {
        "X": X,
        "y": y + 0.01 * rng.normal(size=y.shape),
        "weight": weight,
        "X_validation": X[:m] + 0.01,
        "offset_validation": rng.normal(size=m),
        "class_validation": rng.integers(3, size=m),
        "form_validation": rng.integers(2, size=m),
    }


SITES = {"delhi": site(500, 1), "mumbai": site(900, 2, 0.5), "bangalore": site(400, 3, -0.5)}
POOLED = {name: np.concatenate([part[name] for part in SITES.values()]) for name in SITES["delhi"]}


def test_random_fourier__three_sites__are_the_surrogate_of_pooled_rows():
    several = FAMILY.result(fit_here(FAMILY, SETTINGS, SITES))
    central = FAMILY.result(fit_here(FAMILY, SETTINGS, {"all": POOLED}))

    for mine, theirs in zip(several, central, strict=True):
        np.testing.assert_allclose(mine.centre, theirs.centre, rtol=1e-12)
        np.testing.assert_allclose(mine.predict(POOLED["X"]), theirs.predict(POOLED["X"]), atol=1e-6)


@pytest.mark.parametrize("target", [0, 1])
def test_random_fourier__three_sites__are_scikit_learns_ridge_on_the_cosines(target):
    from sklearn.linear_model import Ridge

    found = FAMILY.result(fit_here(FAMILY, SETTINGS, SITES))[target]
    centre, scale = np.nanmean(POOLED["X"], axis=0), np.nanstd(POOLED["X"], axis=0)
    directions = draw(generator("test", "directions"), COLUMNS, TERMS, GAMMA)
    terms = cosines(standardised(POOLED["X"], centre, scale), *directions)
    weight = POOLED["weight"][:, target]
    ridge = Ridge(alpha=PENALTY * weight.sum()).fit(terms, POOLED["y"][:, target], sample_weight=weight)

    np.testing.assert_allclose(found.predict(POOLED["X"]), ridge.predict(terms), atol=1e-6)


def test_random_fourier__many_cosines__are_the_radial_kernel():
    rng = np.random.default_rng(4)
    Z = rng.normal(size=(30, COLUMNS))
    terms = cosines(Z, *draw(rng, COLUMNS, 40_000, GAMMA))
    apart = ((Z[:, None] - Z[None]) ** 2).sum(axis=2)

    np.testing.assert_allclose(terms @ terms.T, np.exp(-GAMMA * apart), atol=0.03)


def test_random_fourier__compiled__answers_as_the_arrays():
    machine = FAMILY.result(fit_here(FAMILY, SETTINGS, SITES))[0]
    graph = Graph()
    onnx = graph.finish("machine", COLUMNS, machine.add_to(graph, INPUT, "y"), 1, double=True)

    found = CompiledModel(onnx)(POOLED["X"])[:, 0]

    np.testing.assert_allclose(found, machine.predict(POOLED["X"]), atol=1e-9)


def test_random_fourier__updates_over_the_wire_in_any_order__give_the_same_bits_and_pass():
    state = FAMILY.start(SETTINGS, dict.fromkeys(SITES, 2000))
    while not FAMILY.finished(state):
        told = decode(encode(FAMILY.told(state)))
        answers = {
            name: decode(encode(FAMILY.local_update(told, SITES[name], name)))
            for name in sorted(SITES, reverse=True)
        }
        for name, answer in answers.items():
            assert FAMILY.inspect(state, answer) == ""
            expected = FAMILY.expects(state, name, 2000)
            assert {key: (value.dtype.str, value.shape) for key, value in answer.arrays.items()} == {
                key: (one.dtype, one.shape) for key, one in expected.items()
            }
            for key, one in expected.items():
                assert one.low <= answer.arrays[key].min() <= answer.arrays[key].max() <= one.high
        state = FAMILY.aggregate(state, answers)
    other = fit_here(FAMILY, SETTINGS, SITES)
    for name, array in state.arrays.items():
        np.testing.assert_array_equal(array, other.array(name))


def test_levels__counts_of_all_sites__are_their_validation_rows_to_a_bins_width():
    state = fit_here(FAMILY, SETTINGS, SITES)
    estimate = FAMILY.result(state)[0].predict(POOLED["X_validation"]) + POOLED["offset_validation"]

    for form in (0, 1):
        own = POOLED["form_validation"] == form
        found, code = FAMILY.levels(state, form)
        for level in range(3):
            wanted = np.sort(estimate[own & (POOLED["class_validation"] == level)])
            np.testing.assert_allclose(np.sort(found[code == level]), wanted, atol=0.026)


def test_random_fourier__target_of_too_few_rows__is_left_out_of_that_sites_sums():
    few = {**SITES["delhi"], "weight": SITES["delhi"]["weight"].copy()}
    few["weight"][20:, 1] = 0.0
    others = {name: part for name, part in SITES.items() if name != "delhi"}
    state = FAMILY.aggregate(
        FAMILY.start(SETTINGS, {}),
        {name: FAMILY.local_update(FAMILY.start(SETTINGS, {}), part, name) for name, part in others.items()},
    )

    update = FAMILY.local_update(state, few, "delhi")

    assert not update.array("gram")[1].any()
    assert update.array("gram")[0].any()


def test_random_fourier__target_without_any_row__answers_zero():
    nothing = {name: {**part, "weight": part["weight"] * [1.0, 0.0]} for name, part in SITES.items()}

    machine = FAMILY.result(fit_here(FAMILY, SETTINGS, nothing))[1]

    assert not machine.predict(POOLED["X"]).any()


def test_random_fourier__no_levels_asked_for__ends_with_the_sums():
    state = fit_here(FAMILY, SETTINGS | {"classes": 0}, SITES)

    assert len(FAMILY.result(state)) == 2
    with pytest.raises(FederationError, match="counts"):
        FAMILY.levels(state, 0)


@pytest.mark.parametrize(
    "change", [{"terms": 0}, {"gamma": 0.0}, {"penalty": -1.0}, {"strange": 1}, {"columns": "four"}]
)
def test_start__setting_out_of_range__is_refused(change):
    with pytest.raises(FederationError, match="settings"):
        FAMILY.start(SETTINGS | change, {})


def test_local_update__few_rows__are_not_summed():
    few = {name: values[:10] for name, values in SITES["delhi"].items()}

    with pytest.raises(FederationError, match="delhi has 10 rows"):
        FAMILY.local_update(FAMILY.start(SETTINGS, {}), few, "delhi")


def test_inspect__sums_of_no_rows_and_wrong_counts__are_told():
    state = Message({"phase": "sums", "settings": SETTINGS}, {})
    gram = -np.eye(TERMS + 1)[None].repeat(2, axis=0)
    assert "cross-products" in FAMILY.inspect(state, Message({"n": 50}, {"gram": gram}))
    state = Message({"phase": "levels", "settings": SETTINGS}, {})
    counts = np.ones((2, 3, 200), dtype=np.int64)
    assert "1200 rows" in FAMILY.inspect(state, Message({"n": 50}, {"counts": counts}))
