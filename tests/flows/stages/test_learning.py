"""Which of the two training processes a model goes to."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.job import Job
from flows.stages.learning import LIBRARY_PROCESS, TRAINERS, Trainers
from models.catalogue import DEFINED, definition

MINI = Path(__file__).parents[1] / "mini.yaml"


@pytest.fixture
def trainers(tmp_path: Path) -> Trainers:
    return Trainers(Job.of(str(MINI), str(tmp_path / "home")))


def test_choose__networks__all_wait_for_the_same_process(trainers: Trainers) -> None:
    networks = [name for name in DEFINED if definition(name).library]
    assert networks
    chosen = [trainers._choose(name) for name in networks * 3]
    assert set(chosen) == {LIBRARY_PROCESS}


def test_choose__other_models__wait_where_less_is_to_do(trainers: Trainers) -> None:
    assert trainers._choose("frequency_stability") == LIBRARY_PROCESS
    others = [trainers._choose("phase_imbalance") for _ in range(3)]
    assert others[0] != LIBRARY_PROCESS
    assert sorted([LIBRARY_PROCESS, *others]) == [0, 0, 1, 1][: TRAINERS * 2]
