"""Optuna studies that can be killed at any moment and go on where they were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.declaration import Params
from models.protocol import Definition
from models.rows import Rows
from models.splits import folds
from switchyard.home import Home
from switchyard.identity import generator
from switchyard.log import get_logger

if TYPE_CHECKING:
    import optuna

_log = get_logger("models.tuning")
SEED_BITS = 31


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One finished trial: its number in the order of completion, parameters, score a fold, mean score."""

    number: int
    params: dict[str, float | int | str | bool]
    folds: tuple[float, ...]
    value: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Tuned:
    """Outcome of a study.

    Attributes:
        params: Parameters of the best trial.
        rows: Rows that a trial was fitted on.
        trials: Every finished trial; the first has the defaults.
        study: The Optuna study, for plots.
    """

    params: Params
    rows: int
    trials: tuple[TrialRecord, ...]
    study: optuna.Study


def seed_of(*names: str) -> int:
    """A 31-bit seed from names, for libraries that want one."""
    return int(generator(*names).integers(2**SEED_BITS - 1))


def tune(
    definition: Definition[Any],
    train: Rows,
    *,
    home: Home,
    key: str,
    draw: str,
    trials: int,
    fold_count: int,
    most: int,
    report: Callable[[TrialRecord], None] = lambda _: None,
) -> Tuned:
    """Search parameters by cross-validation over whole episodes.

    The journal in the home carries finished trials over a kill; a trial that was running is run again. Each
    trial's draw depends on the finished ones before it and on its number alone, so a study that was
    interrupted ends where one that was not does. The number of trials is no part of a study: asked for more
    than are finished it goes on, asked for fewer it looks at the first of them only.

    Args:
        definition: The model.
        train: Training rows; at most `most` of them are used.
        home: Holds the journal.
        key: Identifies data, code and what else a trial's outcome depends on; names the study.
        draw: What folds, rows and trials are drawn from; the same for another version of the code, so that
            figures move by what was changed and not by luck.
        trials: Finished trials wanted in all.
        fold_count: Folds; a definition with `one_split` is judged on the first only.
        most: Rows at most.
        report: Told of every trial once it is finished, of those that were finished before at the start.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    home.optuna.mkdir(parents=True, exist_ok=True)
    journal = home.optuna / f"{definition.name}-{key[:16]}.journal"
    study = optuna.create_study(
        study_name=f"{definition.name}-{key}",
        storage=JournalStorage(JournalFileBackend(str(journal))),
        direction="maximize",
        load_if_exists=True,
    )
    for left in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(left.number, state=optuna.trial.TrialState.FAIL)
    rows = definition.subset(train, most, generator(draw, "rows"))
    pairs = list(folds(rows.episode, fold_count, generator(draw, "folds")))
    if definition.one_split:
        pairs = pairs[:1]
    seed = seed_of(draw, "fit")
    told = 0
    while True:
        finished = _records(study)
        for record in finished[told:trials]:
            report(record)
        told = done = len(finished)
        if done >= trials:
            break
        if done == 0 and not study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.WAITING,)):
            study.enqueue_trial(dict(definition.defaults))
        study.sampler = optuna.samplers.TPESampler(seed=seed_of(draw, "trial", str(done)))
        trial = study.ask()
        params = definition.suggest(trial)
        scores = []
        for fitting, held_out in pairs:
            fitted = definition.fit(rows.select(fitting), params, seed)
            scores.append(definition.score(fitted, rows.select(held_out)))
        trial.set_user_attr("folds", scores)
        study.tell(trial, float(np.mean(scores)))
        _log.info(
            "%s: trial %d of %d scored %.4f (best %.4f)",
            definition.name,
            done + 1,
            trials,
            float(np.mean(scores)),
            study.best_value,
        )
    first = finished[:trials]
    best = max(first, key=lambda record: record.value)
    return Tuned(dict(best.params), len(pairs[0][0]), first, _of_first(study, trials))


def _of_first(study: optuna.Study, trials: int) -> optuna.Study:
    """The study without what was asked of it beyond the first finished trials."""
    import optuna

    finished = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    if len(finished) <= trials:
        return study
    short = optuna.create_study(direction="maximize")
    short.add_trials(finished[:trials])
    return short


def _records(study: optuna.Study) -> tuple[TrialRecord, ...]:
    import optuna

    records = []
    finished = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    for number, trial in enumerate(finished):
        length = trial.duration.total_seconds() if trial.duration is not None else 0.0
        value = float(trial.value) if trial.value is not None else float("nan")
        records.append(
            TrialRecord(number, dict(trial.params), tuple(trial.user_attrs["folds"]), value, length)
        )
    return tuple(records)
