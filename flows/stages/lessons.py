"""What a run trains: which models, on whose rows, with how many trials."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec

from flows.job import Job
from models.catalogue import NAMES, definition
from switchyard.errors import UsageError
from switchyard.profiles import Profile


@dataclass(frozen=True, slots=True)
class Lesson:
    """One model to train.

    Attributes:
        model: Name of the model.
        substation: The only substation to learn from; None for all training substations together.
        profile: The profile with the substations and trials of this lesson.
        algorithm: Another algorithm of the model than its first; empty for that one.
    """

    model: str
    substation: str | None
    profile: Profile
    algorithm: str = ""

    @property
    def registered(self) -> str:
        """Name in the registry."""
        return self.model if self.substation is None else f"{self.model}.{self.substation}"

    @property
    def label(self) -> str:
        """Name among the lessons of a run: a challenger has its algorithm beside the registered name."""
        return f"{self.registered}+{self.algorithm}" if self.algorithm else self.registered

    @property
    def trials(self) -> int:
        """Finished trials wanted in all."""
        return self.profile.tuning.trials[self.model]


def choose(
    job: Job,
    model: str | None = None,
    substation: str | None = None,
    trials: int | None = None,
    algorithm: str = "",
) -> tuple[Lesson, ...]:
    """The lessons that were asked for.

    Args:
        job: The run.
        model: The only model to train; None for all of the profile.
        substation: The only substation to learn from; None for all training substations together.
        trials: Trials of each model; None for what the profile says.
        algorithm: Another algorithm of the model than its first.

    Raises:
        UsageError: There is no such model or substation, or the number of trials is not known or below 1.
        ModelError: The model has no such algorithm.
    """
    if algorithm and model in NAMES:
        definition(model, algorithm)
    lessons = (_lesson(job, name, substation, trials) for name in _models(job, model))
    return tuple(replace(lesson, algorithm=algorithm) for lesson in lessons)


def challengers(job: Job) -> tuple[Lesson, ...]:
    """Lessons of the further algorithms that the profile trains beside the models' first ones."""
    return tuple(
        lesson
        for model, algorithms in job.profile.challengers.items()
        for algorithm, trials in algorithms.items()
        for lesson in choose(job, model, None, trials, algorithm)
    )


def _models(job: Job, model: str | None) -> Iterable[str]:
    if model is None:
        return job.profile.models
    if model not in NAMES:
        raise UsageError(f"there is no model {model!r} to train", f"choose one of {', '.join(NAMES)}")
    return (model,)


def _lesson(job: Job, model: str, substation: str | None, trials: int | None) -> Lesson:
    profile = job.profile
    if substation is not None and substation not in profile.substations:
        raise UsageError(
            f"profile {profile.name} has no substation {substation!r}",
            f"choose one of {', '.join(profile.substations)}",
        )
    wanted = profile.tuning.trials.get(model) if trials is None else trials
    if wanted is None:
        raise UsageError(
            f"profile {profile.name} does not say how many trials {model} gets", "give them with --trials"
        )
    if wanted < 1:
        raise UsageError(
            f"{wanted} trials are too few", "the first trial has the defaults; ask for 1 or more"
        )
    if substation is not None:
        profile = profile.only(substation)
        if job.settings.pooling == "forbid":
            # Rows of another substation are not read beside its own.
            profile = msgspec.structs.replace(profile, held_out=())
    tuning = msgspec.structs.replace(profile.tuning, trials={**profile.tuning.trials, model: wanted})
    return Lesson(model, substation, msgspec.structs.replace(profile, tuning=tuning))
