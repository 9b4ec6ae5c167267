"""The flow `federate`: substations train on their own rows, their updates become a global model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import ThreadPoolTaskRunner

from flows import artifacts
from flows.job import Job
from flows.run_lock import run_lock
from flows.simulate import simulate
from flows.stages import data, learning
from flows.train import train
from switchyard.log import get_logger
from switchyard.steps import StepRecord

if TYPE_CHECKING:
    from federation.run import Centre

UNDER_WAY = 3
"""Models at a time: one in its rounds, one compared with others, one between the two."""

_log = get_logger("flows")


@task(name="federate", task_run_name="federate-{name}", cache_policy=NO_CACHE)
def federate_model(
    job: Job, name: str, features: dict[str, StepRecord], trained: StepRecord | None, directed: Centre
) -> StepRecord:
    """Run one model's federation over a process per substation, compare and register it."""
    return learning.federate(job, name, features, trained, directed)


@task(name="federation-report", cache_policy=NO_CACHE)
def report_federation(job: Job, records: list[StepRecord]) -> None:
    """Write reports/federation.json and reports/federation.md, and show them."""
    results = learning.report_federation(job, records)
    artifacts.federation(result.comparison.row for result in results)
    artifacts.report("federation-report", job.home.reports / "federation.md", "Report on the federation")
    artifacts.mlflow_runs(job, records, "mlflow-federation")


@flow(
    name="federate",
    flow_run_name="federate-{profile}",
    task_runner=ThreadPoolTaskRunner(max_workers=UNDER_WAY),
)
def federate(profile: str = "quick", home: str | None = None) -> dict[str, StepRecord]:
    """Federate the profile's models over its training substations.

    Data and pooled models are made first where that is not done.

    Args:
        profile: Size of the campaign: tiny, quick, full, or the path of a YAML file.
        home: Folder for everything that is written. None: the home of `switchyard up`, else
            SWITCHYARD_HOME.

    Returns:
        Record of the stage `federate` of each model; empty with fewer than two training substations.
    """
    job = Job.of(profile, home)
    if len(job.profile.training) < 2:
        _log.warning("no global model: %s is the only training substation", job.profile.training[0])
        return {}
    with run_lock(job.home):
        features = data.finished(job) or simulate(profile, home)
        learning.forget_lost_registry(job)
        trained = learning.finished(job, features) or train(profile, home)
        with learning.centre(job) as directed:
            under_way = {
                name: federate_model.submit(job, name, features, trained[name], directed)
                for name in job.profile.federation.models
            }
            records = {name: future.result() for name, future in under_way.items()}
        report_federation(job, list(records.values()))
    return records
