"""The rule, on figures; and real versions compared as they are served, promoted and rolled back."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
import pytest

from flows.job import Job
from flows.service import running_service
from flows.stages import promotion as stages
from models import card, compilation, promotion, registry, tracking, version_tags
from models.catalogue import definition
from models.comparison import LEAST_EPISODES, Comparison, Paired, compare
from models.errors import PromotionError, RegistryError
from models.pool import Pool, load
from models.registry import Package
from models.splits import TEST, TRAIN, VALIDATION, scheme
from models.unseen import Learnt, unseen_by
from switchyard.errors import UsageError
from switchyard.files import read_json
from switchyard.home import Home
from switchyard.settings import get_settings

NAME = "phase_imbalance"
FEW = 60
EXAMPLE = Path(__file__).parents[2] / "examples" / "unbalance.json"


def row(role="slice", kind="sag", champion=0.9, difference=0.0, low=-0.01, high=0.01, episodes=40):
    value = None if difference is None else champion + difference
    return Paired(
        role, "training", kind, "accuracy", "higher", champion, value, difference, low, high, episodes
    )


def compared(*others, **head):
    head = {"difference": 0.02, "low": 0.01, "high": 0.03, **head}
    return Comparison(NAME, "tiny", 1, 2, {}, (row("headline", "all", **head), *others))


@pytest.mark.parametrize(
    ("comparison", "passes", "told"),
    [
        (compared(), True, "is not below zero"),
        (compared(difference=0.0, low=0.0, high=0.0), True, "is not below zero"),
        (compared(difference=0.01, low=-0.001, high=0.02), False, "is below zero in part"),
        (compared(difference=-0.02, low=-0.03, high=-0.01), False, "-0.03 to -0.01, is below zero"),
        (compared(row(difference=-0.08, low=-0.1, high=-0.05)), True, "nothing that can be told"),
        (compared(row(difference=-0.1, low=-0.2, high=-0.05)), False, "accuracy (sag) is worse by 11%"),
        (compared(row("bar", "all", difference=-0.2, low=-0.3, high=-0.1)), False, "worse by 22%"),
        (compared(row("shown", "all", difference=-0.2, low=-0.3, high=-0.1)), True, "is not below zero"),
        (compared(row(champion=0.0, difference=-0.1, low=-0.2, high=-0.1)), False, "worse than zero"),
    ],
)
def test_judge__figures__by_the_rule(comparison, passes, told):
    verdict = promotion.judge(comparison)
    assert verdict.passes is passes
    assert told in verdict.reason


@pytest.mark.parametrize(
    "small",
    [
        row(difference=-0.5, low=-0.9, high=0.1),
        row(difference=-0.5, low=-0.9, high=-0.1, episodes=LEAST_EPISODES - 1),
        row(champion=None, difference=None, low=None, high=None),
    ],
)
def test_judge__slice_that_cannot_tell__is_named_and_does_not_count(small):
    verdict = promotion.judge(compared(small))
    assert verdict.passes
    assert verdict.untold == ("accuracy (sag)",)


@pytest.fixture(scope="module")
def pool(profile, folders):
    return load(definition(NAME), profile, folders)


@pytest.fixture(scope="module")
def home(campaign, tmp_path_factory):
    """A registry of its own over the campaign's datasets."""
    made = Home(tmp_path_factory.mktemp("promotion"))
    made.data.symlink_to(campaign.data)
    return made


