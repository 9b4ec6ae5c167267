"""Federation of measured datasets: each dataset, or each feeder of one, is a site."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from data_contracts.dataset import MANIFEST, Dataset
from flows.job import Job
from flows.run_lock import run_lock
from flows.stages.alliance import terms_of
from flows.stages.contest import contest
from flows.stages.learning import FEDERATION_ROOMS, forget_lost_registry
from flows.stages.spec import Step
from models import observed_training
from models.catalogue import definition
from models.errors import DataError
from models.observed_load import told
from models.time_splits import TimeSplit
from switchyard.errors import UsageError
from switchyard.steps import StepRecord, Work

if TYPE_CHECKING:
    from federation.measured import Measured
    from federation.result import FederationResult
    from federation.terms import Terms
    from models.comparison import Comparison
    from models.promotion import Decision
    from models.registry import RegisteredVersion

MODELS = ("load_forecast",)
"""Models that are federated over measured datasets."""

GROUP = re.compile(r"[a-z0-9][a-z0-9_-]*")
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Sites:
    """One federation of measured datasets.

    Attributes:
        job: The run, with the sites as what trains.
        model: What is learnt.
        name: Name of the group; the global model is registered as `<model>.<name>`.
        datasets: The datasets by name.
        of: Dataset that each site's rows come from, by site.
        splits: Which days of each site train, validate and test.
        by_point: Whether each feeder is a site of its own.
        terms: How many sites are needed, and how their weights become one.
    """

    job: Job
    model: str
    name: str
    datasets: Mapping[str, Dataset]
    of: Mapping[str, str]
    splits: Mapping[str, TimeSplit]
    by_point: bool
    terms: Terms

    @property
    def measured(self) -> Measured:
        """What the federation must know of it."""
        from federation.measured import Measured

        return Measured(self.name, self.splits)

    @property
    def step(self) -> Step:
        """The step that federates."""
        return Step(
            f"federate.{self.job.profile.name}.{self.name}.{self.model}",
            {
                "seed": self.job.profile.seed,
                "splits": {site: split.text for site, split in sorted(self.splits.items())},
                "by_point": self.by_point,
                "pooling": self.job.settings.pooling,
                "aggregation": self.terms.aggregation,
                "quorum": self.terms.least,
            },
            {name: dataset.digest for name, dataset in sorted(self.datasets.items())},
            FEDERATION_ROOMS,
        )

    @contextmanager
    def folders(self) -> Iterator[dict[str, Path]]:
        """Folder of each site's dataset; those of feeders are made for the time being."""
        if not self.by_point:
            yield {site: self.datasets[name].path for site, name in self.of.items()}
            return
        from federation import feeders

        work = self.job.home.root / "tmp" / f"feeders-{self.name}"
        shutil.rmtree(work, ignore_errors=True)
        try:
            found: dict[str, Path] = {}
            for dataset in self.datasets.values():
                table = definition(self.model).tables[0]
                found |= feeders.part(dataset, told(dataset), table, work)
            yield found
        finally:
            shutil.rmtree(work, ignore_errors=True)


def choose(
    job: Job,
    model: str | None,
    datasets: Sequence[str],
    *,
    by_point: bool = False,
    group: str | None = None,
    aggregation: str = "mean",
    quorum: int = 2,
    validation_from: datetime | None = None,
    test_from: datetime | None = None,
) -> Sites:
    """The federation of measured datasets that was asked for.

    Args:
        job: The run.
        model: The model.
        datasets: Names of ingested datasets.
        by_point: Whether each feeder of them is a site of its own, instead of each dataset.
        group: Name of the group of sites; by default made of the datasets' names.
        aggregation: As in `alliance.choose`.
        quorum: Least number of sites that a global model is formed of.
        validation_from: Where validation begins at every site, local time; by default 65 % of each dataset's
            time lie before it.
        test_from: Where the test begins, likewise; by default 80 % lie before it.

    Raises:
        UsageError: No model, or one that is not federated over datasets; or a name that cannot be taken.
        ContractError: There is no such dataset.
        DataError: A dataset was simulated or cannot tell the model's target, or the steps differ.
        TooFewSitesError: Fewer sites take part than are needed.
        FederationError: The terms cannot be held.
    """
    if model is None or model not in MODELS:
        lacking = "a federation of datasets is for one model"
        said = lacking if model is None else f"{model} is not federated over datasets"
        raise UsageError(said, f"name {' or '.join(MODELS)}")
    opened = {one: observed_training.open_observed(job.home, model, one) for one in dict.fromkeys(datasets)}
    table = definition(model).tables[0]
    splits = {
        one: observed_training.split_of(dataset, table, validation_from, test_from)
        for one, dataset in opened.items()
    }
    _same_steps(opened, table)
    of = _sites(opened, table, by_point=by_point)
    terms = terms_of((model,), tuple(of), aggregation, quorum)
    name = _name(job, group, opened, by_point=by_point)
    profile = msgspec.structs.replace(
        job.profile, name=observed_training.PROFILE, training=tuple(of), held_out=()
    )
    return Sites(
        job=replace(job, profile=profile),
        model=model,
        name=name,
        datasets=opened,
        of=of,
        splits={site: splits[one] for site, one in of.items()},
        by_point=by_point,
        terms=terms,
    )


