from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pytest

from federation.envelope import Envelope, seal
from federation.errors import FederationError, RefusedUpdateError
from federation.families.averaging import FedAvg, Sample, Weights, Work, weights_of
from federation.gate import Gate
from federation.message import Message
from federation.rounds import fit_here
from federation.wire import encode


@dataclass(frozen=True)
class Linear:
    """Least squares by gradient descent: weights (w [p], b [1]) of the given type."""

    dtype: str = "<f8"

    def initial(self, options: Mapping[str, Any], columns: int, seed: int) -> Weights:
        rng = np.random.default_rng(seed)
        return rng.normal(size=columns).astype(self.dtype), np.zeros(1, dtype=self.dtype)

    def train(self, weights: Weights, rows: Sample, work: Work) -> Weights:
        w, b = (part.astype(float) for part in weights)
        rng = np.random.default_rng(work.seed)
        X = rows.X.reshape(len(rows.X), -1, rows.X.shape[-1]).mean(axis=1)
        for _ in range(work.epochs):
            order = rng.permutation(len(X))
            for begin in range(0, len(X), work.batch):
                at = np.sort(order[begin : begin + work.batch])
                error = rows.weight[at] * (X[at] @ w + b - rows.y[at])
                w = w - work.learning_rate * X[at].T @ error / at.size
                b = b - work.learning_rate * error.mean()
        return w.astype(self.dtype), b.astype(self.dtype)

    def loss(self, weights: Weights, rows: Sample, options: Mapping[str, Any]) -> float:
        X = rows.X.reshape(len(rows.X), -1, rows.X.shape[-1]).mean(axis=1)
        return float(np.average((X @ weights[0] + weights[1] - rows.y) ** 2, weights=rows.weight))


FAMILY = FedAvg(Linear())
TRUE_W = np.asarray([1.5, -2.0, 0.5])
SETTINGS = {
    "seed": "test",
    "columns": 3,
    "options": {},
    "rounds": 5,
    "epochs": 1,
    "batch": 10_000,
    "learning_rate": 0.3,
}


def site(n: int, seed: int, offset: float = 0.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)) * [0.1, 2.0, 30.0] + [50.0, seed, -4.0]
    X_validation = rng.normal(size=(64, 3)) * [0.1, 2.0, 30.0] + [50.0, seed, -4.0]

    def truth(rows: np.ndarray) -> np.ndarray:
        return (rows - [50.0, 0.0, 0.0]) @ TRUE_W + offset

    return {
        "X": X,
        "y": truth(X),
        "weight": rng.uniform(0.5, 1.5, n),
        "X_validation": X_validation,
        "y_validation": truth(X_validation),
        "weight_validation": np.ones(64),
    }


SITES = {"delhi": site(300, 1), "mumbai": site(900, 2), "bangalore": site(100, 3)}


def pooled(name: str) -> np.ndarray:
    return np.concatenate([SITES[key][name] for key in sorted(SITES)])


def gradient_descent(rounds: int, rate: float, momentum: float = 0.0, decay: float = 1.0) -> Weights:
    """The closed form: gradient descent with a heavy ball on all rows at one place."""
    X, y, weight = pooled("X"), pooled("y"), pooled("weight")
    Z = np.column_stack([(X - X.mean(axis=0)) / X.std(axis=0), np.ones(len(X))])
    first = weights_of(first_state(SETTINGS))
    theta = np.concatenate(first).astype(float)
    velocity = np.zeros_like(theta)
    for number in range(rounds):
        velocity = momentum * velocity - rate * decay**number * Z.T @ (weight * (Z @ theta - y)) / len(y)
        theta = theta + velocity
    return theta[:-1], theta[-1:]


def first_state(settings: Mapping[str, Any]) -> Message:
    state = FAMILY.start(settings, {})
    updates = {name: FAMILY.local_update(state, data, name) for name, data in SITES.items()}
    return FAMILY.aggregate(state, updates)


