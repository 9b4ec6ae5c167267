"""The flow `publish`: a snapshot of the champions for the service."""

from __future__ import annotations

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows import artifacts
from flows.job import Job
from flows.run_lock import run_lock
from flows.stages import serving
from flows.stages.serving import Published


@task(name="publish", cache_policy=NO_CACHE)
def publish_snapshot(job: Job) -> Published:
    """Collect the compiled champions, write the snapshot, let the service take it up."""
    published = serving.publish(job)
    artifacts.snapshot(published)
    return published


@flow(name="publish", flow_run_name="publish-{profile}")
def publish(profile: str = "quick", home: str | None = None) -> Published:
    """Publish the champions of the profile's models; running services take the snapshot up by themselves.

    Args:
        profile: Size of the campaign: tiny, quick, full, or the path of a YAML file.
        home: Folder for everything that is written. None: the home of `switchyard up`, else
            SWITCHYARD_HOME.

    Returns:
        The snapshot, its versions and its routes.
    """
    job = Job.of(profile, home)
    with run_lock(job.home):
        published: Published = publish_snapshot(job)
    return published
