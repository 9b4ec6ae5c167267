"""The flow `rollback`: an earlier version is champion again."""

from __future__ import annotations

from typing import Annotated

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from pydantic import Field

from flows import artifacts
from flows.job import Job
from flows.run_lock import run_lock
from flows.stages import promotion
from flows.stages.promotion import Outcome


@task(name="rollback", task_run_name="rollback-{model}", cache_policy=NO_CACHE)
def roll_back_model(job: Job, model: str, to: int | None) -> Outcome:
    """Move the alias, publish."""
    outcome = promotion.rollback(job, model, to)
    artifacts.promotion(outcome)
    if outcome.published is not None:
        artifacts.snapshot(outcome.published)
    return outcome


@flow(name="rollback", flow_run_name="rollback-{profile}-{model}")
def rollback(
    model: str,
    profile: str = "quick",
    home: str | None = None,
    to: Annotated[int, Field(ge=1)] | None = None,
) -> Outcome:
    """Make an earlier version of a model champion again; running services take it up by themselves.

    Args:
        model: Registered name: of a model, as voltage_sag, or of a substation's own, as voltage_sag.delhi.
        profile: Profile whose champions are published: tiny, quick, full, or the path of a YAML file.
        home: Folder for everything that is written. None: the home of `switchyard up`, else
            SWITCHYARD_HOME.
        to: Version to serve again. None: the one that the champion replaced.

    Returns:
        The decision, and the snapshot that was published.
    """
    job = Job.of(profile, home)
    with run_lock(job.home):
        outcome: Outcome = roll_back_model(job, model, to)
    return outcome
