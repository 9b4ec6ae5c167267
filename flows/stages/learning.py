"""Stages that make models: training on pooled rows, federation over substations, and their reports."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

import msgspec

from flows.job import Job
from flows.stages.contest import contest
from flows.stages.lessons import Lesson, choose
from flows.stages.spec import Step
from flows.stages.turns import Turns
from models.catalogue import NAMES
from switchyard.children import lifeline_initializer
from switchyard.errors import SwitchyardError
from switchyard.home import Home
from switchyard.log import configure, get_logger
from switchyard.steps import StepRecord, Work, newest_records

if TYPE_CHECKING:
    from federation.result import FederationResult
    from federation.run import Centre
    from flows.stages.alliance import Alliance
    from models.comparison import Comparison
    from models.registry import RegisteredVersion
    from models.reports import Training
    from models.training import TrainResult

TRAINING_ROOMS = ("data_contracts", "substations", "features", "models")
FEDERATION_ROOMS = (*TRAINING_ROOMS, "federation")
TRAINERS = 2
TRAIN = "train."
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)

_log = get_logger("flows")


class TrainerLostError(SwitchyardError):
    """A training process was killed."""


class Trainers:
    """Two training processes of one thread each. A context manager.

    They start when the first model is to be trained, and end with the one that started them. Threads of the
    libraries are fixed, because how a sum is split over threads changes its last bits.

    Attributes:
        turns: Gives the lessons in the order in which processes are free for them.
    """

    def __init__(self, job: Job, lessons: Sequence[Lesson]) -> None:
        self._job = job
        self.turns = Turns.of(job, lessons, TRAINERS)
        self._processes: list[ProcessPoolExecutor] = []
        self._starting = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.shutdown(wait=True, cancel_futures=True)

    def run(self, lesson: Lesson, key: str, study: str, *, register: bool) -> dict[str, Any]:
        """Train a model in the process whose turn it is; returns its `TrainResult` as JSON values.

        Raises:
            TrainerLostError: The process was killed.
        """
        job = self._job
        with self._starting:
            self._processes = self._processes or [self._process() for _ in range(TRAINERS)]
        at = self.turns.process(lesson)
        try:
            training = self._processes[at].submit(
                _train, lesson, job.home, job.datasets, key, study, register=register
            )
            return training.result()
        except BrokenProcessPool as error:
            # The models after it find a sound one.
            self._processes[at] = self._process()
            raise TrainerLostError(
                f"training of {lesson.registered}: its process was killed",
                "look for exhausted memory, then run again: finished trials are kept",
            ) from error

    def _process(self) -> ProcessPoolExecutor:
        told = (self._job.settings.log_level, self._job.home.logs)
        return ProcessPoolExecutor(1, get_context("spawn"), initializer=_prepare, initargs=told)


def _prepare(level: str, logs: Path) -> None:
    # Before any numeric library is imported in this process.
    os.environ.update(ONE_THREAD)
    lifeline_initializer()
    configure(level, logs, "training")


def _train(
    lesson: Lesson, home: Home, datasets: Mapping[str, Path], key: str, study: str, *, register: bool
) -> dict[str, Any]:
    from flows.resolving import provide
    from models.training import train

    provide()
    found = train(
        lesson.model,
        lesson.profile,
        home,
        datasets,
        key,
        register=register,
        substation=lesson.substation,
        study=study,
        algorithm=lesson.algorithm,
    )
    result: dict[str, Any] = msgspec.to_builtins(found)
    return result


def train_step(job: Job, lesson: Lesson, data: Mapping[str, StepRecord]) -> Step:
    """Step that trains a model: another number of trials is another step."""
    step = study_step(lesson, data)
    parameters = {**step.parameters, "trials": lesson.trials, "pooling": job.settings.pooling}
    # What challenges a model is no part of the report on the models.
    kind = "challenge" if lesson.algorithm else "train"
    return replace(step, name=f"{kind}.{job.profile.name}.{lesson.label}", parameters=parameters)


def study_step(lesson: Lesson, data: Mapping[str, StepRecord]) -> Step:
    """What a search for parameters depends on; the number of its trials does not belong to it."""
    profile = lesson.profile
    return Step(
        f"study.{profile.name}.{lesson.label}",
        {
            "seed": profile.seed,
            "start": profile.simulation.start.isoformat(),
            "stride_s": profile.features.stride_s,
            "training": list(profile.training),
            "held_out": list(profile.held_out),
            "folds": profile.tuning.folds,
            "max_rows": profile.tuning.max_rows,
        },
        {name: data[name].digest for name in profile.substations},
        TRAINING_ROOMS,
    )


def finished(
    job: Job, data: Mapping[str, StepRecord], model: str | None = None
) -> dict[str, StepRecord] | None:
    """Records of the stage `train` of every model of the profile, or of one; None where one is not done."""
    found = {lesson.model: train_step(job, lesson, data).record(job.home) for lesson in choose(job, model)}
    done = {name: record for name, record in found.items() if record is not None}
    return done if len(done) == len(found) else None


def train(job: Job, lesson: Lesson, data: Mapping[str, StepRecord], trainers: Trainers) -> StepRecord:
    """Tune, fit, evaluate, compile and register a model.

    With `SWITCHYARD_POOLING=forbid` a model of several substations is an evaluation figure only and is not
    registered; one that learns from a single substation pools nothing.

    Args:
        job: The run.
        lesson: What to train.
        data: Record of the stage `features` of each substation.
        trainers: Where it is trained.
    """
    register = job.settings.pooling == "allow" or lesson.substation is not None
    study = study_step(lesson, data).key

    def work(key: str) -> Work:
        result = trainers.run(lesson, key, study, register=register)
        return Work(outputs=_files(job, result), result=result)

    record = train_step(job, lesson, data).run(job.home, work)
    if record.result["version"] is not None:
        version = int(record.result["version"]["version"])
        _succeed_unservable(job.home, lesson.registered, version)
        if lesson.algorithm:
            _contest(job, lesson, version)
    return record


def _contest(job: Job, lesson: Lesson, version: int) -> None:
    """Decide between a version by another algorithm and the champion, on days that neither learnt from."""

    def compare(champion: RegisteredVersion, challenger: RegisteredVersion) -> Comparison:
        from models import comparison

        folders = {name: job.dataset(name) for name in lesson.profile.substations}
        return comparison.compare(job.home, lesson.profile, folders, champion, challenger)

    decision = contest(job.home, lesson.registered, version, compare)
    if decision is not None:
        _log.info("%s: %s: %s", lesson.label, decision.decision, decision.reason)


def _succeed_unservable(home: Home, name: str, version: int) -> None:
    """Make a version champion where the champion was made for other features, contract or declaration.

    Such a champion cannot be compared with its challenger any more, nor can this release serve it.
    """
    from models import promotion, registry

    champion = registry.get(home, name, registry.CHAMPION)
    if champion.version != version and any(
        champion.tags.get(tag) != value for tag, value in promotion.needed(name).items()
    ):
        heir = registry.get(home, name, version)
        promotion.succeed(
            home, champion, heir, "the champion before was made for other features or another declaration"
        )


def centre(alliance: Alliance) -> Centre:
    """The control centre of a run's federations; its processes start when they are needed."""
    from federation.run import Centre

    job = alliance.job
    sites = {substation: job.dataset(substation) for substation in job.profile.training}
    return Centre(
        job.profile,
        job.home,
        sites,
        job.profile.held_out,
        terms=alliance.terms,
        provide="flows.resolving:provide",
    )


