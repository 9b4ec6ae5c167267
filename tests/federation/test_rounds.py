from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from federation.envelope import seal, unseal
from federation.errors import FederationError, TooFewSitesError
from federation.ledger import records, verify
from federation.message import Message
from federation.plans import plan
from federation.rounds import fit_here
from federation.site import Site
from federation.wire import decode, encode
from models.splits import TRAIN

MODELS = ("phase_imbalance", "voltage_anomaly", "demand_response")


@pytest.mark.parametrize("model", MODELS)
def test_federate_rounds__three_sites__gives_what_the_same_rows_give_without_a_wire(bench, campaign, model):
    made = bench(model)
    outcome = made.run()
    learner = plan(model)
    data = {
        site: learner.load(folder, campaign.profile.simulation.start)
        for site, folder in campaign.sites.items()
    }
    state = fit_here(learner.family, made.federation.settings, data)
    assert set(state.arrays) == set(outcome.state.arrays)
    for name, values in state.arrays.items():
        assert np.array_equal(outcome.state.arrays[name], values), name
    assert outcome.n == {site: len(rows["X"]) for site, rows in data.items()}
    assert outcome.refused == {}


def test_federate_rounds__phase_imbalance__is_the_central_tree(bench, campaign):
    made = bench("phase_imbalance")
    learner = plan("phase_imbalance")
    federated = learner.fitted(made.run().state).tree
    parts = [learner.load(folder, campaign.profile.simulation.start) for folder in campaign.sites.values()]
    pooled = {name: np.concatenate([part[name] for part in parts]) for name in ("X", "y")}
    central = learner.fitted(fit_here(learner.family, made.federation.settings, {"pooled": pooled})).tree
    for name in ("feature", "threshold", "left", "right", "value"):
        assert np.array_equal(getattr(federated, name), getattr(central, name)), name


def test_federate_rounds__ledger__has_a_record_a_round_that_lists_what_left(bench):
    made = bench("voltage_anomaly")
    outcome = made.run()
    found = records(made.ledger.path)
    assert [record["phase"] for record in found] == ["moments", "grow", "scores"]
    assert outcome.rounds == 3
    assert verify(made.ledger.path).head == outcome.ledger_head
    sites = found[0]["sites"]
    assert set(sites) == {"bangalore", "delhi", "mumbai"}
    assert {part["name"] for part in sites["delhi"]["fields"]} == {"mean", "m2", "raw_mean", "raw_m2"}
    assert sites["delhi"]["n"] == outcome.n["delhi"]
    back = [len(data) for answers in made.transport.back for data in answers.values()]
    assert sum(site["received"]["bytes"] for record in found for site in record["sites"].values()) == sum(
        back
    )
    assert outcome.received == sum(back)
    assert len({record["nonce"] for record in found}) == 3


def poison(data: bytes, **arrays: np.ndarray) -> bytes:
    message, envelope = unseal(decode(data))
    return encode(seal(replace(message, arrays={**message.arrays, **arrays}), envelope))


def test_federate_rounds__site_sends_nan__is_left_out_and_the_others_begin_again(bench, campaign):
    def tamper(number: int, site: str, data: bytes) -> bytes:
        mean = unseal(decode(data))[0].arrays.get("mean")
        return poison(data, mean=mean * np.nan) if site == "delhi" and number == 0 else data

    made = bench("phase_imbalance", tamper=tamper)
    outcome = made.run()
    assert set(outcome.n) == {"bangalore", "mumbai"}
    assert outcome.refused["delhi"].startswith("finiteness: update of delhi refused")
    found = records(made.ledger.path)
    assert "finiteness" in found[0]["sites"]["delhi"]["verdict"]
    assert found[0]["sites"]["delhi"]["fields"] is None
    assert found[1]["round"] == 0
    assert set(found[1]["sites"]) == {"bangalore", "mumbai"}
    others = {site: folder for site, folder in campaign.sites.items() if site != "delhi"}
    clean = bench("phase_imbalance", folders=others).run()
    for name, values in clean.state.arrays.items():
        assert np.array_equal(outcome.state.arrays[name], values), name


