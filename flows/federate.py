"""The flow `federate`: substations train on their own rows, their updates become a global model."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field

from flows import artifacts
from flows.job import Job
from flows.run_lock import run_lock
from flows.simulate import simulate
from flows.stages import data, learning, observed_federation
from flows.stages.alliance import Alliance, choose
from flows.stages.observed_federation import Sites
from flows.train import train
from switchyard.errors import UsageError
from switchyard.steps import StepRecord

if TYPE_CHECKING:
    from federation.run import Centre

UNDER_WAY = 4
"""Models at a time: one in its rounds, two compared with others, one between the two."""


@task(name="federate", task_run_name="federate-{name}", cache_policy=NO_CACHE)
def federate_model(
    alliance: Alliance,
    name: str,
    features: dict[str, StepRecord],
    trained: StepRecord | None,
    directed: Centre,
) -> StepRecord:
    """Run one model's federation over a process per substation, compare and register it."""
    return learning.federate(alliance, name, features, trained, directed)


@task(name="federation-report", cache_policy=NO_CACHE)
def report_federation(job: Job, records: dict[str, StepRecord]) -> None:
    """Write reports/federation.json and reports/federation.md, and show them."""
    results = learning.report_federation(job, records)
    artifacts.federation(result.comparison.row for result in results)
    artifacts.report("federation-report", job.home.reports / "federation.md", "Report on the federation")
    artifacts.mlflow_runs(job, records.values(), "mlflow-federation")


@task(name="federate-datasets", task_run_name="federate-{sites.model}.{sites.name}", cache_policy=NO_CACHE)
def federate_datasets(sites: Sites) -> StepRecord:
    """Run one model's federation over a process per measured dataset or feeder, judge and register it."""
    record, _ = observed_federation.federate(sites)
    result = observed_federation.result_of(record)
    path = sites.job.home.reports / f"federation-{result.model}.md"
    artifacts.report("federation-datasets", path, f"Report on the federation {result.model}")
    artifacts.mlflow_runs(sites.job, [record], "mlflow-federation")
    return record


def _run_name() -> str:
    """`federate-<profile>`, with the model and the substations or datasets where they were given."""
    given = flow_run.parameters
    named = [str(given["model"])] if given.get("model") else []
    sites = [*(given.get("substations") or []), *(given.get("datasets") or [])]
    return "-".join(["federate", str(given["profile"]), *named, *sites])


@flow(
    name="federate",
    flow_run_name=_run_name,
    task_runner=ThreadPoolTaskRunner(max_workers=UNDER_WAY),
)
def federate(
    profile: str = "quick",
    home: str | None = None,
    model: str | None = None,
    substations: list[str] | None = None,
    *,
    aggregation: Literal["mean", "trimmed_mean", "median"] = "mean",
    quorum: Annotated[int, Field(ge=2)] = 2,
    datasets: list[str] | None = None,
    by_point: bool = False,
    group: str | None = None,
    validation_from: datetime | None = None,
    test_from: datetime | None = None,
) -> dict[str, StepRecord]:
    """Federate the profile's models over its training substations, or one model over measured datasets.

    Data and pooled models are made first where that is not done; where substations are left out, no pooled
    model is needed and none is made. Measured datasets must have been ingested.

    Args:
        profile: Size of the campaign: tiny, quick, full, or the path of a YAML file.
        home: Folder for everything that is written. None: the home of `switchyard up`, else
            SWITCHYARD_HOME.
        model: The only model to federate, by its name, such as phase_imbalance. None: those of the profile's
            federation list.
        substations: The training substations that take part; all others are left out. None: all of them.
        aggregation: How the weights of networks become one: mean by rows, or trimmed mean or median of at
            least five substations, which bound what a single one can do.
        quorum: Least number of substations that a global model is formed of; one that is refused or lost is
            left out as long as so many remain.
        datasets: Ingested datasets that are the sites, such as north and south, instead of the profile's
            substations; for the model load_forecast. None: the substations.
        by_point: Whether each feeder of the datasets is a site of its own, instead of each dataset.
        group: Name of the group of datasets: the global model is registered as `<model>.<group>`. None: the
            datasets' names joined.
        validation_from: Where validation begins in every dataset, local time. None: after 65 % of its time.
        test_from: Where the test begins in every dataset, local time. None: after 80 % of its time.

    Returns:
        Record of the stage `federate` of each model, by registered name.

    Raises:
        UsageError: There is no such model or substation, or substations and datasets are both named.
        TooFewSitesError: Fewer sites take part than a global model needs; nothing is registered.
    """
    job = Job.of(profile, home)
    if datasets:
        if substations:
            raise UsageError("substations and datasets are not federated together", "name either")
        sites = observed_federation.choose(
            job,
            model,
            datasets,
            by_point=by_point,
            group=group,
            aggregation=aggregation,
            quorum=quorum,
            validation_from=_plain(validation_from),
            test_from=_plain(test_from),
        )
        return {f"{sites.model}.{sites.name}": federate_datasets(sites)}
    if by_point or group or validation_from or test_from:
        raise UsageError("by_point, group and times are of measured datasets", "name them with datasets")
    alliance = choose(job, model, substations, aggregation, quorum)
    with run_lock(job.home):
        features = data.finished(job) or simulate(profile, home)
        learning.forget_lost_registry(job)
        trained: dict[str, StepRecord] = {}
        if alliance.everyone:
            trained = learning.finished(job, features, model) or train(profile, home, model)
        with learning.centre(alliance) as directed:
            under_way = {
                name: federate_model.submit(alliance, name, features, trained.get(name), directed)
                for name in alliance.models
            }
            records = {name: future.result() for name, future in under_way.items()}
        report_federation(job, records)
    return records


def _plain(time: datetime | None) -> datetime | None:
    """Local time as it was written: a form's widget adds a zone, which is not meant."""
    return None if time is None else time.replace(tzinfo=None)
