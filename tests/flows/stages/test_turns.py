"""Which model goes to which training process, and when."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Timer

import pytest

from flows.job import Job
from flows.stages.lessons import choose
from flows.stages.turns import UNKNOWN_S, USUAL_S, Turns, expected
from models.catalogue import NAMES, definition

MINI = Path(__file__).parents[1] / "mini.yaml"


@dataclass(frozen=True)
class Named:
    """A lesson as far as turns look at it."""

    model: str
    algorithm: str = ""

    @property
    def registered(self) -> str:
        return self.model

    @property
    def label(self) -> str:
        return f"{self.model}+{self.algorithm}" if self.algorithm else self.model


def turns(*models: str) -> Turns:
    """Turns of two processes; models with an `n` are networks, and the first is the longest."""
    return Turns([Named(model) for model in models], {model for model in models if "n" in model}, 2)


def test_turns__networks_and_others__each_process_begins_with_its_own_longest():
    given = iter(found := turns("n1", "n2", "a", "b"))

    first, second = next(given), next(given)

    assert (first.model, second.model) == ("n1", "a")
    assert (found.process(first), found.process(second)) == (0, 1)


def test_turns__nothing_of_its_own_left__a_process_takes_the_longest_of_the_rest():
    given = iter(found := turns("n1", "n2", "a"))
    first, second = next(given), next(given)
    found.end(second)

    third = next(given)

    assert first.model == "n1"
    assert (third.model, found.process(third)) == ("n2", 1)


def test_turns__both_busy__waits_until_one_is_free():
    given = iter(found := turns("n1", "a", "b"))
    first, _ = next(given), next(given)
    Timer(0.05, found.end, [first]).start()

    third = next(given)

    assert (third.model, found.process(third)) == ("b", 0)
    assert list(given) == []


def test_turns__challenger__waits_for_the_model_that_it_challenges():
    waiting = [Named("n1", "other"), Named("a"), Named("n1")]
    given = iter(found := Turns(waiting, {"n1", "n1+other"}, 2))
    first, second = next(given), next(given)
    found.end(second)
    Timer(0.05, found.end, [first]).start()

    third = next(given)

    assert (first.label, second.label, third.label) == ("n1", "a", "n1+other")


def test_turns__of_a_profile__all_models_once_and_networks_known(tmp_path: Path):
    job = Job.of(str(MINI), str(tmp_path / "home"))
    lessons = choose(job)

    found = Turns.of(job, lessons, len(lessons))

    assert {one.registered for one in found} == {one.registered for one in lessons}
    assert found.networks == {one.label for one in lessons if definition(one.model).library}


def test_expected__never_trained_here__is_what_is_usual(tmp_path: Path):
    job = Job.of(str(MINI), str(tmp_path / "home"))

    found = expected(job, choose(job))

    assert found == {one.registered: USUAL_S.get(one.model, UNKNOWN_S) for one in choose(job)}


@pytest.mark.parametrize("model", USUAL_S)
def test_usual__model__is_in_the_catalogue(model: str):
    assert model in NAMES
