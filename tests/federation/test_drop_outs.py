"""Sites that end while a federation is under way, as real processes that are killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from federation.confinement import Confinement
from federation.errors import LostSitesError, TooFewSitesError
from federation.ledger import records, verify
from federation.rounds import federate_rounds
from federation.spec import SiteSpec
from federation.terms import Terms
from federation.transport import SiteProcesses

MODEL = "phase_imbalance"


class Killing:
    """Kills the process of a site before round `at` is sent."""

    def __init__(self, processes: SiteProcesses, victims: Mapping[int, str]) -> None:
        self.processes, self.victims, self.number = processes, dict(victims), 0

    def exchange(self, messages: Mapping[str, bytes]) -> dict[str, bytes]:
        victim = self.victims.get(self.number)
        self.number += 1
        if victim is not None:
            os.kill(self.processes.pid(victim) or 0, signal.SIGKILL)
        return self.processes.exchange(messages)


@pytest.fixture
def specs(campaign):
    return [
        SiteSpec(
            site,
            (MODEL,),
            folder,
            campaign.profile.simulation.start,
            Confinement(folder, tuple(other for name, other in campaign.sites.items() if name != site)),
        )
        for site, folder in campaign.sites.items()
    ]


def test_federate_rounds__site_killed_in_the_third_round__goes_on_with_the_rest(bench, campaign, specs):
    made = bench(MODEL)
    with SiteProcesses(specs) as processes:
        outcome = federate_rounds(made.federation, Killing(processes, {2: "delhi"}), made.ledger)
        assert set(processes.lost) == {"delhi"}
    assert set(outcome.n) == {"bangalore", "mumbai"}
    assert outcome.refused == {"delhi": "lost: site delhi was lost (exit code -9)"}
    found = records(made.ledger.path)
    assert [record["round"] for record in found[:4]] == [0, 1, 2, 0]
    lost = found[2]["sites"]["delhi"]
    assert lost["verdict"].startswith("lost: ")
    assert lost["received"] is lost["n"] is lost["fields"] is None
    assert found[2]["sites"]["mumbai"]["verdict"] == "admitted"
    assert set(found[3]["sites"]) == {"bangalore", "mumbai"}
    assert verify(made.ledger.path).head == outcome.ledger_head
    others = {site: folder for site, folder in campaign.sites.items() if site != "delhi"}
    clean = bench(MODEL, folders=others).run()
    for name, values in clean.state.arrays.items():
        assert np.array_equal(outcome.state.arrays[name], values), name


@pytest.mark.parametrize(
    ("quorum", "victims", "said"),
    [
        (3, {1: "mumbai"}, "only bangalore, delhi can take part, and the quorum is 3"),
        (2, {1: "mumbai", 3: "delhi"}, "only bangalore can take part, and a global model needs two"),
    ],
)
def test_federate_rounds__fewer_than_the_quorum_are_left__forms_no_global_model(
    bench, specs, quorum, victims, said
):
    made = bench(MODEL)
    asked = replace(made.federation, terms=Terms(quorum=quorum))
    with SiteProcesses(specs) as processes, pytest.raises(TooFewSitesError, match=said) as caught:
        federate_rounds(asked, Killing(processes, victims), made.ledger)
    assert "site mumbai was lost (exit code -9)" in caught.value.message


class LosesOneAtLast:
    """Passes messages on, but loses a site when it is asked to fine-tune."""

    def __init__(self, direct, rounds: int, site: str) -> None:
        self.direct, self.rounds, self.site = direct, rounds, site

    def exchange(self, messages: Mapping[str, bytes]) -> dict[str, bytes]:
        if len(self.direct.back) < self.rounds:
            return self.direct.exchange(messages)
        others = {site: data for site, data in messages.items() if site != self.site}
        raise LostSitesError({self.site: f"site {self.site} was lost"}, self.direct.exchange(others))


def test_federate_rounds__site_lost_in_fine_tuning__keeps_the_global_model_and_has_no_own_version(bench):
    params = {"epochs": 1}
    made = bench("frequency_stability", params=params)
    lossy = LosesOneAtLast(made.transport, rounds=2, site="delhi")
    outcome = federate_rounds(made.federation, lossy, made.ledger)
    assert set(outcome.n) == {"bangalore", "delhi", "mumbai"}
    assert set(outcome.tuned) == {"bangalore", "mumbai"}
    assert outcome.refused == {}
    assert records(made.ledger.path)[-1]["sites"]["delhi"]["verdict"].startswith("lost: ")
