"""What is learnt never sees what it answers, and verdicts follow from figures."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from flows.difficulty import judging, scores
from flows.difficulty.cases import Campaign, Cases, Floats, Ints, Target
from flows.difficulty.judging import (
    LEARNER_THERE,
    OPEN,
    OPPONENT_THERE,
    TREE_THERE,
    Figure,
    decided,
    held_out,
    judge,
    verdict,
)


class Hand(Target):
    """y is 2·a + noise; the opponent knows the sign of a alone, the oracle 2·a."""

    name = "hand"
    title = "By hand"
    tables = ("load",)
    task = "value"
    score = scores.mean_absolute("W")
    grouped = "day"
    oracle = "twice a"

    def __init__(self, *, split: bool = False, rows: int = 600) -> None:
        self.split = split
        self.rows = rows

    def read(self, campaign: Campaign) -> Cases:
        rng = np.random.default_rng(1)
        a = rng.normal(size=self.rows)
        day = np.arange(self.rows) // 15

        def sign(train: Ints) -> Floats:
            return np.asarray(np.sign(a) * np.abs(a[train]).mean() * 2.0)

        return Cases(
            columns=("a",),
            X=a[:, None],
            y=2.0 * a + 0.3 * rng.normal(size=a.size),
            group=day,
            split=np.where(day % 20 < 17, 0, 2).astype(np.int8) if self.split else None,
            opponents={"sign": sign, "nothing": lambda _: np.zeros(a.size)},
            references={"half": lambda _: a},
            oracle=2.0 * a,
        )


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    dataset: Any = SimpleNamespace(name="hand.mumbai", digest="d" * 64, tables=("load",), path=tmp_path)
    substation: Any = SimpleNamespace(name="mumbai")
    profile: Any = SimpleNamespace()
    return Campaign(dataset, substation, profile)


def figure(value: float | None) -> Figure:
    return Figure(value, None, None)


@pytest.mark.parametrize("split", [False, True])
def test_judge__known_law__oracle_best_and_learner_near_it(campaign: Campaign, split: bool) -> None:
    entry = judge(campaign, Hand(split=split))

    assert entry is not None
    assert entry.oracle is not None
    assert entry.opponent is not None
    assert entry.best_opponent == "sign"
    assert set(entry.opponents) == {"sign", "nothing"}
    assert set(entry.references) == {"half"}
    values = [entry.oracle.value, entry.learner.value, entry.opponent.value, entry.constant.value]
    assert values == sorted(values)
    assert entry.oracle.value == pytest.approx(0.3 * np.sqrt(2.0 / np.pi), rel=0.25)
    for one in (entry.oracle, entry.learner, entry.tree3, entry.opponent):
        assert float(one.low or 0.0) < float(one.value or 0.0) < float(one.high or 0.0)
    assert (entry.rows, entry.groups) == ((90, 6) if split else (600, 40))
    assert entry.verdict == OPEN


def test_judge__twice__same_entry_but_for_the_time_it_took(campaign: Campaign) -> None:
    import msgspec

    first, again = (judge(campaign, Hand()) for _ in range(2))

    assert first is not None
    assert again is not None
    assert msgspec.structs.replace(first, seconds=0.0) == msgspec.structs.replace(again, seconds=0.0)


def test_judge__too_little_or_no_table__none(campaign: Campaign) -> None:
    class Elsewhere(Hand):
        tables = ("thermal",)

    assert judge(campaign, Hand(rows=judging.FEWEST_ROWS - 1)) is None
    assert judge(campaign, Elsewhere()) is None


@pytest.mark.parametrize("split", [False, True])
def test_held_out__groups__never_on_both_sides(campaign: Campaign, split: bool) -> None:
    target = Hand(split=split)
    cases = target.read(campaign)

    pairs = list(held_out(cases, campaign, target))

    assert len(pairs) == (1 if split else judging.FOLDS)
    for train, test in pairs:
        assert not set(cases.group[train]) & set(cases.group[test])
    tested = np.concatenate([test for _, test in pairs])
    assert np.unique(tested).size == tested.size


def test_decided__two_choices__marks_the_largest_answer_and_the_best_truth() -> None:
    cases = Cases(
        columns=("a",),
        X=np.zeros((5, 1)),
        y=np.array([0.0, 3.0, 1.0, 0.0, 2.0]),
        group=np.zeros(5, dtype=np.int64),
        choice=np.array([0, 0, 0, 1, 1]),
    )

    marks = decided(cases, np.arange(5), np.array([0.0, 5.0, 7.0, 1.0, 1.0]))

    # A tie goes to the first row.
    assert marks.tolist() == [0.0, 2.0, 1.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("opponent", "tree", "learner", "oracle", "said"),
    [
        (0.5, 0.6, 0.7, 0.9, OPEN),
        (0.89, 0.6, 0.7, 0.9, OPPONENT_THERE),
        (0.5, 0.95, 0.7, 0.9, TREE_THERE),
        (None, 0.6, 0.8895, 0.9, LEARNER_THERE),
        (0.99, 0.99, 0.99, None, OPEN),
    ],
)
def test_verdict__accuracies__named_by_the_simplest_that_is_there(
    opponent: float | None, tree: float, learner: float, oracle: float | None, said: str
) -> None:
    found = verdict(
        scores.accuracy(2),
        constant=figure(0.3),
        opponent=None if opponent is None else figure(opponent),
        tree=figure(tree),
        learner=figure(learner),
        oracle=None if oracle is None else figure(oracle),
    )

    assert found == said


def test_verdict__error_cut_to_a_tenth__is_open_while_the_oracle_has_none() -> None:
    found = verdict(
        scores.mean_absolute("kW"),
        constant=figure(500.0),
        opponent=figure(60.0),
        tree=figure(15.0),
        learner=figure(7.0),
        oracle=figure(0.0),
    )

    assert found == OPEN
