from __future__ import annotations

import numpy as np
import pytest

from federation.families.averaging import FedAvg, Sample, Work
from federation.plans import plan
from federation.plans.network_trainer import NetworkTrainer
from federation.rounds import fit_here
from models import networks

OPTIONS = {"first": 6, "second": 4, "hidden": 3, "dropout": 0.1, "marked_weight": 3.0}
SETTINGS = {
    "seed": "test",
    "columns": 2,
    "steps": 10,
    "options": OPTIONS,
    "rounds": 6,
    "epochs": 2,
    "batch": 64,
    "learning_rate": 1e-2,
    "momentum": 0.3,
    "tuning_epochs": 2,
}
FAMILY = FedAvg(NetworkTrainer())


def site(n: int, seed: int, offset: float = 0.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)

    def part(size: int, suffix: str) -> dict[str, np.ndarray]:
        X = rng.normal(size=(size, 10, 2))
        y = X[:, -1, 0] - 0.5 * X[:, -2, 1] + offset
        return {f"X{suffix}": X, f"y{suffix}": y, f"weight{suffix}": (rng.random(size) < 0.3).astype(float)}

    return {**part(n, ""), **part(100, "_validation")}


SITES = {"a": site(600, 1), "b": site(300, 2)}


def loss(state) -> float:
    weights, mean, scale = FAMILY.result(state)
    fresh = site(500, 9)
    return networks.loss(weights, (fresh["X"] - mean) / scale, fresh["y"])


def test_network_trainer__rounds_of_local_training__learn_and_repeat_themselves():
    state = fit_here(FAMILY, SETTINGS, SITES)
    first = fit_here(FAMILY, {**SETTINGS, "rounds": 1, "epochs": 1, "learning_rate": 1e-9}, SITES)
    assert loss(state) < 0.4 * loss(first)
    again = fit_here(FAMILY, SETTINGS, SITES)
    for name, array in state.arrays.items():
        assert np.array_equal(array, again.arrays[name])


def test_network_trainer__fine_tuning__helps_a_site_that_differs():
    state = fit_here(FAMILY, SETTINGS, SITES)
    asked = FAMILY.ask_tuning(
        state.with_header(settings={**SETTINGS, "tuning_rate": 1.0, "tuning_epochs": 5})
    )
    tuned = FAMILY.tuned(state, FAMILY.local_update(asked, site(600, 5, offset=1.0), "a"))
    assert tuned.helped
    assert tuned.after < 0.7 * tuned.before


def test_network_trainer__marked_rows__weigh_more():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 10, 2))
    marked = (np.arange(400) % 2).astype(float)
    rows = Sample(X, np.where(marked > 0, 0.5, -0.5), marked)
    trainer = NetworkTrainer()
    first = trainer.initial(OPTIONS, 2, 1)
    answers = []
    for weight in (1.0, 9.0):
        work = Work(8, 64, 1e-2, 3, {**OPTIONS, "dropout": 0.0, "marked_weight": weight})
        answers.append(networks.forward(trainer.train(first, rows, work), X).mean())
    assert answers[0] == pytest.approx(0.0, abs=0.15)
    assert answers[1] > answers[0] + 0.15


def test_network_trainer__first_weights__are_those_of_the_settings():
    weights = NetworkTrainer().initial(OPTIONS, 8, 4)
    widths, inputs = networks.widths_of(weights)
    assert (widths.first, widths.second, widths.hidden, inputs) == (6, 4, 3, 8)


def test_plan__frequency_stability__trains_on_each_row_as_it_is_and_upside_down(campaign):
    data = plan("frequency_stability").load(campaign.sites["delhi"], campaign.profile.simulation.start)
    n = len(data["y"]) // 2
    assert data["X"].shape == (2 * n, 10, 8)
    assert np.array_equal(data["y"][:n], -data["y"][n:])
    assert np.array_equal(data["X"][:n, :, 0], -data["X"][n:, :, 0])
    # A spread has no sign.
    assert np.array_equal(data["X"][:n, :, 7], data["X"][n:, :, 7])
    assert set(data["weight"]) == {0.0, 1.0}
    assert len(data["y_validation"]) >= 32


def test_plan__frequency_stability__probes_are_sequences_that_the_features_would_give():
    chosen = plan("frequency_stability")
    X = chosen.probes(None, 20, np.random.default_rng(1))
    names = chosen.definition.features
    assert X.shape == (20, len(names))
    newest = X[:, names.index("seq_dev_hz.9")]
    before = X[:, names.index("seq_dev_hz.8")]
    np.testing.assert_allclose(X[:, names.index("seq_change_1s_hz.9")], newest - before, atol=1e-12)
    deviations = [X[:, names.index(f"seq_dev_hz.{step}")] for step in range(10)]
    np.testing.assert_allclose(X[:, -1], 50.0 + np.mean(deviations, axis=0), atol=1e-9)
