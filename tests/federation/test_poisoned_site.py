"""One site of a federation sends what it should not: the gate refuses it, or the damage has a bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pytest

from benchmarks.federation_attacks import damage
from benchmarks.federation_attacks.campaign import Campaign
from benchmarks.federation_attacks.made_up import first_of_each_phase, site_rows
from benchmarks.federation_attacks.poisons import POISONS, stretched, with_wrong_targets
from data_contracts.dataset import Dataset
from federation.envelope import Envelope, seal
from federation.errors import RefusedUpdateError
from federation.families.averaging import weights_of
from federation.family import LocalData
from federation.gate import Gate
from federation.job import Job
from federation.ledger import Ledger
from federation.message import State, Update
from federation.plans import PLANS, Plan, plan
from federation.rounds import Federation, federate_rounds
from federation.wire import encode
from models.dataset import build
from models.splits import TEST

ROWS = 400
ENROLLED = 10 * ROWS
"""A site enrols with the rows of its tables, of which a model learns from a part."""
ASKED = Envelope("state", "run", "model", "family", 3, "ab" * 16, "delhi", "s" * 64)
MODELS = tuple(PLANS)
NETWORKS = {name for name in MODELS if plan(name).family.name == "fedavg"}


@dataclass(frozen=True)
class Walked:
    """A model's federation of two honest sites, at the first state of each phase."""

    learner: Plan
    data: Mapping[str, LocalData]
    phases: Mapping[str, State]

    def told(self, phase: str) -> State:
        return self.learner.family.told(self.phases[phase])

    def honest(self, phase: str) -> Update:
        return self.learner.family.local_update(self.told(phase), self.data["delhi"], "delhi")

    def verdict(self, phase: str, update: Update, **changes: Any) -> str:
        """The rule that refuses an update of delhi; empty if it enters."""
        sent = encode(seal(update, msgspec.structs.replace(ASKED, kind="update", **changes)))
        try:
            Gate(self.learner.family, {"delhi": ENROLLED}).admit("delhi", sent, self.phases[phase], ASKED)
        except RefusedUpdateError as error:
            return error.rule
        return ""


@pytest.fixture(scope="module", params=MODELS)
def walked(request: pytest.FixtureRequest) -> Walked:
    data = {site: site_rows(request.param, ROWS, seed) for seed, site in enumerate(("delhi", "mumbai"))}
    return Walked(plan(request.param), data, first_of_each_phase(request.param, data))


def test_gate__honest_update_of_any_phase__is_admitted(walked):
    assert {phase: walked.verdict(phase, walked.honest(phase)) for phase in walked.phases} == dict.fromkeys(
        walked.phases, ""
    )


def test_gate__nan_in_any_phase__is_refused(walked):
    for phase in walked.phases:
        update = walked.honest(phase)
        if any(array.dtype.kind == "f" for array in update.arrays.values()):
            assert (
                walked.verdict(phase, POISONS["nan"].tamper(walked.told(phase), update, None)) == "finiteness"
            )


def test_gate__oversized_n_k_in_any_phase__is_refused(walked):
    for phase in walked.phases:
        update = walked.honest(phase)
        assert walked.verdict(phase, POISONS["rows"].tamper(walked.told(phase), update, None)) == "count"


def test_gate__replayed_update_of_any_phase__is_refused(walked):
    for phase in walked.phases:
        assert walked.verdict(phase, walked.honest(phase), round=2, nonce="cd" * 16) == "replay"


def test_gate__every_number_scaled_or_turned__is_refused_before_a_model_is_formed(walked):
    # A network's first steps may be small, and what its movement can do has a bound of its own.
    network = walked.learner.definition.name in NETWORKS
    for name in ("flipped",) if network else ("flipped", "scaled"):
        tamper = POISONS[name].tamper
        verdicts = {
            phase: walked.verdict(phase, tamper(walked.told(phase), walked.honest(phase), None))
            for phase in walked.phases
        }
        assert set(verdicts.values()) & {"bound", "norm", "consistency"}, (name, verdicts)


def length(arrays: Any) -> float:
    return float(np.sqrt(sum(float(np.sum(np.asarray(array, dtype=np.float64) ** 2)) for array in arrays)))


def apart(one: State, other: State) -> float:
    pairs = zip(weights_of(one), weights_of(other), strict=True)
    return length(a.astype(np.float64) - b for a, b in pairs)