def test_federate_rounds__site_repeats_an_old_answer__is_refused_as_replay(bench):
    first: dict[str, bytes] = {}

    def tamper(number: int, site: str, data: bytes) -> bytes:
        first.setdefault(site, data)
        return first[site] if site == "mumbai" and number == 2 else data

    outcome = bench("phase_imbalance", tamper=tamper).run()
    assert set(outcome.n) == {"bangalore", "delhi"}
    assert outcome.refused["mumbai"].startswith("replay: ")


def test_federate_rounds__site_claims_more_rows_than_enrolled__is_refused(bench):
    def tamper(_number: int, site: str, data: bytes) -> bytes:
        message, envelope = unseal(decode(data))
        return encode(seal(message.with_header(n=10**7), envelope)) if site == "mumbai" else data

    outcome = bench("voltage_anomaly", tamper=tamper).run()
    assert outcome.refused["mumbai"].startswith("count: ")
    assert "10000000" in outcome.refused["mumbai"]


def test_federate_rounds__site_of_another_release__is_refused_by_schema(bench):
    def tamper(_number: int, site: str, data: bytes) -> bytes:
        message, envelope = unseal(decode(data))
        other = msgspec.structs.replace(envelope, schema="0" * 64)
        return encode(seal(message, other)) if site == "bangalore" else data

    outcome = bench("phase_imbalance", tamper=tamper).run()
    assert outcome.refused["bangalore"].startswith("schema: ")


def test_federate_rounds__two_of_three_refused__forms_no_global_model(bench):
    def tamper(_number: int, site: str, data: bytes) -> bytes:
        return b"garbage" if site != "delhi" else data

    made = bench("phase_imbalance", tamper=tamper)
    with pytest.raises(TooFewSitesError, match=r"only delhi can take part.*needs two substations") as caught:
        made.run()
    assert "format" in str(caught.value)


def test_federate_rounds__one_site__says_that_two_are_needed(bench, campaign):
    with pytest.raises(TooFewSitesError, match="only mumbai can take part"):
        bench("phase_imbalance", folders={"mumbai": campaign.sites["mumbai"]}).run()


def test_site__too_few_rows__is_left_out_without_telling_why(bench, campaign, monkeypatch):
    made = bench("phase_imbalance")
    small = made.transport.sites["delhi"]
    rows = plan("phase_imbalance").load(campaign.sites["delhi"], campaign.profile.simulation.start)
    small._rows = "phase_imbalance", {name: values[:10] for name, values in rows.items()}
    outcome = made.run()
    assert outcome.refused["delhi"].startswith("failure: ")
    message, envelope = unseal(decode(made.transport.back[0]["delhi"]))
    assert envelope.kind == "failure"
    assert message == Message({"n": 0}, {})


def test_site__another_model_is_asked__reads_its_rows_and_lets_the_others_go(bench, campaign):
    first, second = bench("phase_imbalance"), bench("harmonic_analysis", params={"n_estimators": 4})
    sites = {
        name: Site(replace(site._spec, models=("phase_imbalance", "harmonic_analysis")))
        for name, site in first.transport.sites.items()
    }
    first.transport.sites.update(sites)
    second.transport.sites.update(sites)
    first.run()
    assert set(second.run().n) == set(campaign.sites)
    assert {site._rows[0] for site in sites.values()} == {"harmonic_analysis"}


def test_site__a_model_that_it_does_not_take_part_in__is_refused(bench):
    made = bench("phase_imbalance")
    first = made.transport.sites["delhi"]
    made.transport.sites["delhi"] = Site(replace(first._spec, models=("harmonic_analysis",)))
    with pytest.raises(FederationError, match="site delhi is asked about phase_imbalance"):
        made.run()


def test_plan__rows_of_all_splits__learns_from_training_days_only(campaign):
    from data_contracts.dataset import Dataset
    from models.dataset import build

    learner = plan("voltage_anomaly")
    built = build(
        Dataset.open(campaign.sites["delhi"]), learner.definition, campaign.profile.simulation.start
    )
    normal = ~np.asarray(built.rows.truth["anomaly"], dtype=bool)
    assert len(learner.local_data(built.rows)["X"]) == int((normal & (built.rows.split == TRAIN)).sum())
