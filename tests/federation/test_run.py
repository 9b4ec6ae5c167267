from __future__ import annotations

import json
from dataclasses import dataclass

import msgspec
import numpy as np
import pytest

from federation import report
from federation.assessment import assess, load
from federation.errors import FederationError, TooFewSitesError
from federation.ledger import records, verify
from federation.plans import plan
from federation.registration import Global, find, register
from federation.result import FederationResult
from federation.run import Centre, ledger_of
from models import registry, tracking
from models.runtime import CompiledModel

KEY = "a" * 64
FEDERATED = {
    "phase_imbalance": {},
    "voltage_anomaly": {},
    "harmonic_analysis": {"n_estimators": 20},
    "demand_response": {},
}
FIELDS = {
    "model",
    "family",
    "claim",
    "metric",
    "direction",
    "central",
    "federated",
    "fine_tuned",
    "local_only",
    "held_out_federated",
    "held_out_local_only",
    "bytes_per_round",
    "rounds",
}


@dataclass(frozen=True)
class Ran:
    results: dict[str, FederationResult]


def centre(campaign, sites=None) -> Centre:
    held_out = list(campaign.profile.held_out)
    return Centre(campaign.profile, campaign.home, sites or campaign.sites, held_out)


def run(campaign, model: str, key: str, **options) -> FederationResult:
    with centre(campaign) as directed:
        return directed.federate(model, step_key=key, **options)


@pytest.fixture(scope="module")
def ran(campaign) -> Ran:
    with centre(campaign) as directed:
        return Ran(
            {
                model: directed.federate(model, step_key=KEY + model, params=params)
                for model, params in FEDERATED.items()
            }
        )


def test_federate__two_models__registers_versions_that_say_where_they_come_from(ran, campaign):
    for model, result in ran.results.items():
        version = registry.get(campaign.home, model, "champion")
        assert version.version == result.version.version == 1
        tags = version.tags
        assert tags["trained_by"] == "federated"
        assert tags["contributors"] == "bangalore,delhi,mumbai"
        assert (
            int(tags["n_total"])
            == sum(result.n.values())
            == sum(int(value) for name, value in tags.items() if name.startswith("n_k."))
        )
        assert tags["claim"] == plan(model).definition.claim
        assert tags["step_key"] == KEY + model
        assert int(tags["rounds"]) == result.comparison.row.rounds
        assert tags["differential_privacy"] == "none"
        assert tags["federation_bar"] in {"met", "missed"}
        assert (tags["aggregation"], tags["quorum"], tags["refused"]) == ("mean", "2", "")
        # Honest sites: the control centre's own rows say nothing against the first version.
        assert [one.verdict for one in result.judgements] == [tags["veto"]] == ["passed"]
        assert int(tags["bytes_total"]) == pytest.approx(
            int(tags["rounds"]) * int(tags["bytes_per_round"]), abs=int(tags["rounds"])
        )


def test_federate__run__shows_who_gains_and_where_the_sites_differ(ran, campaign):
    client = tracking.connect(campaign.home).client
    for model, result in ran.results.items():
        assert {one.input for one in result.drift} <= set(plan(model).inputs)
        drawn = {file.path for file in client.list_artifacts(result.version.run_id, "plots")}
        assert drawn == {"plots/sites.png", "plots/drift.png"}
        measured = client.get_run(result.version.run_id).data.metrics
        assert measured["federation/drift"] == pytest.approx(result.drift[0].largest[0])
    told = report.markdown(list(ran.results.values()))
    for result in ran.results.values():
        assert f"`{result.drift[0].input}`" in told
    assert told.count("by the federation: ") == 3 * len(ran.results)


def test_federate__phase_imbalance__equals_the_central_tree_to_1e6(ran):
    row = ran.results["phase_imbalance"].comparison.row
    assert row.claim == "exact"
    assert row.ratio == pytest.approx(1.0, abs=1e-6)
    assert row.met
    assert row.federated > 0.9


def test_federate__demand_response__equals_the_central_partition_to_1e6(ran):
    row = ran.results["demand_response"].comparison.row
    assert (row.claim, row.family) == ("exact", "kmeans")
    assert row.ratio == pytest.approx(1.0, abs=1e-6)
    assert row.met
    assert row.federated > 0.9


