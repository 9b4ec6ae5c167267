"""What a run trains, and what its steps are called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from flows.job import Job
from flows.stages import learning
from flows.stages.lessons import Lesson, challengers, choose
from models.errors import ModelError
from switchyard.errors import UsageError
from switchyard.steps import StepRecord

MINI = Path(__file__).parents[1] / "mini.yaml"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job.of(str(MINI), str(tmp_path / "home"))


def of(job: Job, *asked: object) -> Lesson:
    (lesson,) = choose(job, *asked)  # type: ignore[arg-type]
    return lesson


def records(job: Job) -> dict[str, StepRecord]:
    return {
        name: StepRecord(f"features.mini.{name}", "k", f"digest of {name}", {}, (), 1.0, "2026-01-01")
        for name in job.profile.substations
    }


def test_choose__nothing_named__every_model_of_the_profile_on_all_substations(job: Job) -> None:
    lessons = choose(job)
    assert [lesson.registered for lesson in lessons] == list(job.profile.models)
    assert {lesson.profile.training for lesson in lessons} == {("mumbai", "delhi")}
    assert [lesson.trials for lesson in lessons] == [2, 2, 1, 1]


def test_choose__model_of_one_substation__learns_from_it_alone_with_the_trials_asked_for(job: Job) -> None:
    lesson = of(job, "phase_imbalance", "delhi", 50)
    assert lesson.registered == "phase_imbalance.delhi"
    assert (lesson.profile.training, lesson.trials) == (("delhi",), 50)


def test_choose__pooling_forbidden__a_substation_is_not_judged_on_rows_of_others(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    import msgspec

    settings = job.settings.model_copy(update={"pooling": "forbid"})
    profile = msgspec.structs.replace(job.profile, training=("mumbai",), held_out=("delhi",))
    assert of(Job(job.home, profile, job.settings), "phase_imbalance", "mumbai").profile.held_out == (
        "delhi",
    )
    assert of(Job(job.home, profile, settings), "phase_imbalance", "mumbai").profile.held_out == ()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("phase_imbalanse",), r"no model 'phase_imbalanse'.*choose one of .*phase_imbalance"),
        (("phase_imbalance", "chennai"), "no substation 'chennai'.*choose one of mumbai, delhi"),
        (("voltage_sag",), "does not say how many trials voltage_sag gets.*--trials"),
        (("phase_imbalance", None, 0), "0 trials are too few"),
    ],
)
def test_choose__what_is_not_there__names_what_is(job: Job, asked: tuple[object, ...], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        of(job, *asked)


def test_steps__other_trials__another_step_but_the_same_study(job: Job) -> None:
    few, more = (of(job, "phase_imbalance", "delhi", trials) for trials in (3, 50))
    data = records(job)
    assert learning.train_step(job, few, data).key != learning.train_step(job, more, data).key
    assert learning.study_step(few, data).key == learning.study_step(more, data).key
    assert learning.train_step(job, more, data).name == "train.mini.phase_imbalance.delhi"


def test_steps__of_one_substation__depend_on_its_rows_alone_and_are_not_the_pooled_ones(job: Job) -> None:
    lesson, pooled = of(job, "phase_imbalance", "delhi"), of(job, "phase_imbalance")
    data = records(job)
    assert set(learning.study_step(lesson, data).inputs) == {"delhi"}
    assert learning.study_step(lesson, data).key != learning.study_step(pooled, data).key


def test_steps__another_models_trials__change_nothing(job: Job) -> None:
    import msgspec

    tuning = msgspec.structs.replace(
        job.profile.tuning, trials={**job.profile.tuning.trials, "voltage_anomaly": 99}
    )
    other = Job(job.home, msgspec.structs.replace(job.profile, tuning=tuning), job.settings)
    data = records(job)
    keys = [learning.train_step(one, of(one, "phase_imbalance"), data).key for one in (job, other)]
    assert keys[0] == keys[1]


def test_challengers__of_the_profile__are_lessons_whose_steps_are_no_part_of_the_report(job: Job) -> None:
    assert challengers(job) == ()
    profile = msgspec.structs.replace(job.profile, challengers={"load_forecast": {"n_beats": 2}})
    (lesson,) = challengers(replace(job, profile=profile))
    assert (lesson.registered, lesson.algorithm, lesson.trials) == ("load_forecast", "n_beats", 2)
    name = learning.train_step(job, lesson, records(job)).name
    assert name == "challenge.mini.load_forecast+n_beats"
    assert not name.startswith(learning.TRAIN)
    first = of(job, "load_forecast", None, 2)
    assert learning.study_step(first, records(job)).key != learning.study_step(lesson, records(job)).key


def test_choose__an_algorithm_that_the_model_has_not__is_refused(job: Job) -> None:
    with pytest.raises(ModelError, match=r"load_forecast has no algorithm 'lstm'"):
        choose(job, "load_forecast", None, 1, "lstm")
    with pytest.raises(ModelError, match="it has one only"):
        choose(job, "harmonic_analysis", None, 1, "n_beats")
