"""The flow `train`: tune, fit, evaluate, compile and register the profile's models, or one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field

from flows import artifacts
from flows.job import Job
from flows.run_lock import run_lock
from flows.simulate import simulate
from flows.stages import data, learning
from flows.stages.lessons import Lesson, challengers, choose
from switchyard.steps import StepRecord


@task(name="train", task_run_name="train-{lesson.label}", cache_policy=NO_CACHE)
def train_model(
    job: Job, lesson: Lesson, features: dict[str, StepRecord], trainers: learning.Trainers
) -> StepRecord:
    """Tune, fit, evaluate, compile and register one model in a training process."""
    return learning.train(job, lesson, features, trainers)


@task(name="models-report", cache_policy=NO_CACHE)
def report_models(job: Job, records: list[StepRecord]) -> None:
    """Write reports/models.json and reports/models.md, and show them."""
    results = learning.report_models(job, records)
    artifacts.bars(row for result in results for row in result.rows)
    artifacts.report("models", job.home.reports / "models.md", "Report on the models")
    artifacts.mlflow_runs(job, records, "mlflow-training")


def _run_name() -> str:
    """`train-<profile>`, with the model and the substation where they were given."""
    given = flow_run.parameters
    named = [str(given[name]) for name in ("model", "substation", "algorithm") if given.get(name)]
    return "-".join(["train", str(given["profile"]), *named])


@flow(
    name="train",
    flow_run_name=_run_name,
    task_runner=ThreadPoolTaskRunner(max_workers=learning.TRAINERS),
)
def train(
    profile: str = "quick",
    home: str | None = None,
    model: str | None = None,
    substation: str | None = None,
    trials: Annotated[int, Field(ge=1)] | None = None,
    *,
    algorithm: str | None = None,
) -> dict[str, StepRecord]:
    """Tune, fit, evaluate, compile and register the profile's models; simulates first where that is not done.

    Args:
        profile: Size of the campaign: tiny, quick, full, or the path of a YAML file.
        home: Folder for everything that is written. None: the home of `switchyard up`, else
            SWITCHYARD_HOME.
        model: The only model to train, by its name, such as voltage_sag. None: all models of the profile.
        substation: The only substation to learn from, such as delhi; registers `<model>.<substation>` and
            leaves the pooled model alone. None: all training substations of the profile together.
        trials: Trials of the search for parameters, in all: more than last time go on where it ended. None:
            what the profile says.
        algorithm: Another algorithm of the model than its first, such as n_beats; what it makes challenges
            the champion. None: the first, and beside all models the challengers that the profile names.

    Returns:
        Record of the stage `train` of each model, by registered name, without the profile's challengers.
    """
    job = Job.of(profile, home)
    lessons = choose(job, model, substation, trials, algorithm or "")
    further = challengers(job) if model is None and substation is None else ()
    with run_lock(job.home):
        features = data.finished(job) or simulate(profile, home)
        learning.forget_lost_registry(job)
        taught = _teach(job, (*lessons, *further), features)
        records = {one.registered: taught[one.label] for one in lessons}
        if not algorithm:
            report_models(job, list(records.values()))
    return records


def _teach(job: Job, lessons: Sequence[Lesson], features: dict[str, StepRecord]) -> dict[str, StepRecord]:
    """Train in two processes; records by label."""
    with learning.Trainers(job, lessons) as trainers:
        training = {}
        for lesson in trainers.turns:
            future = train_model.submit(job, lesson, features, trainers)
            future.add_done_callback(lambda _, done=lesson: trainers.turns.end(done))
            training[lesson.label] = future
        return {label: future.result() for label, future in training.items()}
