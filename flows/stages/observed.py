"""Stages on measured tables: training on a dataset, who is champion, and what a version is worth on one."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from data_contracts.dataset import MANIFEST, Dataset
from flows.job import Job
from flows.run_lock import run_lock
from flows.stages.contest import contest
from flows.stages.learning import TRAINING_ROOMS, forget_lost_registry
from flows.stages.spec import Step
from models import observed_training
from models.catalogue import definition
from models.errors import PromotionError
from models.time_splits import TimeSplit
from switchyard.errors import UsageError
from switchyard.steps import StepRecord, Work

if TYPE_CHECKING:
    from models.comparison import Comparison
    from models.observed_training import DatasetReport
    from models.promotion import Decision
    from models.registry import RegisteredVersion

COLUMNS = ["forecast", "metric", "figure", "95 %", "model ahead by", "95 %"]


def train(
    job: Job,
    model: str,
    name: str,
    *,
    algorithm: str = "",
    trials: int | None = None,
    validation_from: datetime | None = None,
    test_from: datetime | None = None,
) -> tuple[StepRecord, Decision | None]:
    """Train a model on a dataset of measured tables and register it as `<model>.<dataset>`.

    What was trained on the same data with the same settings is not trained again. A later version challenges
    the champion of that name; the rule decides at once.

    Args:
        job: The run.
        model: Name of the model.
        name: The dataset's name.
        algorithm: Another algorithm of the model than its first; by default the first one for which the
            dataset has what it reads.
        trials: Finished trials of the search for parameters; what the profile says by default.
        validation_from: Where validation begins, local time; by default 65 % of the time lie before it.
        test_from: Where the test begins, local time; by default 80 % of the time lie before it.

    Returns:
        The record of the training, and the decision where there was a champion before.

    Raises:
        UsageError: There is no such model, or the number of trials is not known.
        ContractError: There is no such dataset.
        DataError: The model cannot learn from it.
    """
    dataset = observed_training.open_observed(job.home, model, name, algorithm)
    algorithm = observed_training.suited(dataset, model, algorithm)
    declared = definition(model, algorithm)
    split = observed_training.split_of(dataset, declared.tables[0], validation_from, test_from)
    wanted = job.profile.tuning.trials.get(model) if trials is None else trials
    if wanted is None:
        raise UsageError(
            f"profile {job.profile.name} does not say how many trials {model} gets", "give them with --trials"
        )
    tuning = msgspec.structs.replace(job.profile.tuning, trials={**job.profile.tuning.trials, model: wanted})
    profile = observed_training.profile_of(msgspec.structs.replace(job.profile, tuning=tuning), name)
    study = Step(
        f"observed-study.{name}.{model}",
        {
            "seed": profile.seed,
            "folds": tuning.folds,
            "max_rows": tuning.max_rows,
            "split": split.text,
            "algorithm": algorithm,
        },
        {name: dataset.digest},
        TRAINING_ROOMS,
    )
    step = Step(f"observed.{name}.{model}", {**study.parameters, "trials": wanted}, study.inputs, study.rooms)

    def work(key: str) -> Work:
        result = observed_training.train(
            model, dataset, profile, job.home, step_key=key, split=split, algorithm=algorithm, study=study.key
        )
        return Work(outputs=(), result=msgspec.to_builtins(result))

    with run_lock(job.home):
        forget_lost_registry(job)
        record = step.run(job.home, work)
        made = record.result["version"]
        return record, contest(job.home, made["name"], int(made["version"]), partial(compare, job, name))


def learnt_from(job: Job, name: str) -> bool:
    """Whether `name` is a dataset of measured tables rather than a substation of the profile."""
    if not name or name in job.profile.substations or not (job.home.dataset(name) / MANIFEST).exists():
        return False
    return Dataset.open(job.home.dataset(name)).manifest.observed is not None


def compare(job: Job, name: str, champion: RegisteredVersion, challenger: RegisteredVersion) -> Comparison:
    """Two versions of `<model>.<dataset>` on the test days of the challenger's split.

    Args:
        job: The run.
        name: The dataset's name.
        champion: The champion.
        challenger: The version that wants its place.

    Raises:
        ContractError: The dataset is not there any more.
        PromotionError: The two cannot be compared, such as after another split.
    """
    from models import comparison

    model = challenger.name.partition(".")[0]
    dataset = observed_training.open_observed(job.home, model, name)
    split = TimeSplit.read(challenger.tags.get("split", ""))
    if split is None:
        raise PromotionError(
            f"{challenger.name} version {challenger.version} was not split by time", "train it again"
        )
    return comparison.compare(
        job.home,
        observed_training.profile_of(job.profile, name),
        {},
        champion,
        challenger,
        rows=lambda declared, profile: observed_training.pool_of(dataset, declared, profile, split),
    )


def evaluate(job: Job, model: str, name: str, version: int | None = None) -> DatasetReport:
    """A version beside its opponents on the test days of a dataset.

    The version is that of `<model>.<dataset>`, or the pooled one's champion where none learnt from it; the
    split is the one that it learnt with, else that of the shares.

    Args:
        job: The run.
        model: Name of the model.
        name: The dataset's name.
        version: Number of the version; None for the champion.

    Raises:
        UsageError: There is no such model.
        ContractError: There is no such dataset.
        RegistryError: There is no such version.
        DataError: The dataset does not hold what the model needs.
    """
    dataset = observed_training.open_observed(job.home, model, name)
    judged = observed_training.version_for(job.home, model, name, version)
    split = TimeSplit.read(judged.tags.get("split", ""))
    if split is None:
        split = observed_training.split_of(dataset, definition(model).tables[0])
    profile = observed_training.profile_of(job.profile, name)
    return observed_training.evaluate(job.home, profile, dataset, judged, split)


def report_table(report: dict[str, Any]) -> tuple[str, list[str], list[list[str]]]:
    """Title, columns and rows of a report in JSON values."""
    from switchyard.screen import brief

    def between(low: float | None, high: float | None) -> str:
        return "" if low is None or high is None else f"{brief(low)} to {brief(high)}"

    title = (
        f"{report['model']} version {report['version']} on {report['dataset']}: "
        f"{report['rows']} rows of {report['episodes']} test episodes"
    )
    rows = [
        [
            one["who"],
            f"{one['metric']} {'↑' if one['direction'] == 'higher' else '↓'}",
            "" if one["value"] is None else brief(one["value"]),
            between(one["low"], one["high"]),
            "" if one["ahead"] is None else brief(one["ahead"]),
            between(one["ahead_low"], one["ahead_high"]),
        ]
        for one in report["figures"]
    ]
    return title, COLUMNS, rows