@pytest.fixture(scope="module")
def make(home, pool, tmp_path_factory):
    """Registers a version that is fitted on all training rows, or on a few only."""

    def made(registered, key, rows=None, **tags):
        declared = definition(NAME)
        train = pool.split(TRAIN)
        train = train if rows is None else train.select(np.arange(0, len(train), len(train) // rows))
        fitted = declared.calibrate(declared.fit(train, declared.defaults, 0), pool.split(VALIDATION))
        compiled = tmp_path_factory.mktemp("compiled")
        compilation.compile_into(declared, fitted, pool.split(TEST), compiled)
        key = registered + key
        tags = {**version_tags.made_from(declared, pool, key), "trained_by": "pooled", "bar": "met", **tags}
        store = tracking.connect(home)
        run_id = tracking.parent_run(store, NAME, key, "train", tags)
        tracking.log_datasets(store, run_id, pool.digests, "training")
        package = Package(
            declared, fitted, compiled, pool.split(TEST), {}, card.write(declared, (), tags, {})
        )
        return registry.register(home, package, registered=registered, run_id=run_id, tags=tags)

    return made


@pytest.fixture(scope="module")
def job(home, profile):
    return Job(home, msgspec.structs.replace(profile, models=(NAME,)), get_settings())


def lines(home):
    return [json.loads(line) for line in (home.reports / promotion.FILE).read_text().splitlines()]


@pytest.mark.timeout(600)
def test_promote__better_challenger__is_published_swapped_in_by_a_running_service_and_rolled_back(
    home, job, make, pool
):
    make(NAME, "few", FEW)
    with pytest.raises(PromotionError, match=f"{NAME} has no challenger beside champion 1"):
        stages.promote(job, NAME)
    make(NAME, "all")
    request = read_json(EXAMPLE)

    tried = stages.promote(job, NAME, dry_run=True)
    assert (tried.decision.decision, tried.published) == ("promoted", None)
    assert registry.get(home, NAME, "champion").version == 1
    assert not (home.reports / promotion.FILE).exists()

    from flows.stages import serving

    serving.publish(job)
    with running_service(home) as service:
        client = service.wait_ready()

        def answering():
            answer = client.infer(request, models=[NAME])
            item = answer["items"][0] if "items" in answer else answer
            return item["monitoring"][NAME]["model_version"]

        def answers_with(version):
            service.child.wait_ready(lambda: answering() == f"{NAME}:{version}", timeout_s=60.0)

        assert answering() == f"{NAME}:1"
        outcome = stages.promote(job, NAME)
        assert outcome.decision.decision == "promoted"
        assert outcome.published.versions == {NAME: "2"}
        answers_with(2)
        assert stages.rollback(job, NAME).published.versions == {NAME: "1"}
        answers_with(1)

    head = outcome.decision.comparison.headline
    assert head.low > 0.0
    champion = registry.get(home, NAME, "champion")
    assert champion.version == 1
    promoted = registry.get(home, NAME, 2)
    assert promoted.alias == ""
    assert promoted.tags["promotion"] == "rolled_back"
    assert {"promoted_at", "promotion_reason", "rolled_back_at"} <= set(promoted.tags)
    assert (promoted.tags["compared_with"], promoted.tags["replaced"]) == ("1", "1")
    assert float(promoted.tags["paired_difference"]) == pytest.approx(head.difference, rel=1e-6)
    assert float(promoted.tags["paired_low"]) <= head.difference <= float(promoted.tags["paired_high"])
    told = [(line["decision"], line["champion_before"], line["champion_after"]) for line in lines(home)]
    assert told == [("promoted", 1, 2), ("rolled_back", 2, 1)]
    with pytest.raises(PromotionError, match=r"champion 1 has replaced no other version.*--to"):
        stages.rollback(job, NAME)
    assert stages.rollback(job, NAME, 2).decision.champion_after == 2


def test_promote__worse_challenger__is_refused_and_with_a_reason_forced(home, job, make):
    registered = f"{NAME}.delhi"
    make(NAME, "few", FEW)
    make(registered, "all", contributors="delhi", substation="delhi")
    make(registered, "few", FEW, contributors="delhi", substation="delhi")
    outcome = stages.promote(job, registered)
    assert outcome.decision.decision == "refused"
    assert "is below zero" in outcome.decision.reason
    assert outcome.published is None
    challenger = registry.get(home, registered, "challenger")
    assert (challenger.version, challenger.tags["promotion"]) == (2, "refused")
    assert "promoted_at" not in challenger.tags
    assert registry.get(home, registered, "champion").version == 1

    forced = stages.promote(job, registered, force="new meters")
    assert forced.decision.decision == "forced"
    assert forced.decision.reason.startswith("forced: new meters (the rule: ")
    champion = registry.get(home, registered, "champion")
    assert (champion.version, champion.tags["replaced"]) == (2, "1")
    assert [line["decision"] for line in lines(home) if line["model"] == registered] == ["refused", "forced"]
    # A site's own version is not routed: the pooled model answers there.
    assert forced.published.versions.keys() == {NAME}


def test_compare__the_same_version_twice__differs_by_nothing_and_has_the_reports_figure(
    home, job, make, pool
):
    registered = f"{NAME}.mumbai"
    one = make(registered, "one", contributors="mumbai", substation="mumbai")
    other = make(registered, "other", contributors="mumbai", substation="mumbai")
    found = compare(home, job.profile, job.datasets, one, other)
    assert {(line.difference, line.low, line.high) for line in found.rows if line.difference is not None} == {
        (0.0, 0.0, 0.0)
    }
    declared = definition(NAME)
    fitted = declared.fit(pool.split(TRAIN), declared.defaults, 0)
    fitted = declared.calibrate(fitted, pool.split(VALIDATION))
    tested = pool.split(TEST)
    tested = tested.select(tested.substation.array() == "mumbai")
    metric = declared.metric(declared.headline)
    assert found.headline.metric == declared.headline
    assert found.headline.episodes == np.unique(tested.episode.codes).size
    assert found.headline.champion == pytest.approx(metric.of(declared.answer(fitted, tested), tested))
    assert {line.role for line in found.rows} >= {"headline", "slice"}
    assert promotion.judge(found).passes


def test_promote__version_for_other_features__is_refused_before_anything_is_compared(home, job, make):
    registered = f"{NAME}.chennai"
    make(registered, "one")
    make(registered, "old", catalogue_digest="0" * 64)
    with pytest.raises(PromotionError, match=r"version 2 cannot be served.*catalogue_digest"):
        stages.promote(job, registered)
    with pytest.raises(PromotionError, match="cannot be served"):
        promotion.earlier(home, registered, 2)


@pytest.mark.parametrize(
    ("asked", "error", "told"),
    [
        (("phase_unbalance",), UsageError, "there is no model 'phase_unbalance'.*phase_imbalance"),
        (("voltage_anomaly",), RegistryError, "voltage_anomaly has no version.*train it first"),
        ((NAME, 9), RegistryError, "has no version 9.*it has 1, 2"),
    ],
)
def test_pair_and_earlier__what_is_not_there__is_told(home, make, asked, error, told):
    make(NAME, "few", FEW)
    make(NAME, "all")
    for find in (promotion.pair, promotion.earlier):
        with pytest.raises(error, match=told):
            find(home, *asked)


def test_pair_and_earlier__the_champion_itself__is_told(home, make):
    make(NAME, "few", FEW)
    champion = registry.get(home, NAME, "champion")
    for find in (promotion.pair, promotion.earlier):
        with pytest.raises(PromotionError, match="is champion already"):
            find(home, NAME, champion.version)


def test_pair__name_without_champion__is_told(home, make):
    registered = f"{NAME}.bangalore"
    make(registered, "one")
    tracking.connect(home).client.delete_registered_model_alias(registered, "champion")
    with pytest.raises(RegistryError, match=f"{registered} has no champion"):
        promotion.pair(home, registered, 1)


def learnt(pool, contributors=("mumbai", "delhi"), digests=None, split=None):
    digests = pool.digests if digests is None else digests
    shortened = {name: digest[: tracking.DIGEST_LIMIT] for name, digest in digests.items()}
    return Learnt(1, frozenset(contributors), shortened, pool.scheme if split is None else split)


def test_unseen__same_datasets__are_the_test_rows(pool, profile):
    for split in (pool.scheme, ""):
        found = unseen_by((learnt(pool, split=split),), pool, profile)
        assert len(found.training) == len(pool.split(TEST))
        assert found.notes == ()


def test_unseen__another_dataset__leaves_days_that_were_test_days_there_too(pool, profile):
    elsewhere = dict.fromkeys(pool.digests, "0" * 64)
    same_days = unseen_by((learnt(pool, digests=elsewhere),), pool, profile)
    assert len(same_days.training) == len(pool.split(TEST))
    assert any("learnt from another dataset of mumbai" in note for note in same_days.notes)
    shifted = scheme(date(2024, 12, 31))
    fewer = unseen_by((learnt(pool, digests=elsewhere, split=shifted),), pool, profile)
    assert 0 < len(fewer.training) < len(pool.split(TEST))
    for split in ("", "7+1 of 10 days from 2025-01-01"):
        none = unseen_by((learnt(pool, digests=elsewhere, split=split),), pool, profile)
        assert len(none.training) == 0
        assert any("none of its episodes counts" in note for note in none.notes)


def test_unseen__substation_that_did_not_contribute__counts_whole(pool, profile):
    apart = msgspec.structs.replace(profile, training=("mumbai",), held_out=("delhi",))
    delhi = pool.training.substation.array() == "delhi"
    parted = Pool(pool.training.select(~delhi), pool.training.select(delhi), 0, pool.digests, {}, pool.scheme)
    found = unseen_by((learnt(pool, contributors=("mumbai",)),), parted, apart)
    assert len(found.held_out) == int(delhi.sum())
    both = unseen_by((learnt(pool, contributors=("mumbai",)), learnt(pool)), parted, apart)
    assert len(both.held_out) == int((pool.training.split[delhi] == TEST).sum())


def test_compare__too_few_unseen_episodes__says_how_many_are_left(home, job, make):
    registered = f"{NAME}.mumbai"
    one = make(registered, "one", contributors="mumbai", substation="mumbai")
    other = make(
        registered, "odd", contributors="mumbai", substation="mumbai", split="7+1 of 10 days from 2025-01-01"
    )
    with pytest.raises(PromotionError, match=r"0 test episodes of mumbai are left.*8 are.*another rule"):
        compare(home, job.profile, job.datasets, one, other)
