from __future__ import annotations

import numpy as np
import pytest

from federation.errors import FederationError
from federation.families.linear import Linear
from federation.message import Message
from federation.rounds import fit_here
from federation.wire import decode, encode
from models import polynomials

FAMILY = Linear()
COLUMNS, TARGETS = 4, 2
SETTINGS = {"columns": COLUMNS, "targets": TARGETS, "figures": 3, "degree": 2, "penalty": 1e-4}


def site(n: int, seed: int, shift: float = 0.0) -> dict[str, np.ndarray]:
    """Columns of different units with products in the targets; sites differ in the columns' means."""
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, COLUMNS)) + shift) * [1.0, 100.0, 0.01, 5.0]
    Y = np.column_stack([X[:, 0] * X[:, 1] / 100, X[:, 2] * 100 + X[:, 3] ** 2 / 25])
    return {
        "X": X,
        "Y": 0.7 + 0.1 * Y + 0.01 * rng.normal(size=Y.shape),
        "beside": rng.normal(shift, 1.0, (n // 3, 3)),
    }


SITES = {"delhi": site(400, 1), "mumbai": site(700, 2, 0.5), "bangalore": site(250, 3, -0.5)}
POOLED = {name: np.concatenate([part[name] for part in SITES.values()]) for name in ("X", "Y", "beside")}


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_linear__three_sites__give_what_scikit_learn_fits_to_pooled_rows(degree):
    found, beside = FAMILY.result(fit_here(FAMILY, SETTINGS | {"degree": degree}, SITES))
    own = polynomials.fit(POOLED["X"], POOLED["Y"], degree, SETTINGS["penalty"])

    np.testing.assert_allclose(found.centre, own.centre, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.coefficients, own.coefficients, atol=1e-9)
    np.testing.assert_allclose(found.predict(POOLED["X"]), own.predict(POOLED["X"]), atol=1e-9)
    np.testing.assert_allclose(beside, POOLED["beside"].mean(axis=0))


def test_linear__updates_over_the_wire_in_any_order__give_the_same_bits():
    state = FAMILY.start(SETTINGS, dict.fromkeys(SITES, 2000))
    while not FAMILY.finished(state):
        told = decode(encode(FAMILY.told(state)))
        answers = {
            name: decode(encode(FAMILY.local_update(told, SITES[name], name)))
            for name in sorted(SITES, reverse=True)
        }
        assert not any(FAMILY.inspect(state, answer) for answer in answers.values())
        for name, answer in answers.items():
            expected = FAMILY.expects(state, name, 2000)
            assert {key: value.shape for key, value in answer.arrays.items()} == {
                key: one.shape for key, one in expected.items()
            }
        state = FAMILY.aggregate(state, answers)
    other, _ = FAMILY.result(fit_here(FAMILY, SETTINGS, SITES))
    np.testing.assert_array_equal(FAMILY.result(state)[0].coefficients, other.coefficients)


def test_linear__what_is_told__holds_nothing_of_the_figures_beside():
    start = FAMILY.start(SETTINGS, {})
    state = FAMILY.aggregate(
        start, {name: FAMILY.local_update(start, rows, name) for name, rows in SITES.items()}
    )

    assert set(FAMILY.told(state).arrays) == {"centre", "scale"}


def test_linear__few_rows_of_either_kind__are_not_told():
    start = FAMILY.start(SETTINGS, {})
    whole = SITES["delhi"]

    for name in ("X", "beside"):
        with pytest.raises(FederationError, match="10 rows"):
            FAMILY.local_update(start, whole | {name: whole[name][:10]}, "delhi")


def test_linear__rows_of_other_columns__are_refused():
    with pytest.raises(FederationError, match="columns"):
        FAMILY.local_update(FAMILY.start(SETTINGS, {}), SITES["delhi"] | {"X": np.zeros((40, 3))}, "delhi")


def test_linear__cross_products_of_no_rows__are_found():
    start = FAMILY.start(SETTINGS, {})
    update = FAMILY.local_update(start, SITES["delhi"], "delhi")
    forged = Message(update.header, {**update.arrays, "m2": -np.array(update.array("m2"))})

    assert FAMILY.inspect(start, forged)


@pytest.mark.parametrize(
    "change", [{"degree": 4}, {"degree": 0}, {"penalty": 0.0}, {"columns": 0}, {"power": 1}, {"degree": "2"}]
)
def test_linear__settings_out_of_range__are_refused(change):
    with pytest.raises(FederationError, match="settings"):
        FAMILY.start(SETTINGS | change, {})
