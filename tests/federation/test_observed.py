"""Measured datasets as sites: ingested loads of two feeders of very different size, federated and judged."""

from __future__ import annotations

import json
import os
from datetime import date, datetime
from unittest.mock import patch

import numpy as np
import pytest
from click.testing import CliRunner, Result

from data_contracts.dataset import Dataset
from federation import feeders, observed_report
from federation.confinement import Confinement
from federation.envelope import seal, unseal
from federation.errors import FederationError, TooFewSitesError
from federation.job import Job as Federated
from federation.ledger import Ledger
from federation.measured import Measured, split_of
from federation.observed import judge, pool_of
from federation.plans import plan, schema_digest
from federation.registration import Global, register
from federation.rounds import Federation, federate_rounds
from federation.run import specs
from federation.site import Site
from federation.site_report import FEDERATED, FINE_TUNED, LOCAL_ONLY, POOLED
from federation.spec import SiteSpec
from federation.transport import SiteProcesses
from federation.wire import decode, encode
from flows.job import Job
from flows.stages import observed_federation, promotion
from flows.stages.observed_federation import choose
from models import comparison, load_inputs, registry
from models.errors import DataError, PromotionError
from models.load_scores import NAIVE
from models.splits import TEST
from models.time_splits import TimeSplit
from switchyard.cli import main
from switchyard.errors import UsageError
from switchyard.home import Home
from switchyard.settings import get_settings
from tests.federation.measured_feeders import LARGER, STEP_S, ZONE, ingested, series

TIMES = {
    "validation_from": datetime.fromisoformat("2021-04-15"),
    "test_from": datetime.fromisoformat("2021-05-01"),
}
"""Nine weeks test: two versions are compared on no fewer than eight."""