def federate(
    alliance: Alliance,
    name: str,
    data: Mapping[str, StepRecord],
    trained: StepRecord | None,
    directed: Centre,
) -> StepRecord:
    """Federate the model `name` over an alliance with the hyper-parameters that tuning found.

    Where pooling is forbidden or a substation is left out, the model's defaults are taken: tuning has seen
    pooled rows.

    Args:
        alliance: Who takes part.
        name: Model of the catalogue.
        data: Record of the stage `features` of each substation.
        trained: Record of the stage `train` of this model, where there is one.
        directed: Directs the sites.
    """
    job, terms = alliance.job, alliance.terms
    pooled = alliance.everyone and job.settings.pooling == "allow"
    params = dict(trained.result["params"]) if trained is not None and pooled else {}

    def work(key: str) -> Work:
        result = msgspec.to_builtins(directed.federate(name, step_key=key, params=params))
        return Work(outputs=_files(job, result), result=result)

    step = Step(
        f"federate.{job.profile.name}.{name}",
        {
            "profile": _figures_of(job),
            "params": params,
            "pooling": job.settings.pooling,
            "aggregation": terms.aggregation,
            "quorum": terms.least,
        },
        {substation: data[substation].digest for substation in job.profile.substations},
        FEDERATION_ROOMS,
    )
    return step.run(job.home, work)


