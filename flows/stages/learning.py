"""Stages that make models: training on pooled rows, federation over substations, and their reports."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

import msgspec

from flows.job import Job
from flows.stages.spec import Step
from switchyard.children import lifeline_initializer
from switchyard.errors import SwitchyardError
from switchyard.home import Home
from switchyard.log import configure, get_logger
from switchyard.profiles import Profile
from switchyard.steps import StepRecord, Work

if TYPE_CHECKING:
    from federation.result import FederationResult
    from models.training import TrainResult

TRAINING_ROOMS = ("data_contracts", "substations", "features", "models")
FEDERATION_ROOMS = (*TRAINING_ROOMS, "federation")
TRAINERS = 2
LIBRARY_PROCESS = 0
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)

_log = get_logger("flows")


class TrainerLostError(SwitchyardError):
    """A training process was killed."""


class Trainers:
    """Two training processes of one thread each. A context manager.

    They start when the first model is to be trained, and end with the one that started them. Threads of the
    libraries are fixed, because how a sum is split over threads changes its last bits. Networks are all
    trained in the first process, which alone then holds the library that they need; every other model goes to
    the process with less to do.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._processes: list[ProcessPoolExecutor] = []
        self._waiting = [0] * TRAINERS
        self._choosing = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.shutdown(wait=True, cancel_futures=True)

    def run(self, name: str, key: str, *, register: bool) -> dict[str, Any]:
        """Train the model `name` in one of the processes; returns its `TrainResult` as JSON values.

        Raises:
            TrainerLostError: The process was killed.
        """
        job = self._job
        at = self._choose(name)
        try:
            training = self._processes[at].submit(
                _train, name, job.profile, job.home, job.datasets, key, register=register
            )
            return training.result()
        except BrokenProcessPool as error:
            raise TrainerLostError(
                f"training of {name}: its process was killed",
                "look for exhausted memory, then run again: finished trials are kept",
            ) from error
        finally:
            with self._choosing:
                self._waiting[at] -= 1

    def _choose(self, name: str) -> int:
        """Process for the model `name`, which waits for it from now on."""
        from models.catalogue import definition

        with self._choosing:
            if not self._processes:
                told = (self._job.settings.log_level, self._job.home.logs)
                context = get_context("spawn")
                self._processes = [
                    ProcessPoolExecutor(1, context, initializer=_prepare, initargs=told)
                    for _ in range(TRAINERS)
                ]
            # Ties go to the last process: the first is kept for networks as long as that costs nothing.
            least = min(range(TRAINERS), key=lambda one: (self._waiting[one], -one))
            at = LIBRARY_PROCESS if definition(name).library else least
            self._waiting[at] += 1
            return at


def _prepare(level: str, logs: Path) -> None:
    # Before any numeric library is imported in this process.
    os.environ.update(ONE_THREAD)
    lifeline_initializer()
    configure(level, logs, "training")


def _train(
    name: str, profile: Profile, home: Home, datasets: Mapping[str, Path], key: str, *, register: bool
) -> dict[str, Any]:
    from models.training import train

    result: dict[str, Any] = msgspec.to_builtins(train(name, profile, home, datasets, key, register=register))
    return result


def train_step(job: Job, name: str, data: Mapping[str, StepRecord]) -> Step:
    """Step that trains the model `name`."""
    return Step(
        f"train.{job.profile.name}.{name}",
        {"profile": _figures_of(job), "pooling": job.settings.pooling},
        _digests(data),
        TRAINING_ROOMS,
    )


def finished(job: Job, data: Mapping[str, StepRecord]) -> dict[str, StepRecord] | None:
    """Records of the stage `train` of every model of the profile; None where one is not done."""
    found = {name: train_step(job, name, data).record(job.home) for name in job.profile.models}
    done = {name: record for name, record in found.items() if record is not None}
    return done if len(done) == len(found) else None


def train(job: Job, name: str, data: Mapping[str, StepRecord], trainers: Trainers) -> StepRecord:
    """Tune, fit, evaluate, compile and register the model `name`.

    With `SWITCHYARD_POOLING=forbid` the model is an evaluation figure only and is not registered.

    Args:
        job: The run.
        name: Model of the catalogue.
        data: Record of the stage `features` of each substation.
        trainers: Where it is trained.
    """
    register = job.settings.pooling == "allow"

    def work(key: str) -> Work:
        result = trainers.run(name, key, register=register)
        return Work(outputs=_files(job, result), result=result)

    record = train_step(job, name, data).run(job.home, work)
    if record.result["version"] is not None:
        _succeed_unservable(job.home, name, int(record.result["version"]["version"]))
    return record


