"""The flow `promote`: a challenger against the champion, on episodes that neither has learnt from."""

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


@task(name="promote", task_run_name="promote-{model}", cache_policy=NO_CACHE)
def promote_model(job: Job, model: str, version: int | None, dry_run: bool, force: str) -> Outcome:
    """Compare, decide, publish."""
    outcome = promotion.promote(job, model, version, dry_run=dry_run, force=force)
    artifacts.promotion(outcome)
    if outcome.published is not None:
        artifacts.snapshot(outcome.published)
    return outcome


@flow(name="promote", flow_run_name="promote-{profile}-{model}")
def promote(
    model: str,
    profile: str = "quick",
    home: str | None = None,
    *,
    version: Annotated[int, Field(ge=1)] | None = None,
    dry_run: bool = False,
    force: str = "",
) -> Outcome:
    """Make a model's challenger champion where the rule allows it; running services take it up by themselves.

    Args:
        model: Registered name: of a model, as voltage_sag, or of a substation's own, as voltage_sag.delhi.
        profile: Profile on whose datasets the two versions are compared: tiny, quick, full, or the path of a
            YAML file.
        home: Folder for everything that is written. None: the home of `switchyard up`, else
            SWITCHYARD_HOME.
        version: Version that wants the champion's place. None: the one with the alias challenger.
        dry_run: Only tell what would be decided; no tag, no alias and no snapshot changes.
        force: Why it becomes champion whatever the rule says. Empty: the rule decides.

    Returns:
        The decision with its figures, and the snapshot that was published.
    """
    job = Job.of(profile, home)
    with run_lock(job.home):
        outcome: Outcome = promote_model(job, model, version, dry_run, force)
    return outcome