FEW = {"epochs": 2}
START = date(2025, 1, 1)
"""A campaign's, which a measured dataset does not look at."""


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Home:
    folder = tmp_path_factory.mktemp("measured")
    found = Home(folder / "home")
    small, large = series(1), LARGER * series(2)
    ingested(found, folder, "north", {"a": small})
    ingested(found, folder, "south", {"a": large})
    ingested(found, folder, "region", {"a": small, "b": large})
    ingested(found, folder, "coarse", {"a": small[:2000]}, STEP_S // 2)
    return found


@pytest.fixture(scope="module")
def job(home) -> Job:
    return Job.of("tiny", str(home.root))


def command(home: Home, *words: str) -> Result:
    get_settings.cache_clear()
    with patch.dict(os.environ, {"SWITCHYARD_HOME": str(home.root), "SWITCHYARD_PROFILE": "tiny"}):
        ran = CliRunner().invoke(main, list(words))
    get_settings.cache_clear()
    return ran


def federated(sites, folders, home, **params) -> Federated:
    return Federated(
        plan("load_forecast"),
        sites.job.profile,
        home,
        folders,
        {},
        {**FEW, **params},
        sites.terms,
        sites.measured,
    )


@pytest.fixture(scope="module")
def made(job, home, tmp_path_factory):
    """`load_forecast` of north and south by sites in this process, judged and registered twice."""
    sites, scratch = (
        choose(job, "load_forecast", ["north", "south"], **TIMES),
        tmp_path_factory.mktemp("made"),
    )
    with sites.folders() as folders:
        of = federated(sites, folders, home)
        here = {
            name: Site(
                SiteSpec(
                    name, ("load_forecast",), folder, START, Confinement(folder, (home.root,)),
                    split=sites.splits[name].text,
                )
            )
            for name, folder in folders.items()
        }  # fmt: skip

        class Direct:
            def exchange(self, messages):
                return {name: here[name].answer(data) for name, data in messages.items()}

        declared = of.plan.definition
        federation = Federation(
            "test",
            "load_forecast",
            of.plan.family,
            schema_digest(declared),
            of.settings,
            of.enrolled,
            of.terms,
        )
        outcome = federate_rounds(federation, Direct(), Ledger(scratch / "ledger.jsonl"))
        fitted = of.plan.fitted(outcome.state)
        pool, result = judge(of, sites.measured, outcome, fitted)
        first, second = (
            register(Global(of, outcome, fitted, pool, key * 64, {}), result, scratch / key) for key in "ab"
        )
    return sites, of, outcome, first, second


def test_choose__two_datasets__are_sites_whose_days_are_split_by_time(job):
    sites = choose(job, "load_forecast", ["south", "north", "south"])
    assert sites.of == {"south": "south", "north": "north"}
    assert sites.name == "north-south"
    assert set(sites.job.profile.training) == {"north", "south"}
    assert sites.job.profile.held_out == ()
    assert sites.measured.scheme.startswith("time: validation from 2021-")
    same = choose(job, "load_forecast", ["north", "south"])
    assert same.step.key == sites.step.key
    later = choose(job, "load_forecast", ["north", "south"], **TIMES)
    assert later.splits["north"] == TimeSplit(*TIMES.values(), ZONE)
    assert later.step.key != sites.step.key


def test_choose__by_point__each_feeder_is_a_site(job):
    sites = choose(job, "load_forecast", ["region"], by_point=True)
    assert sites.of == {"region.a": "region", "region.b": "region"}
    assert sites.name == "region-feeders"
    assert len({split.text for split in sites.splits.values()}) == 1


@pytest.mark.parametrize(
    ("model", "datasets", "options", "error", "said"),
    [
        (None, ["north", "south"], {}, UsageError, "is for one model"),
        ("voltage_sag", ["north", "south"], {}, UsageError, "voltage_sag is not federated over datasets"),
        ("frequency_stability", ["north", "south"], {}, UsageError, "not federated over datasets"),
        ("load_forecast", ["north", "coarse"], {}, DataError, "differ: north 3600 s, coarse 1800 s"),
        ("load_forecast", ["north"], {}, TooFewSitesError, "only north can take part"),
        ("load_forecast", ["north", "south"], {"quorum": 3}, TooFewSitesError, "the quorum is 3"),
        ("load_forecast", ["north", "south"], {"aggregation": "krum"}, UsageError, "no aggregation 'krum'"),
        ("load_forecast", ["north", "south"], {"group": "region"}, UsageError, "region is the name of a"),
        ("load_forecast", ["north", "south"], {"group": "a/b"}, UsageError, "cannot name a group"),
    ],
)
def test_choose__what_cannot_be__is_told(job, model, datasets, options, error, said):
    with pytest.raises(error, match=said):
        choose(job, model, datasets, **options)


def test_folders__by_point__each_has_its_own_rows_and_is_gone_afterwards(job, home):
    sites = choose(job, "load_forecast", ["region"], by_point=True)
    whole = Dataset.open(home.dataset("region"))
    with sites.folders() as folders:
        parts = {site: Dataset.open(folder) for site, folder in folders.items()}
        for site, part in parts.items():
            assert part.name == site
            assert part.read("load").column("point").unique().to_pylist() == [site[-1]]
            assert list(feeders.points(part, "load").values()) == [site[-1]]
            assert list(part.manifest.observed.points) == [site[-1]]
        assert (
            sum(part.manifest.tables["load"].rows for part in parts.values())
            == whole.manifest.tables["load"].rows
        )
        assert len({whole.digest, *(part.digest for part in parts.values())}) == 3
        of = federated(sites, folders, home)
        told = {spec.name: spec for spec in specs(of)}
        assert told["region.a"].dataset == told["region.a"].confinement.own == folders["region.a"].resolve()
        assert home.root in told["region.a"].confinement.protected
        assert folders["region.b"].resolve() in told["region.a"].confinement.protected
        assert split_of(told["region.b"].split) == sites.splits["region.b"]
    assert not any(folder.exists() for folder in folders.values())


def test_load__feeder_of_three_hundred_times_the_size__looks_the_same_to_the_network(job, home, tmp_path):
    other = Home(tmp_path / "other")
    ingested(other, tmp_path, "north", {"a": LARGER * series(1)})
    split = choose(job, "load_forecast", ["north", "south"]).splits["north"].text
    small, large = (plan("load_forecast").load(of.dataset("north"), START, split) for of in (home, other))
    np.testing.assert_allclose(load_inputs.known(small["X"]), load_inputs.known(large["X"]), atol=1e-4)
    np.testing.assert_allclose(load_inputs.steps(small["X"]), load_inputs.steps(large["X"]), atol=1e-4)
    np.testing.assert_allclose(small["load"], large["load"], atol=1e-4)


def test_scheme__splits_that_differ__names_each_site():
    first, second = TimeSplit(*TIMES.values(), ZONE), TimeSplit(*TIMES.values(), "Europe/Berlin")
    assert Measured("g", {"b": first, "a": first}).scheme == first.text
    assert Measured("g", {"b": first, "a": second}).scheme == f"a: {second.text}; b: {first.text}"
    with pytest.raises(FederationError, match="no split by time"):
        split_of("anything")


@pytest.mark.slow
def test_register__group__has_a_name_of_its_own_and_versions_of_the_sites(made, home):
    _, _, outcome, first, _ = made
    tags = first.version.tags
    assert (first.version.name, first.version.alias) == ("load_forecast.north-south", "champion")
    assert (tags["trained_by"], tags["contributors"], tags["profile"]) == (
        "federated",
        "north,south",
        "observed",
    )
    assert {name: int(tags[f"n_k.{name}"]) for name in outcome.n} == dict(outcome.n)
    assert int(tags["bytes_total"]) > 0
    assert tags["split"] == TimeSplit(*TIMES.values(), ZONE).text
    assert tags["federation_bar"] in {"met", "missed"}
    assert [own.name for own in first.fine_tuned] == [
        "load_forecast.north-south.north",
        "load_forecast.north-south.south",
    ]
    # Neither what simulation nor what `train --dataset` registers is touched.
    for name in ("load_forecast", "load_forecast.north", "load_forecast.south"):
        assert registry.versions(home, name) == ()


@pytest.mark.slow
def test_judge__every_site__has_all_models_on_the_same_rows(made, home):
    _, of, outcome, first, _ = made
    assert [one.site for one in first.measured] == ["north", "south"]
    for one in first.measured:
        assert one.digest == Dataset.open(home.dataset(one.site)).digest
        assert one.n == outcome.n[one.site] <= of.enrolled[one.site]
        assert one.episodes >= comparison.LEAST_EPISODES
        for metric in ("skill", "wape_1h", "coverage_24h"):
            assert all(
                one.figure(who, metric).value is not None
                for who in (FEDERATED, FINE_TUNED, LOCAL_ONLY, POOLED)
            )
        naive = one.best(NAIVE, "wape_24h")
        assert naive.value == min(one.figure(who, "wape_24h").value for who in NAIVE)
        assert one.figure(FEDERATED, "wape_24h").value < naive.value
        assert one.figure(FEDERATED, "skill").value > 0.0
        assert "boosted_lags" in {figure.who for figure in one.figures}
    row = first.comparison.row
    assert row.federated == pytest.approx(
        np.mean([one.figure(FEDERATED, "skill").value for one in first.measured])
    )
    assert {one.substation for one in first.rows} >= {"training", "north", "south"}
    assert {one.model for one in first.rows} == {"load_forecast.north-south"}


@pytest.mark.slow
def test_report__federation__is_written_for_people_and_programs(made, home):
    first = made[3]
    json_path, markdown_path = observed_report.write(home, first)
    assert json_path.name == "federation-load_forecast.north-south.json"
    assert [site["site"] for site in json.loads(json_path.read_text())["measured"]] == ["north", "south"]
    text = markdown_path.read_text()
    assert "| north | skill ↑ |" in text
    assert "Validation days of south speak " in text
    line = next(line for line in observed_report.table(first) if line[:2] == ["south", "wape_24h ↓"])
    assert len(line) == len(observed_report.COLUMNS)
    assert "–" not in line
    assert line[6].split(" (")[1].rstrip(")") in NAIVE


@pytest.mark.slow
def test_compare__two_global_models_of_a_group__are_judged_on_its_test_days(made, home):
    sites, of, _, first, second = made
    assert second.version.alias == "challenger"
    found = observed_federation.compare(sites, first.version, second.version)
    assert found.model == "load_forecast.north-south"
    assert found.headline.difference == pytest.approx(0.0)
    assert found.headline.episodes == sum(one.episodes for one in first.measured)
    pool = pool_of(of, sites.measured, ("north", "south"), of.plan.definition)
    assert len(pool.split(TEST)) == sum(one.rows for one in first.measured)


@pytest.mark.slow
def test_fitted__hourly_steps__has_slopes_of_the_order_of_one(made):
    form = made[1].plan.fitted(made[2].state).prophet
    assert np.abs(form.regressors / form.scale[:, None]).max() < 100.0


@pytest.mark.slow
def test_site_processes__feeders__answer_from_their_own_rows(job, home):
    sites = choose(job, "load_forecast", ["region"], by_point=True)
    with sites.folders() as folders:
        of = federated(sites, folders, home)
        family, schema = of.plan.family, schema_digest(of.plan.definition)
        state = family.start(of.settings, of.enrolled)
        federation = Federation("test", "load_forecast", family, schema, of.settings, of.enrolled, of.terms)
        asked = {site: federation.envelope(0, "nonce", site) for site in folders}
        with SiteProcesses(specs(of)) as processes:
            answers = processes.exchange(
                {site: encode(seal(family.told(state), envelope)) for site, envelope in asked.items()}
            )
        for site, answer in answers.items():
            update, envelope = unseal(decode(answer))
            assert (envelope.kind, envelope.site) == ("update", site)
            assert update.n == len(of.plan.load(folders[site], START, sites.splits[site].text)["X"])


@pytest.mark.slow
def test_promote__version_of_a_group__needs_a_reason(made, job):
    with pytest.raises(PromotionError, match="was compared when it was made"):
        promotion.promote(job, "load_forecast.north-south")


@pytest.mark.slow
def test_evaluate__version_of_a_group__names_its_report(made, home):
    _, markdown_path = observed_report.write(home, made[3])
    ran = command(home, "evaluate", "load_forecast.north-south")
    assert ran.exit_code == 1
    assert markdown_path.name in ran.output.replace("\n", "")


@pytest.mark.slow
def test_judge__pooling_forbidden__fits_nothing_on_rows_of_two_sites(
    made, pooling_forbidden, monkeypatch, tmp_path
):
    sites, of, outcome, _, _ = made

    def refuse(_):
        raise AssertionError("rows were pooled")

    monkeypatch.setattr("federation.fits.pooled", refuse)
    fitted = of.plan.fitted(outcome.state)
    pool, result = judge(of, sites.measured, outcome, fitted)
    assert all(one.figure(POOLED, "skill") is None for one in result.measured)
    assert result.comparison.row.central is None
    assert "Pooling is forbidden" in observed_report.markdown(result)
    later = register(Global(of, outcome, fitted, pool, "c" * 64, {}), result, tmp_path / "c")
    assert (later.version.alias, later.version.tags["federation_bar"]) == ("champion", "")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--by-point"], 2, "are of datasets"),
        (["--dataset", "north", "--substation", "delhi"], 2, "not federated together"),
        (["--dataset", "north", "--dataset", "coarse"], 1, "steps of load differ"),
        (["--dataset", "nowhere"], 1, "holds no dataset"),
    ],
)
def test_command__what_cannot_be__says_so_before_anything_starts(home, words, code, said):
    ran = command(home, "federation", "run", "load_forecast", *words)
    assert ran.exit_code == code
    assert said in ran.output