@pytest.mark.parametrize("model", sorted(NETWORKS & {"power_quality_index", "reactive_power"}))
def test_network__moved_backwards_as_far_as_the_gate_allows__moves_the_model_by_its_share_only(model):
    learner = plan(model)
    data = {site: site_rows(model, ROWS, seed) for seed, site in enumerate(("bangalore", "delhi", "mumbai"))}
    state = first_of_each_phase(model, data)["train"]
    family, told = learner.family, learner.family.told(state)
    honest = {site: family.local_update(told, rows, site) for site, rows in data.items()}
    clean = family.aggregate(state, honest)

    def spoiled(update: Update) -> State:
        return family.aggregate(state, {**honest, "delhi": update})

    def verdict(update: Update) -> str:
        return Walked(learner, data, {"train": state}).verdict("train", update)

    back = POISONS["far_back"].tamper(told, honest["delhi"], None)
    beyond = stretched(told, honest["delhi"], -1e4)
    assert verdict(back) == ""
    assert verdict(beyond) in {"consistency", "bound"}
    before = weights_of(state)
    allowed = float(state.value("settings")["reach"]) * max(length(before), 1.0)
    share = honest["delhi"].n / sum(update.n for update in honest.values())
    assert apart(spoiled(back), clean) <= 1.001 * share * 2.0 * allowed
    assert apart(spoiled(beyond), clean) > 10.0 * share * allowed


def attacked(campaign: Any, model: str) -> Campaign:
    """The campaign of `conftest` as the benchmark reads one of a home."""
    learner, start = plan(model), campaign.profile.simulation.start
    rows = {
        site: build(Dataset.open(folder), learner.definition, start).rows
        for site, folder in campaign.sites.items()
    }
    job = Job(learner, campaign.profile, campaign.home, campaign.sites, {}, {})
    return Campaign(
        learner,
        Federation("attacked", model, learner.family, "s" * 64, job.settings, job.enrolled),
        {site: learner.local_data(own) for site, own in rows.items()},
        {site: own.select(own.split == TEST) for site, own in rows.items()},
    )


def test_measure__phase_imbalance__tells_what_was_refused_and_what_the_rest_costs(campaign, tmp_path):
    found = damage.measure(attacked(campaign, "phase_imbalance"), "delhi", tmp_path)
    poisons = found["poisons"]
    assert {name: one["refused"] for name, one in poisons.items()} == {
        "nan": "finiteness",
        "rows": "count",
        "replayed": "replay",
        "scaled": poisons["scaled"]["refused"],
        "flipped": poisons["flipped"]["refused"],
        "knowing": None,
        "turned_fields": None,
        "wrong_targets": None,
    }
    for name in ("nan", "rows", "replayed", "scaled", "flipped"):
        assert poisons[name]["refused"] is not None
        # The federation ends as if the site had never been there.
        assert poisons[name]["gated"] == found["without"]
    # Without the gate there is no model at all.
    assert poisons["nan"]["ungated"] is None
    assert poisons["nan"]["broken"]
    # A third of the rows with wrong classes: outvoted in every leaf by two thirds with right ones.
    assert poisons["wrong_targets"]["gated"] > found["clean"] - 0.1


def test_wrong_targets__rows__keep_their_inputs_and_share_one_deal():
    rows = site_rows("equipment_failure", ROWS, 5)
    wrong = with_wrong_targets(rows)
    assert np.array_equal(wrong["X"], rows["X"])
    assert not np.array_equal(wrong["time"], rows["time"])
    order = [int(np.flatnonzero(rows["time"] == value)[0]) for value in wrong["time"]]
    assert np.array_equal(wrong["outcome"], rows["outcome"][order])
    assert np.array_equal(np.sort(wrong["outcome_validation"]), np.sort(rows["outcome_validation"]))


def test_measure__site_that_knows_the_gate__sends_what_passes(campaign, tmp_path):
    whole = attacked(campaign, "voltage_anomaly")
    sites = damage.PoisonedSites(whole, "delhi", POISONS["knowing"])
    outcome = federate_rounds(whole.federation, sites, Ledger(tmp_path / "ledger.jsonl"))
    assert outcome.refused == {}
    honest = federate_rounds(
        whole.federation, damage.PoisonedSites(whole, "delhi", None), Ledger(tmp_path / "other.jsonl")
    )
    assert any(
        not np.array_equal(outcome.state.arrays[name], array) for name, array in honest.state.arrays.items()
    )