def test_federate__harmonic_analysis__is_as_good_as_the_central_forest(ran):
    row = ran.results["harmonic_analysis"].comparison.row
    assert (row.family, row.metric, row.direction) == ("random_forest", "thd_mae", "lower")
    assert row.ratio > 0.9
    assert row.federated < row.local_only


def test_federate__every_model__is_measured_beside_local_models_and_on_the_held_out(ran):
    for result in ran.results.values():
        row = result.comparison.row
        figures = (
            row.central,
            row.federated,
            row.local_only,
            row.held_out_federated,
            row.held_out_local_only,
        )
        assert all(figure is not None and 0.0 < figure <= 1.0 for figure in figures)
        assert row.fine_tuned is None
        assert result.fine_tuned == ()
        assert [site.substation for site in result.comparison.sites] == ["bangalore", "delhi", "mumbai"]
        value, low, high = result.comparison.held_out_difference
        assert low <= value <= high


def test_federate__detector__is_compared_at_one_rate_of_false_alarms(ran):
    assert ran.results["voltage_anomaly"].comparison.row.metric == "mean_recall_at_1pct_false_alarms"
    assert ran.results["phase_imbalance"].comparison.row.metric == "macro_f1"


def test_federate__ledger__holds_all_rounds_and_the_versions_carry_its_heads(ran, campaign):
    path = ledger_of(campaign.home)
    verify(path)
    digests = [record["digest"] for record in records(path)]
    for result in ran.results.values():
        assert result.version.tags["ledger_head"] in digests


def test_federate__compiled_version__answers_its_golden_rows_and_holds_no_row_of_a_site(
    ran, campaign, tmp_path
):
    for model in ran.results:
        folder = registry.download_compiled(campaign.home, model, "champion", tmp_path / model)
        golden = json.loads((folder / "golden.json").read_text())
        inputs = {value for row in golden["features"] for value in row}
        for path in campaign.sites.values():
            data = plan(model).load(path, campaign.profile.simulation.start)
            assert not inputs & set(data["X"].ravel().tolist())
        spec = json.loads((folder / "spec.json").read_text())
        assert spec["model"] == model
        answers = {json.dumps(answer, sort_keys=True) for answer in golden["answers"]}
        assert len(answers) > 3


def test_federate__same_step_again__registers_nothing(ran, campaign):
    again = run(campaign, "phase_imbalance", KEY + "phase_imbalance")
    assert again.skipped
    assert again.version == ran.results["phase_imbalance"].version
    assert again.comparison == ran.results["phase_imbalance"].comparison
    assert msgspec.structs.replace(again, skipped=False) == ran.results["phase_imbalance"]


def test_federate__one_site__is_a_clear_error(campaign):
    sites = {"mumbai": campaign.sites["mumbai"]}
    with pytest.raises(TooFewSitesError, match="only mumbai can take part, and a global model needs two"):
        centre(campaign, sites).federate("phase_imbalance", step_key="x")


def test_federate__model_without_a_plan_or_strange_parameter__is_an_error(campaign):
    with pytest.raises(FederationError, match="load_balancing is not federated"):
        run(campaign, "load_balancing", "x")
    with pytest.raises(FederationError, match="hyper-parameters depth are unknown"):
        run(campaign, "phase_imbalance", "x", params={"depth": 3})


@pytest.fixture
def registered(bench, campaign, ran, tmp_path):
    """Registers another federation of `phase_imbalance`, without processes."""

    def make(key: str, **params: int) -> FederationResult:
        made = bench("phase_imbalance", params=params)
        outcome, job = made.run(), made.job
        fitted = job.plan.fitted(outcome.state)
        pool = load(job, tuple(sorted(outcome.n)))
        result = assess(job, outcome, pool, fitted)
        return register(Global(job, outcome, fitted, pool, key, {"note": "later"}), result, tmp_path / key)

    return make


