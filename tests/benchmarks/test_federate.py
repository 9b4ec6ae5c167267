"""What the benchmark of federations measures, on rows that are drawn here."""

import time

import numpy as np
import pytest

from benchmarks.federate import Enough, InMemory, measure, models_of, split
from federation.envelope import Envelope, new_nonce, seal
from federation.plans import plan
from federation.wire import encode
from switchyard.errors import UsageError

MODEL = "phase_imbalance"


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(5)
    learner = plan(MODEL)
    X = rng.normal(size=(900, len(learner.definition.features)))
    return {"X": X, "y": np.digitize(X[:, 0], [-1.0, 0.0, 1.0]), "other": np.arange(50.0)}


def test_split__many_sites__rows_keep_together_and_every_site_has_its_own(data):
    sites = split(data, 7, 300, MODEL)
    assert len(sites) == 7
    lines = {tuple(row): label for row, label in zip(data["X"], data["y"], strict=True)}
    for rows in sites.values():
        assert len(rows["X"]) == len(rows["y"]) == 300
        assert len(rows["other"]) == 50
        assert all(lines[tuple(row)] == label for row, label in zip(rows["X"], rows["y"], strict=True))
    assert not np.array_equal(sites["site000"]["X"], sites["site001"]["X"])


def test_measure__three_and_six_sites__bytes_a_site_stay_and_bytes_a_round_grow(data):
    learner = plan(MODEL)
    rows = {"X": data["X"], "y": data["y"]}
    few, many = (measure(learner, split(rows, sites, 300, MODEL), 60.0) for sites in (3, 6))
    for found, sites in ((few, 3), (many, 6)):
        assert found["whole"]
        assert found["rounds"] > 3
        assert found["bytes_per_round"] == pytest.approx(sites * found["bytes_per_site"], abs=sites)
        assert 0.0 < found["site_ms"] <= found["slowest_ms"]
        assert found["rounds_per_s"] == pytest.approx(
            1e3 / (found["centre_ms"] + found["slowest_ms"]), abs=0.01
        )
    assert many["bytes_per_round"] > 1.5 * few["bytes_per_round"]


def test_measure__no_time_for_all_rounds__says_that_they_are_not_whole(data):
    learner = plan(MODEL)
    rows = split({"X": data["X"], "y": data["y"]}, 3, 300, MODEL)
    sites = InMemory(learner, rows, 2, 60.0)
    settings = {"columns": len(learner.definition.features), "classes": 4}
    state = learner.family.start(settings, {})

    def message(site):
        envelope = Envelope("state", "t", MODEL, learner.family.name, 0, new_nonce(), site, "s")
        return encode(seal(state, envelope))

    for _ in range(2):
        back = sites.exchange({site: message(site) for site in rows})
        assert set(back) == set(rows)
    with pytest.raises(Enough):
        sites.exchange({site: message(site) for site in rows})
    spent = InMemory(learner, rows, 10, 0.0, begun=time.process_time() - 1.0)
    with pytest.raises(Enough):
        spent.exchange({})


def test_models_of__not_federated__is_refused_naming_those_that_are():
    assert models_of("tiny", "phase_imbalance") == ["phase_imbalance"]
    with pytest.raises(UsageError, match="choose among"):
        models_of("tiny", "load_balancing")