def _succeed_unservable(home: Home, name: str, version: int) -> None:
    """Make a version champion where the champion was made for other features or another contract.

    Such a champion cannot be compared with its challenger any more, nor can this release serve it.
    """
    from data_contracts.version import CONTRACT_VERSION
    from features import catalogue_digest
    from models import registry

    needed = {"catalogue_digest": catalogue_digest(), "contract_version": str(CONTRACT_VERSION)}
    tags = registry.get(home, name, registry.CHAMPION).tags
    if any(tags.get(tag) != value for tag, value in needed.items()):
        registry.set_alias(home, name, registry.CHAMPION, version)
        _log.warning(
            "%s: version %d is champion, the one before was made for other features or another contract",
            name,
            version,
        )


def federate(job: Job, name: str, data: Mapping[str, StepRecord], trained: StepRecord | None) -> StepRecord:
    """Federate the model `name` over the training substations with the hyper-parameters that tuning found.

    Where pooling is forbidden, the model's defaults are taken: tuning has seen pooled rows.

    Args:
        job: The run.
        name: Model of the catalogue.
        data: Record of the stage `features` of each substation.
        trained: Record of the stage `train` of this model, where there is one.
    """
    pooled = trained is not None and job.settings.pooling == "allow"
    params = dict(trained.result["params"]) if trained is not None and pooled else {}

    def work(key: str) -> Work:
        from federation.run import federate as federate_model

        sites = {substation: job.dataset(substation) for substation in job.profile.training}
        result = msgspec.to_builtins(
            federate_model(
                name, job.profile, job.home, sites, job.profile.held_out, step_key=key, params=params
            )
        )
        return Work(outputs=_files(job, result), result=result)

    step = Step(
        f"federate.{job.profile.name}.{name}",
        {"profile": _figures_of(job), "params": params, "pooling": job.settings.pooling},
        _digests(data),
        FEDERATION_ROOMS,
    )
    return step.run(job.home, work)


def forget_lost_registry(job: Job) -> None:
    """Forget what was trained where the embedded registry that held it is gone."""
    from models.tracking import URI_VARIABLE

    if os.environ.get(URI_VARIABLE) or job.home.mlflow_db.exists():
        return
    for record in job.home.state.glob("*/*.json"):
        if record.parent.name.startswith(("train.", "federate.")):
            _log.warning("%s is gone: %s runs again", job.home.mlflow_db, record.parent.name)
            record.unlink()


def report_models(job: Job, records: Iterable[StepRecord]) -> tuple[TrainResult, ...]:
    """Write `reports/models.json` and `reports/models.md`; returns what the records hold."""
    from models import reports
    from models.training import TrainResult

    results = tuple(msgspec.convert(record.result, TrainResult) for record in records)
    rows = [row for result in results for row in result.rows]
    reports.write(job.home, rows, [result.footprint for result in results])
    return results


def report_federation(job: Job, records: Iterable[StepRecord]) -> tuple[FederationResult, ...]:
    """Write `reports/federation.json` and `reports/federation.md`; returns what the records hold."""
    from federation import report
    from federation.result import FederationResult

    results = tuple(msgspec.convert(record.result, FederationResult) for record in records)
    report.write(job.home, results)
    return results


def _figures_of(job: Job) -> dict[str, Any]:
    """What the training of a profile's models depends on beside the data."""
    profile = job.profile
    return {
        "seed": profile.seed,
        "start": profile.simulation.start.isoformat(),
        "stride_s": profile.features.stride_s,
        "training": list(profile.training),
        "held_out": list(profile.held_out),
        "tuning": msgspec.to_builtins(profile.tuning),
    }


def _digests(data: Mapping[str, StepRecord]) -> dict[str, str]:
    return {substation: record.digest for substation, record in data.items()}


def _files(job: Job, result: Mapping[str, Any]) -> tuple[Path, ...]:
    """Compiled files of a registered version, where the artifact root lies in the home."""
    version = result["version"]
    if version is None:
        return ()
    return tuple(sorted(job.home.artifacts.glob(f"*/models/{version['model_id']}/artifacts/compiled/*")))