@pytest.mark.parametrize(("momentum", "decay"), [(0.0, 1.0), (0.0, 0.7), (0.9, 1.0), (0.5, 0.9)])
def test_fedavg__one_full_batch_step_a_round__is_gradient_descent_on_pooled_rows(momentum, decay):
    settings = {**SETTINGS, "momentum": momentum, "decay": decay, "rounds": 12}
    weights, mean, scale = FAMILY.result(fit_here(FAMILY, settings, SITES))
    for mine, theirs in zip(weights, gradient_descent(12, 0.3, momentum, decay), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(mean, pooled("X").mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(scale, pooled("X").std(axis=0), rtol=1e-10)


def test_fedavg__one_site_with_all_rows__is_the_same_algorithm_at_one_place():
    everything = {name: pooled(name) for name in SITES["delhi"]}
    apart = FAMILY.result(fit_here(FAMILY, SETTINGS, SITES))[0]
    together = FAMILY.result(fit_here(FAMILY, SETTINGS, {"pooled": everything}))[0]
    for mine, theirs in zip(apart, together, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9)


def test_aggregate__two_sites__weigh_by_their_rows():
    state = first_state(SETTINGS)
    own = weights_of(state)

    def update(n: int, shift: float) -> Message:
        return Message({"n": n}, {f"w{at:02d}": part + shift for at, part in enumerate(own)})

    merged = weights_of(FAMILY.aggregate(state, {"a": update(300, 1.0), "b": update(100, -1.0)}))
    for before, after in zip(own, merged, strict=True):
        np.testing.assert_allclose(after - before, 0.5, rtol=1e-12)


class Counting(Linear):
    """Adds one for every step that it would make."""

    def train(self, weights: Weights, rows: Sample, work: Work) -> Weights:
        return tuple(part + np.ceil(len(rows.X) / work.batch) for part in weights)


def test_fedavg__batch__is_shared_so_that_all_sites_make_as_many_steps_as_pooled_rows():
    family = FedAvg(Counting())
    settings = {**SETTINGS, "batch": 130, "rounds": 1}
    for sites in (SITES, {"pooled": {name: pooled(name) for name in SITES["delhi"]}}):
        bias = family.result(fit_here(family, settings, sites))[0][1]
        assert bias[0] == pytest.approx(10.0)


def test_fedavg__several_local_epochs_in_small_batches__learns_the_relation():
    settings = {**SETTINGS, "rounds": 15, "epochs": 3, "batch": 32, "learning_rate": 0.05}
    weights, _, scale = FAMILY.result(fit_here(FAMILY, settings, SITES))
    np.testing.assert_allclose(weights[0] / scale, TRUE_W, rtol=1e-3)


def test_fedavg__same_seed__gives_the_same_weights_whatever_the_order_of_sites():
    settings = {**SETTINGS, "batch": 16, "epochs": 2, "momentum": 0.9, "rounds": 3}
    turned = dict(reversed(SITES.items()))
    first, second = (FAMILY.result(fit_here(FAMILY, settings, sites))[0] for sites in (SITES, turned))
    other = FAMILY.result(fit_here(FAMILY, {**settings, "seed": "other"}, SITES))[0]
    assert all(np.array_equal(one, two) for one, two in zip(first, second, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_fedavg__sequences__are_scaled_by_the_moments_of_all_their_instants():
    rng = np.random.default_rng(4)
    data = {}
    for at, name in enumerate(("a", "b")):
        n = 50 + 20 * at
        X = rng.normal(at, 1.0 + at, size=(n, 10, 2))
        data[name] = {"X": X, "y": rng.normal(size=n), "weight": np.ones(n)}
    settings = {**SETTINGS, "columns": 2, "steps": 10, "rounds": 1}
    _, mean, scale = FAMILY.result(fit_here(FAMILY, settings, data))
    instants = np.concatenate([part["X"].reshape(-1, 2) for part in data.values()])
    np.testing.assert_allclose(mean, instants.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(scale, instants.std(axis=0), rtol=1e-12)


def test_fedavg__constant_column__is_left_as_it_is():
    data = {name: {**part, "X": part["X"] * [1.0, 1.0, 0.0]} for name, part in SITES.items()}
    assert FAMILY.result(fit_here(FAMILY, SETTINGS, data))[2][2] == 1.0


def test_fedavg__float32_trainer__keeps_its_type_on_the_wire():
    family = FedAvg(Linear("<f4"))
    weights, _, _ = family.result(fit_here(family, {**SETTINGS, "rounds": 12}, SITES))
    assert {part.dtype.str for part in weights} == {"<f4"}
    for mine, theirs in zip(weights, gradient_descent(12, 0.3), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4)


def tuned(name: str, data: Mapping[str, np.ndarray], **changes: Any):
    state = fit_here(FAMILY, {**SETTINGS, "tuning_epochs": 20, "tuning_rate": 1.0, **changes}, SITES)
    asked = FAMILY.ask_tuning(state)
    return state, FAMILY.tuned(state, FAMILY.local_update(asked, data, name))


def test_ask_tuning__site_whose_relation_differs__is_helped_and_the_global_model_stays():
    odd = site(300, 1, offset=40.0)
    state, own = tuned("delhi", odd)
    assert own.helped
    assert own.after < own.before / 2
    assert FAMILY.finished(own.state)
    weights, mean, _ = FAMILY.result(own.state)
    assert np.array_equal(mean, FAMILY.result(state)[1])
    assert not np.array_equal(weights[1], FAMILY.result(state)[0][1])


def test_ask_tuning__validation_rows_that_say_otherwise__did_not_help():
    odd = site(300, 1, offset=40.0)
    _, own = tuned("delhi", {**odd, "y_validation": odd["y_validation"] - 80.0})
    assert not own.helped


def test_ask_tuning__no_epochs__asks_for_nothing():
    assert FAMILY.ask_tuning(fit_here(FAMILY, SETTINGS, SITES)) is None


def test_local_update__few_rows_or_other_columns__sends_nothing():
    state = FAMILY.start(SETTINGS, {})
    with pytest.raises(FederationError, match="x has 31 training rows"):
        FAMILY.local_update(state, site(31, 1), "x")
    with pytest.raises(FederationError, match="not 1 steps of 2 columns"):
        FAMILY.local_update(FAMILY.start({**SETTINGS, "columns": 2}, {}), SITES["delhi"], "delhi")
    asked = FAMILY.ask_tuning(fit_here(FAMILY, {**SETTINGS, "tuning_epochs": 1}, SITES))
    few = {**SITES["delhi"], "X_validation": SITES["delhi"]["X_validation"][:3]}
    with pytest.raises(FederationError, match="delhi has 3 validation rows"):
        FAMILY.local_update(asked, few, "delhi")


@pytest.mark.parametrize(
    "change",
    [{"rounds": 0}, {"momentum": 1.0}, {"learning_rate": 0.0}, {"decay": 1.5}, {"batch": "all"}, {"x": 1}],
)
def test_start__wrong_settings__is_an_error(change):
    with pytest.raises(FederationError, match="settings"):
        FAMILY.start({**SETTINGS, **change}, {})


# Targets of some tens from weights of order one: the first step is a long one.
GATED = {**SETTINGS, "reach": 4.0}
ASKED = Envelope("state", "run-1", "frequency_stability", "fedavg", 1, "ab" * 16, "delhi", "s" * 64)


def refusal(arrays: Mapping[str, np.ndarray], n: int = 300) -> RefusedUpdateError:
    data = encode(seal(Message({"n": n}, arrays), msgspec.structs.replace(ASKED, kind="update")))
    with pytest.raises(RefusedUpdateError) as caught:
        Gate(FAMILY, {"delhi": 300}).admit("delhi", data, first_state(GATED), ASKED)
    return caught.value


def poisoned(**changes: np.ndarray) -> dict[str, np.ndarray]:
    state = first_state(GATED)
    honest = FAMILY.local_update(FAMILY.told(state), SITES["delhi"], "delhi")
    return {**honest.arrays, **changes}


def test_gate__poisoned_weights__are_refused_by_name_of_the_rule():
    w = poisoned()["w00"]
    assert refusal(poisoned(w00=np.asarray([np.nan, 0.0, 0.0]))).rule == "finiteness"
    assert refusal(poisoned(w00=w + 1e6)).rule == "bound"
    moved = refusal(poisoned(w00=w + 50.0))
    assert moved.rule == "consistency"
    assert "weights moved by" in str(moved)
    assert refusal(poisoned(w00=np.zeros(4))).rule == "shape"
    assert refusal(poisoned(w00=w.astype("<f4"))).rule == "dtype"
    assert refusal(poisoned(rows=SITES["delhi"]["X"])).rule == "schema"
    assert refusal({"w00": w}).rule == "schema"
    assert refusal(poisoned(), n=301).rule == "count"


def test_gate__honest_weights__enter():
    data = encode(seal(Message({"n": 300}, poisoned()), msgspec.structs.replace(ASKED, kind="update")))
    admitted = Gate(FAMILY, {"delhi": 300}).admit("delhi", data, first_state(GATED), ASKED)
    assert admitted.n == 300


def test_told__velocity_of_the_server__is_not():
    state = FAMILY.aggregate(
        first_state({**GATED, "momentum": 0.9}),
        {"delhi": Message({"n": 300}, poisoned())},
    )
    assert any(name.startswith("velocity") for name in state.arrays)
    assert not any(name.startswith("velocity") for name in FAMILY.told(state).arrays)
