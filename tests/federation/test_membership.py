"""The attack that asks whether a network has seen a row finds it out where it can, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.federation_attacks.campaign import Campaign
from benchmarks.federation_attacks.membership import listen, measure, separation
from federation.families.averaging import FedAvg, weights_of
from federation.plans import plan
from federation.plans.dense_trainer import DenseTrainer
from federation.rounds import Federation, fit_here

COLUMNS = 6


def test_separation__scores_apart__are_told_apart():
    found = separation(np.linspace(2.0, 3.0, 50), np.linspace(0.0, 1.0, 80))
    assert found["auc"] == 1.0
    assert found["hits_at_1pct"] == 1.0
    # The threshold is the members' mean: half of them lie above it.
    assert found["advantage"] == pytest.approx(0.5, abs=0.02)


def test_separation__same_scores__are_not():
    rng = np.random.default_rng(1)
    found = separation(rng.normal(size=900), rng.normal(size=900))
    low, high = found["auc_interval"]
    assert low < 0.5 < high
    assert high - low == pytest.approx(0.053, abs=0.002)
    assert abs(found["advantage"]) < 0.06


def test_separation__ties__count_half():
    assert separation(np.ones(7), np.ones(9))["auc"] == 0.5
    # Of four pairs one is right, one a tie and two wrong.
    assert separation(np.array([1.0, 2.0]), np.array([2.0, 1.5]))["auc"] == pytest.approx(0.375)


def rows(seed: int, n: int, noise: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, COLUMNS))
    y = 0.3 * X[:, 0] + noise * rng.normal(size=n)
    found = {"X": X, "y": y, "weight": np.ones(n)}
    return found | {f"{name}_validation": values[:40] for name, values in found.items()}


def campaign(n: int, noise: float, rounds: int) -> Campaign:
    """Two sites of dense networks without dropout."""
    learner = plan("reactive_power")
    settings = {
        "seed": "membership", "columns": COLUMNS, "options": {"hidden_1": 48, "hidden_2": 24},
        "rounds": rounds, "epochs": 4, "batch": 32, "learning_rate": 0.01, "momentum": 0.3,
        "tuning_epochs": 4, "reach": 8.0,
    }  # fmt: skip
    data = {site: rows(seed, n, noise) for seed, site in enumerate(("delhi", "mumbai"))}
    family = FedAvg(DenseTrainer())
    return Campaign(
        learner, Federation("test", "reactive_power", family, "s", settings, dict.fromkeys(data, n)), data, {}
    )


def outside(n: int, noise: float) -> dict[str, dict[str, np.ndarray]]:
    return {site: rows(10 + seed, n, noise) for seed, site in enumerate(("delhi", "mumbai"))}


def test_measure__few_rows_of_noise_learnt_by_heart__are_recognised():
    found = measure(campaign(60, 1.0, 12), outside(60, 1.0))
    assert found["loss_members"] < found["loss_others"]
    for attack in ("global_loss", "update_loss", "tuned_loss"):
        assert found["attacks"][attack]["auc_interval"][0] > 0.5, attack
    assert found["attacks"]["global_loss"]["auc"] > 0.65
    assert found["members"] == found["others"] == 120


def test_measure__many_rows_and_few_passes__are_not():
    found = measure(campaign(1500, 0.3, 1), outside(1500, 0.3))
    assert found["attacks"]["global_loss"]["auc"] == pytest.approx(0.5, abs=0.03)


def test_listen__last_round__is_that_of_the_finished_model():
    made = campaign(60, 1.0, 2)
    state, seen = listen(made)
    again = fit_here(made.learner.family, made.federation.settings, made.data)
    for one, other in zip(weights_of(state), weights_of(again), strict=True):
        assert np.array_equal(one, other)
    assert set(seen) == {"delhi", "mumbai"}
    assert all(held.tuned is not None for held in seen.values())