def _same_steps(opened: Mapping[str, Dataset], table: str) -> None:
    """See that all sites measure at one step.

    Raises:
        DataError: They do not.
    """
    steps = {name: told(one).tables[table].step_s for name, one in opened.items()}
    if len(set(steps.values())) > 1:
        said = ", ".join(f"{name} {step:g} s" for name, step in steps.items())
        raise DataError(
            f"the sites' steps of {table} differ: {said}",
            "federate datasets of one step, or average the finer ones to the coarsest and ingest them so",
        )


def _sites(opened: Mapping[str, Dataset], table: str, *, by_point: bool) -> dict[str, str]:
    """Dataset by site."""
    if not by_point:
        return {name: name for name in opened}
    from federation import feeders

    return {site: name for name, one in opened.items() for site in feeders.points(one, table)}


def _name(job: Job, group: str | None, opened: Mapping[str, Dataset], *, by_point: bool) -> str:
    """Name of the group: the one that was given, or the datasets' names joined.

    Raises:
        UsageError: It is none, or that of a dataset or a substation.
    """
    import substations

    words = [one.replace(".", "_") for one in sorted(opened)]
    found = group or "-".join([*words, "feeders"] if by_point else words)
    if not GROUP.fullmatch(found) or len(found) > LONGEST_NAME:
        raise UsageError(
            f"{found!r} cannot name a group of sites",
            f"give one with --name: at most {LONGEST_NAME} lower-case letters, digits, hyphens, underscores",
        )
    if found in substations.names() or (job.home.dataset(found) / MANIFEST).exists():
        raise UsageError(
            f"{found} is the name of a substation or dataset, whose own versions are registered under it",
            "give the group another one with --name",
        )
    return found


def federate(sites: Sites) -> tuple[StepRecord, Decision | None]:
    """Federate a model over measured datasets and register it as `<model>.<name>`; write its report.

    What was federated on the same data on the same terms is not federated again. A later version challenges
    the champion of that name; the rule decides at once.

    Returns:
        The record of the federation, and the decision where there was a champion before.

    Raises:
        TooFewSitesError: Too few sites are left; nothing is registered.
        DataError: A site's dataset has no row of a split.
    """
    from federation import observed_report
    from federation.run import Centre

    job = sites.job

    def work(key: str) -> Work:
        with (
            sites.folders() as folders,
            Centre(
                job.profile, job.home, folders, (), terms=sites.terms, measured=sites.measured
            ) as directed,
        ):
            found = directed.federate(sites.model, step_key=key)
        return Work(outputs=(), result=msgspec.to_builtins(found))

    with run_lock(job.home):
        forget_lost_registry(job)
        record = sites.step.run(job.home, work)
        observed_report.write(job.home, result_of(record))
        made = record.result["version"]
        decision = contest(job.home, made["name"], int(made["version"]), partial(compare, sites))
        return record, decision


def result_of(record: StepRecord) -> FederationResult:
    """What a record of this stage holds."""
    from federation.result import FederationResult

    return msgspec.convert(record.result, FederationResult)


def compare(sites: Sites, champion: RegisteredVersion, challenger: RegisteredVersion) -> Comparison:
    """Two global models on the test days of the sites that formed the challenger."""
    from federation.job import Job as Federated
    from federation.observed import pool_of
    from federation.plans import plan
    from models import comparison

    contributors = tuple(challenger.tags["contributors"].split(","))
    job, measured = sites.job, sites.measured
    with sites.folders() as folders:
        federated = Federated(
            plan(sites.model), job.profile, job.home, folders, {}, {}, sites.terms, measured
        )
        return comparison.compare(
            job.home,
            job.profile,
            {},
            champion,
            challenger,
            rows=lambda declared, _: pool_of(federated, measured, contributors, declared),
        )
