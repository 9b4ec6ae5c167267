"""The flow `train`: tune, fit, evaluate, compile and register the profile's models."""

from __future__ import annotations

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import ThreadPoolTaskRunner

from flows import artifacts
from flows.job import Job
from flows.run_lock import run_lock
from flows.simulate import simulate
from flows.stages import data, learning
from switchyard.steps import StepRecord


@task(name="train", task_run_name="train-{name}", cache_policy=NO_CACHE)
def train_model(
    job: Job, name: str, features: dict[str, StepRecord], trainers: learning.Trainers
) -> StepRecord:
    """Tune, fit, evaluate, compile and register one model in a training process."""
    return learning.train(job, name, features, trainers)


@task(name="models-report", cache_policy=NO_CACHE)
def report_models(job: Job, records: list[StepRecord]) -> None:
    """Write reports/models.json and reports/models.md, and show them."""
    results = learning.report_models(job, records)
    artifacts.bars(row for result in results for row in result.rows)
    artifacts.report("models", job.home.reports / "models.md", "Report on the models")
    artifacts.mlflow_runs(job, records, "mlflow-training")


@flow(
    name="train",
    flow_run_name="train-{profile}",
    task_runner=ThreadPoolTaskRunner(max_workers=learning.TRAINERS),
)
def train(profile: str = "quick", home: str | None = None) -> dict[str, StepRecord]:
    """Tune, fit, evaluate, compile and register the profile's models; simulates first where that is not done.

    Args:
        profile: Size of the campaign: tiny, quick, full, or the path of a YAML file.
        home: Folder for everything that is written. Empty: SWITCHYARD_HOME.

    Returns:
        Record of the stage `train` of each model.
    """
    job = Job.of(profile, home)
    with run_lock(job.home):
        features = data.finished(job) or simulate(profile, home)
        learning.forget_lost_registry(job)
        with learning.Trainers(job) as trainers:
            training = {
                name: train_model.submit(job, name, features, trainers) for name in job.profile.models
            }
            records = {name: future.result() for name, future in training.items()}
        report_models(job, list(records.values()))
    return records