def forget_lost_registry(job: Job) -> None:
    """Forget what was trained where the embedded registry that held it is gone."""
    from models import tracking

    if tracking.exists(job.home):
        return
    for record in job.home.state.glob("*/*.json"):
        if record.parent.name.startswith(("train.", "challenge.", "observed.", "federate.")):
            _log.warning("%s is gone: %s runs again", job.home.mlflow_db, record.parent.name)
            record.unlink()


def report_models(job: Job, records: Iterable[StepRecord]) -> tuple[TrainResult, ...]:
    """Write `reports/models.json` and its pages; returns what the records hold.

    What was trained in this home before and is not among the records stays in them, other profiles too.
    """
    from models import reports
    from models.training import TrainResult

    given = list(records)
    every = {record.step: _training(record) for record in (*_trained_before(job), *given)}
    order = {name: place for place, name in enumerate(NAMES)}
    listed = sorted(
        every.values(), key=lambda one: (one.profile, order[one.model.partition(".")[0]], one.model)
    )
    reports.write(job.home, job.profile, listed)
    return tuple(msgspec.convert(record.result, TrainResult) for record in given)


def _training(record: StepRecord) -> Training:
    from models.reports import Training
    from models.training import TrainResult

    result = msgspec.convert(record.result, TrainResult)
    return Training(
        model=result.model,
        profile=record.step.removeprefix(TRAIN).removesuffix(f".{result.model}"),
        finished=record.finished,
        seed=result.seed,
        datasets=result.datasets,
        footprint=result.footprint,
        rows=result.rows,
    )


def _trained_before(job: Job) -> Iterator[StepRecord]:
    """The newest record of every name and profile; what another release recorded otherwise is left out."""
    from models.training import TrainResult

    for record in newest_records(job.home):
        if record.step.startswith(TRAIN):
            try:
                msgspec.convert(record.result, TrainResult)
            except msgspec.ValidationError as error:
                _log.info("%s: recorded in another form, left out of the report (%s)", record.step, error)
            else:
                yield record


def report_federation(job: Job, records: Mapping[str, StepRecord]) -> tuple[FederationResult, ...]:
    """Write `reports/federation.json` and `reports/federation.md`; returns what the records hold.

    Models of the same profile that were federated before and are not among the records stay in them.

    Args:
        job: The run.
        records: Record of the stage `federate` of each model.
    """
    from federation import report
    from federation.result import FederationResult

    results = {name: msgspec.convert(record.result, FederationResult) for name, record in records.items()}
    every = {**_federated_before(job), **results}
    report.write(job.home, [every[name] for name in NAMES if name in every])
    return tuple(results.values())


def _federated_before(job: Job) -> dict[str, FederationResult]:
    """The newest result of each model; what another release recorded otherwise is left out."""
    from federation.result import FederationResult

    start, found = f"federate.{job.profile.name}.", {}
    for record in newest_records(job.home):
        if record.step.startswith(start):
            try:
                found[record.step.removeprefix(start)] = msgspec.convert(record.result, FederationResult)
            except msgspec.ValidationError as error:
                _log.info("%s: recorded in another form, left out of the report (%s)", record.step, error)
    return found


def _figures_of(job: Job) -> dict[str, Any]:
    """What the federation of a profile's models depends on beside the data."""
    profile = job.profile
    return {
        "seed": profile.seed,
        "start": profile.simulation.start.isoformat(),
        "stride_s": profile.features.stride_s,
        "training": list(profile.training),
        "held_out": list(profile.held_out),
        "tuning": msgspec.to_builtins(profile.tuning),
    }


def _files(job: Job, result: Mapping[str, Any]) -> tuple[Path, ...]:
    """Compiled files of a registered version, where the artifact root lies in the home."""
    version = result["version"]
    if version is None:
        return ()
    return tuple(sorted(job.home.artifacts.glob(f"*/models/{version['model_id']}/artifacts/compiled/*")))