def test_register__later_step__is_challenger_until_pooling_is_forbidden(registered, campaign, request):
    later = registered("b" * 64, max_depth=3)
    assert later.version.alias == "challenger"
    assert later.version.tags["note"] == "later"
    assert later.params["max_depth"] == 3
    request.getfixturevalue("pooling_forbidden")
    # An operator may have rolled back to the other one: looking again does not undo that.
    assert find(campaign.home, "phase_imbalance", "b" * 64).version.alias == "challenger"
    forced = registered("c" * 64, max_depth=2)
    assert forced.version.alias == "champion"
    assert registry.get(campaign.home, "phase_imbalance", "champion").version == forced.version.version


def test_report__results__are_written_as_agreed(ran, tmp_path):
    from switchyard.home import Home

    results = list(ran.results.values())
    json_path, markdown_path = report.write(Home(tmp_path), results)
    rows = json.loads(json_path.read_text())
    assert [row["model"] for row in rows] == list(FEDERATED)
    assert all(set(row) == FIELDS for row in rows)
    assert rows[0]["federated"] == results[0].comparison.row.federated
    text = markdown_path.read_text()
    for words in (
        "No fine-tuned version: ",
        "Differential privacy: none",
        "1.000 of central to 1e-6: met",
        "on the held-out substation: ",
    ):
        assert words in text


@pytest.fixture(scope="module")
def network(make_bench, campaign, tmp_path_factory) -> FederationResult:
    """`frequency_stability`, federated and registered in this process: Keras is imported once."""
    scratch = tmp_path_factory.mktemp("network")
    made = make_bench(scratch, "frequency_stability", params={"epochs": 5})
    outcome, job = made.run(), made.job
    fitted = job.plan.fitted(outcome.state)
    pool = load(job, tuple(sorted(outcome.n)))
    result = assess(job, outcome, pool, fitted)
    return register(Global(job, outcome, fitted, pool, KEY, {}), result, scratch / "work")


def test_register__network__has_versions_of_the_sites_beside_the_global_one(network, campaign):
    row = network.comparison.row
    assert (row.family, row.metric) == ("fedavg", "skill")
    assert None not in {row.fine_tuned, row.local_only, row.held_out_federated, row.held_out_local_only}
    names = [f"frequency_stability.{site}" for site in ("bangalore", "delhi", "mumbai")]
    assert [own.name for own in network.fine_tuned] == names
    for own, site in zip(network.fine_tuned, network.comparison.sites, strict=True):
        found = registry.get(campaign.home, own.name, "champion")
        assert found.version == own.version == 1
        assert found.tags["trained_by"] == "fine_tuned"
        assert found.tags["helped"] == {True: "yes", False: "no"}[site.helped]
        assert found.tags["ledger_head"] == network.ledger_head
    best = [site.fine_tuned if site.helped else site.federated for site in network.comparison.sites]
    assert row.fine_tuned == pytest.approx(np.mean(best))
    tags = registry.get(campaign.home, "frequency_stability", "champion").tags
    assert tags["trained_by"] == "federated"
    assert tags["contributors"] == "bangalore,delhi,mumbai"


def test_register__network__own_versions_differ_and_answer_their_golden_rows(network, campaign, tmp_path):
    answers = {}
    for name in ("frequency_stability", *(own.name for own in network.fine_tuned)):
        folder = registry.download_compiled(campaign.home, name, "champion", tmp_path / name)
        golden = json.loads((folder / "golden.json").read_text())
        found = CompiledModel((folder / "model.onnx").read_bytes())(np.asarray(golden["features"]))
        np.testing.assert_allclose(found, golden["raw"], atol=2e-6)
        answers[name] = json.dumps(golden["raw"])
    assert len(set(answers.values())) == 4


def test_find__network__knows_the_own_versions_again(network, campaign):
    again = find(campaign.home, "frequency_stability", KEY)
    assert again.skipped
    assert again.fine_tuned == network.fine_tuned
    assert "fine-tuned versions: " in report.markdown([again]).lower()


def test_result__sites_own_figures__average_to_the_row(ran):
    for result in ran.results.values():
        federated = np.mean([site.federated for site in result.comparison.sites])
        assert result.comparison.row.federated == pytest.approx(federated)
