"""The flow `pipeline`: the whole job, from descriptions to answered requests."""

from __future__ import annotations

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from federation.terms import LEAST_SITES
from flows import artifacts
from flows.answers import Answered
from flows.federate import federate
from flows.job import Job
from flows.publish import publish
from flows.run_lock import run_lock
from flows.simulate import simulate
from flows.stages import serving
from flows.summary import Summary
from flows.train import train
from switchyard.log import get_logger
from switchyard.steps import StepRecord

_log = get_logger("flows")


@task(name="answer", cache_policy=NO_CACHE)
def answer_episodes(job: Job) -> tuple[Answered, ...]:
    """Start the service, post held-out episodes to it, set the answers beside the truth, stop it."""
    answered = serving.answer(job)
    artifacts.answers(answered)
    artifacts.report("answers-report", job.home.reports / "answers.md", "Answered requests")
    return answered


def _federated(job: Job, profile: str, home: str | None) -> dict[str, StepRecord]:
    """Federated models; none where a single substation trains, which is no failure of the whole job."""
    if len(job.profile.training) < LEAST_SITES:
        _log.warning("no global model: %s is the only training substation", job.profile.training[0])
        return {}
    records: dict[str, StepRecord] = federate(profile, home)
    return records


@flow(name="pipeline", flow_run_name="pipeline-{profile}")
def pipeline(profile: str = "quick", home: str | None = None) -> Summary:
    """Simulate, contract, features, tune and train, federate, publish, serve, answer requests.

    Finished steps are skipped, a killed run goes on where it was.

    Args:
        profile: Size of the campaign: tiny, quick, full, or the path of a YAML file.
        home: Folder for everything that is written. None: the home of `switchyard up`, else
            SWITCHYARD_HOME.

    Returns:
        What came out, for people.
    """
    job = Job.of(profile, home)
    with run_lock(job.home):
        simulate(profile, home)
        trained = train(profile, home)
        federated = _federated(job, profile, home)
        published = publish(profile, home)
        answered = answer_episodes(job)
    return Summary.of(job, trained, federated, published, answered)
