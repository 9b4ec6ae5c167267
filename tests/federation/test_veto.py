"""The control centre judges global models on rows of its own, and refuses a site that explains a bad one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import substations
from benchmarks.federation_attacks.campaign import Campaign
from benchmarks.federation_attacks.damage import PoisonedSites
from benchmarks.federation_attacks.poisons import POISONS, Poison, with_wrong_targets
from data_contracts.dataset import Dataset
from federation import own_rows, report
from federation.assessment import assess, load
from federation.family import LocalData
from federation.inventory import inventory
from federation.job import Job
from federation.judgement import HELD, PASSED, REFUSED, UNJUDGED, Judgement
from federation.ledger import Ledger, records, verify
from federation.message import State
from federation.own_rows import OwnRows
from federation.plans import plan
from federation.registration import Global, find, register
from federation.rounds import Federation, Outcome, federate_rounds
from federation.terms import Terms
from federation.veto import Settled, settle
from models import registry
from models.dataset import build
from models.rows import Rows
from models.splits import TEST
from simulation.tables.customers import write_customers
from switchyard.home import Home
from switchyard.profiles import Profile, load_profile

MODEL, SITES = "demand_response", ("mumbai", "delhi", "bangalore")


@dataclass(frozen=True)
class Watched:
    """A federation in this process whose control centre has rows of its own; counts what it costs."""

    campaign: Campaign
    job: Job
    ledger: Ledger

    @property
    def own(self) -> OwnRows:
        assert isinstance(self.campaign.own, OwnRows)
        return self.campaign.own

    def settled(self, poison: Poison | None = None, judge: Any = None, **changes: Any) -> Settled:
        """What comes of it with delhi poisoned."""
        sites = PoisonedSites(self.campaign, "delhi", poison)
        federation = replace(self.campaign.federation, **changes)

        def run(asked: Federation) -> Outcome:
            return federate_rounds(asked, sites, self.ledger)

        return settle(federation, run, judge or self.own, self.ledger)

    def beside(self, champion: State) -> OwnRows:
        """A judge that has the answers of a champion."""
        answer = self.job.plan.definition.answer(self.job.plan.fitted(champion), self.own.rows)
        figures = own_rows.all_figures(self.job.plan)
        return replace(self.own, references={"champion version 1": answer}, metrics=figures)

    def plain(self, *, without: str = "") -> Outcome:
        """The same with honest sites, and nothing judged."""
        campaign = self.campaign.without(without) if without else self.campaign
        ledger = Ledger(self.ledger.path.with_name("plain.jsonl"))
        return federate_rounds(campaign.federation, PoisonedSites(campaign, "delhi", None), ledger)


@pytest.fixture(scope="module")
def stations(tmp_path_factory: pytest.TempPathFactory) -> tuple[Profile, Home]:
    """Customers of three substations that learn and of one that is held out."""
    small = load_profile("tiny")
    profile = msgspec.structs.replace(
        small,
        training=SITES,
        held_out=("chennai",),
        simulation=msgspec.structs.replace(small.simulation, customers=800),
    )
    home = Home(tmp_path_factory.mktemp("stations") / "home")
    for name in profile.substations:
        folder = home.dataset(profile.dataset(name))
        (folder / "customers").mkdir(parents=True)
        write_customers(folder / "customers" / "customers-00000.parquet", substations.read(name), profile)
        Dataset.write_manifest(
            folder, substation=name, profile=profile.name, seed=profile.seed, circuit_digest="c" * 64
        )
    return profile, home


@pytest.fixture
def watched(stations: tuple[Profile, Home], tmp_path: Path) -> Watched:
    profile, home = stations
    folders = {name: home.dataset(profile.dataset(name)) for name in profile.substations}
    sites = {name: folders[name] for name in SITES}
    # A home without a registry: there is no champion, the rule of thumb is the reference.
    job = Job(plan(MODEL), profile, Home(tmp_path / "home"), sites, {"chennai": folders["chennai"]}, {})
    rows = {site: labelled(job, folder) for site, folder in sites.items()}
    federation = Federation("watched", MODEL, job.plan.family, "s" * 64, job.settings, job.enrolled)
    attacked = Campaign(
        job.plan,
        federation,
        {site: job.plan.local_data(own) for site, own in rows.items()},
        {site: own.select(own.split == TEST) for site, own in rows.items()},
        OwnRows.of(job),
    )
    return Watched(attacked, job, Ledger(tmp_path / "ledger.jsonl"))


@pytest.fixture
def held_out(watched: Watched) -> Rows:
    return labelled(watched.job, watched.job.held_out["chennai"])


def labelled(job: Job, folder: Path) -> Rows:
    return build(Dataset.open(folder), job.plan.definition, job.profile.simulation.start).rows


def same(one: State, other: State) -> bool:
    return all(np.array_equal(one.arrays[name], other.arrays[name]) for name in other.arrays)


def test_own_rows__held_out_rows__are_whole_episodes_without_a_test_day(held_out):
    rows, mine = held_out, own_rows.own_rows(held_out)
    assert 0 < mine.sum() <= own_rows.SHARE * len(rows)
    assert not (rows.split[mine] == TEST).any()
    assert not set(rows.episode.codes[mine]) & set(rows.episode.codes[~mine])
    assert np.array_equal(mine, own_rows.own_rows(rows))
    # What judged a model does not report on it.
    assert np.array_equal(own_rows.reported(rows).X, rows.X[~mine])


def test_own_rows__few_episodes__are_left_to_the_report(held_out):
    assert not own_rows.own_rows(held_out.select(np.arange(12))).any()


def test_settle__honest_sites__passes_and_changes_nothing(watched):
    settled, plain = watched.settled(), watched.plain()
    assert [one.verdict for one in settled.judgements] == [PASSED]
    assert settled.outcome.refused == {}
    assert same(settled.outcome.state, plain.state)
    assert (settled.outcome.rounds, settled.outcome.n) == (plain.rounds, plain.n)
    judged = settled.judgements[0]
    assert judged.rows == len(watched.own.rows)
    assert judged.figures[0].reference == "the rule load_factor_quantiles"
    assert judged.figures[0].row.low > 0.0
    found = records(watched.ledger.path)
    # One record more, and not one round.
    assert len(found) == len(records(watched.ledger.path.with_name("plain.jsonl"))) + 1
    assert found[-1]["phase"] == "veto"
    assert found[-1]["judgement"]["verdict"] == PASSED
    assert settled.outcome.ledger_head == found[-1]["digest"]


def test_settle__same_rows_again__says_the_same(watched):
    assert watched.settled().judgements == watched.settled().judgements


def test_settle__signs_turned_within_the_gate__refuses_the_site_that_sent_them(watched):
    settled = watched.settled(POISONS["turned_fields"])
    assert [one.verdict for one in settled.judgements] == [REFUSED, PASSED]
    first = settled.judgements[0]
    assert first.site == "delhi"
    assert set(first.without) == set(SITES)
    assert set(settled.outcome.refused) == {"delhi"}
    assert settled.outcome.refused["delhi"].startswith("veto: ")
    # The global model holds nothing of it: it is the one of the others.
    assert same(settled.outcome.state, watched.plain(without="delhi").state)
    verify(watched.ledger.path)
    judged = [record for record in records(watched.ledger.path) if record["phase"] == "veto"]
    assert [record["judgement"]["verdict"] for record in judged] == [REFUSED, PASSED]
    assert judged[0]["sites"]["delhi"]["verdict"] == settled.outcome.refused["delhi"]
    assert inventory(records(watched.ledger.path))
    told = {record["federation"] for record in records(watched.ledger.path)}
    assert told == {"watched", *(f"watched.without.{site}" for site in SITES)}


def test_settle__moments_scaled_within_the_gate__are_refused_beside_a_champion(watched):
    poisoned = watched.settled(POISONS["knowing"])
    # Spoiled, but not below the rule of thumb: that is all that stands beside a first version.
    assert [one.verdict for one in poisoned.judgements] == [PASSED]
    settled = watched.settled(POISONS["knowing"], watched.beside(watched.plain().state))
    assert [one.verdict for one in settled.judgements] == [REFUSED, PASSED]
    assert set(settled.outcome.refused) == {"delhi"}
    before, after = (watched.campaign.figure(one.outcome.state) for one in (poisoned, settled))
    assert before is not None
    assert after is not None
    assert after - before > 0.05


def larger_half(data: LocalData) -> LocalData:
    """Honest rows of an odd station: customers of one half of the first figure only, and fewer of them."""
    kept = data["X"][:, 0] > np.median(data["X"][:, 0])
    return {name: rows[kept] for name, rows in data.items()}


def few_and_even(data: LocalData) -> LocalData:
    """The same of another: every fourth of the customers whose load is most even."""
    kept = np.argsort(data["X"][:, 1])[-len(data["X"]) // 2 :: 4]
    return {name: rows[kept] for name, rows in data.items()}


@pytest.mark.parametrize("odd", [larger_half, few_and_even])
def test_settle__honest_odd_station__is_not_refused(watched, odd: Callable[[LocalData], LocalData]):
    data = {**watched.campaign.data, "delhi": odd(watched.campaign.data["delhi"])}
    settled = replace(watched, campaign=replace(watched.campaign, data=data)).settled(
        None, watched.beside(watched.plain().state)
    )
    assert settled.outcome.refused == {}
    assert [one.verdict for one in settled.judgements] == [PASSED]


def test_settle__too_few_sites_to_leave_one_out__holds_the_model_back(watched):
    settled = watched.settled(POISONS["turned_fields"], terms=Terms(quorum=3))
    assert [one.verdict for one in settled.judgements] == [HELD]
    assert settled.outcome.refused == {}
    assert "no model could be formed without one of its sites" in settled.judgements[0].reason


def test_settle__all_sites_alike_and_worse_than_the_champion__refuses_none(watched):
    # At every site the share that moves was dealt out anew: none is to blame more than another.
    data = {site: with_wrong_targets(rows) for site, rows in watched.campaign.data.items()}
    wrong = replace(watched, campaign=replace(watched.campaign, data=data))
    settled = wrong.settled(None, watched.beside(watched.plain().state))
    assert [one.verdict for one in settled.judgements] == [HELD]
    assert settled.outcome.refused == {}
    assert set(settled.outcome.n) == set(SITES)


def test_of__no_held_out_substation__says_why_nothing_is_judged(watched):
    assert "no substation is held out" in str(OwnRows.of(replace(watched.job, held_out={})))
    judged = own_rows.weigh(replace(watched.job, held_out={}), State({}), ("delhi",))
    assert judged.verdict == UNJUDGED


@pytest.mark.slow
def test_register__held_version__never_becomes_champion_by_itself(watched, tmp_path, pooling_forbidden):
    job, outcome = watched.job, watched.plain()
    fitted, pool = job.plan.fitted(outcome.state), load(job, tuple(sorted(outcome.n)))
    figures = assess(job, outcome, pool, fitted)

    def registered(key: str, *judgements: Judgement) -> Any:
        made = Global(job, outcome, fitted, pool, key, {})
        return register(made, msgspec.structs.replace(figures, judgements=judgements), tmp_path / key)

    held = registered("a" * 64, Judgement(HELD, "it is worse"))
    assert held.version.alias == ""
    assert (held.version.tags["veto"], held.version.tags["veto_reason"]) == (HELD, "it is worse")
    assert find(job.home, MODEL, "a" * 64).version.alias == ""
    assert find(job.home, MODEL, "a" * 64).held
    told = report.markdown([held])
    assert "**Veto**: this version is held back" in told
    assert registered("b" * 64, Judgement(PASSED, "it is not worse")).version.alias == "champion"
    later = registered("c" * 64, Judgement(HELD, "it is worse"))
    assert later.version.alias == "challenger"
    # With a champion in the home, that is what a global model stands beside.
    own = OwnRows.of(job)
    assert isinstance(own, OwnRows)
    assert list(own.references) == ["champion version 2"]
    assert registry.get(job.home, MODEL, "champion").version == 2
    same_again = own.weigh(outcome.state, tuple(sorted(outcome.n)))
    assert same_again.verdict == PASSED
    assert same_again.figures[0].row.difference == pytest.approx(0.0, abs=1e-9)
