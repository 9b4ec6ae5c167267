"""`reactive_power` by averaging: what the sites' states teach, and versions that compile."""

import numpy as np
import pytest

from data_contracts.compensation import planned_steps
from federation.fits import pooled
from federation.plans import plan, reactive_power
from federation.rounds import fit_here
from models.compilation import TOLERANCE, check_parity
from models.decision.reactive_power import DEFINITION, FORMULAS, IN_SERVICE, INPUTS, RATED, STEPS, UNIT
from models.runtime import CompiledModel
from tests.federation.made_rows import rows_of

N = 900
PARAMS = {"epochs": 24, "learning_rate": 5e-3, "batch": 128}
MINE = plan("reactive_power")
AT = {name: place for place, name in enumerate(DEFINITION.features)}
WEIGHTS = np.array([0.5 if name in FORMULAS else 0.0 for name in INPUTS])


def bank_rows(seed, n=N):
    """Busbars that want what the formulas say and a little more, which a network can learn."""
    rng = np.random.default_rng(seed)
    X = MINE.probes(None, n, rng)
    formula = X[:, : len(INPUTS)] @ WEIGHTS
    size = formula + UNIT * (3.0 * np.tanh(4.0 * (X[:, AT["bank_v_pu"]] - 1.01) / 0.03) - 2.0)
    optimal_var = size * X[:, AT[RATED]]
    present = np.rint(X[:, AT[IN_SERVICE]] * X[:, AT[STEPS]]).astype(np.int64)
    steps = X[:, AT[STEPS]].astype(np.int64)
    truth = {
        "optimal_var": optimal_var,
        "present": present,
        "plan": planned_steps(size * steps, present, steps),
        "power_factor": np.full(n, 0.97),
        "floor_var": np.full(n, 1e4),
        "counted": np.ones(n, dtype=bool),
    }
    return rows_of(DEFINITION, X, truth, rng)


@pytest.fixture(scope="module")
def sites():
    return {name: MINE.local_data(bank_rows(seed)) for seed, name in enumerate(("mumbai", "delhi"))}


@pytest.fixture(scope="module")
def made(sites):
    return fit_here(MINE.family, MINE.settings(PARAMS, "seed"), sites)


def test_local_data__many_states__are_cut_to_the_same_ones_each_time(monkeypatch):
    monkeypatch.setattr(reactive_power, "MOST_ROWS", 100)
    first, again = (MINE.local_data(bank_rows(0)) for _ in range(2))
    assert first["X"].shape == (100, len(INPUTS))
    assert np.array_equal(first["y"], again["y"])
    assert len(first["X_validation"]) > 100


def test_local_data__targets__are_what_the_formulas_miss(sites):
    missed = sites["delhi"]["y"]
    assert -5.5 < missed.min() < missed.max() < 1.5


def test_scales__two_sites__are_those_of_pooled_rows(made, sites):
    X = pooled(sites)["X"]
    _, mean, scale = MINE.family.result(made)
    np.testing.assert_allclose(mean, X.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(scale, X.std(axis=0), rtol=1e-9)


def test_fitted__two_sites__knows_what_a_third_wants_better_than_the_formulas(made):
    rows = bank_rows(7)
    learnt, closed = (
        DEFINITION.metric("mae_var").of(answer, rows)
        for answer in (
            DEFINITION.answer(MINE.fitted(made), rows),
            DEFINITION.opponent("closed_form", rows, rows, rows),
        )
    )
    assert learnt < 0.5 * closed


def test_fitted__compiled__is_the_same_small_graph(made):
    fitted, rows = MINE.fitted(made), bank_rows(8)
    compiled = DEFINITION.compile(fitted)
    parity = check_parity(DEFINITION, fitted, compiled, CompiledModel(compiled.onnx), rows)
    assert parity.largest <= TOLERANCE
    assert len(compiled.onnx) < 100_000


def test_fine_tuning__site__changes_the_weights_and_keeps_the_scales(made, sites):
    update = MINE.family.local_update(MINE.family.ask_tuning(made), sites["delhi"], "delhi")
    assert MINE.family.inspect(MINE.family.ask_tuning(made), update) == ""
    own, fitted = MINE.fitted(MINE.family.tuned(made, update).state), MINE.fitted(made)
    assert not np.array_equal(own.net.weights[0], fitted.net.weights[0])
    assert np.array_equal(own.net.scale, fitted.net.scale)


def test_probes__made_up_busbars__are_switched_on_off_and_left(made):
    X = MINE.probes(made, 64, np.random.default_rng(0))
    fitted = MINE.fitted(made)
    answers = DEFINITION.decode(
        DEFINITION.compile(fitted).decoder,
        DEFINITION.raw(fitted, X),
        {name: X[:, place] for name, place in AT.items()},
    )
    plans = [answer["capacitor_switching_plan"] for answer in answers]
    assert {one["target"] > one["present"] for plan in plans for one in plan} == {True, False}
    assert [] in plans
    assert {one["bank"] for plan in plans for one in plan} == {"C1"}
