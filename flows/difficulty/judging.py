"""A target's figures with their intervals, and the verdict on it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec
import numpy as np

from flows.difficulty import learners
from flows.difficulty.cases import Campaign, Cases, Floats, Ints, Target
from flows.difficulty.scores import Score
from models import bootstrap
from models.rows import Names
from models.splits import TEST, folds
from switchyard.identity import generator

FOLDS = 5
FEWEST_GROUPS, FEWEST_ROWS = 10, 60
RESAMPLES = 400
OWN, WAY, INFORMATION = 0.05, 0.01, 0.05
"""What an answer may lack of the oracle's figure and count as there: 5 % of what the oracle itself lacks of a
perfect one, and 1 % of what it is better than knowing nothing; 5 % where no figure is perfect."""

CONSTANT, TREE3, LEARNER, ORACLE = "constant", "tree3", "learner", "oracle"
OPEN = "open"
OPPONENT_THERE = "opponent already reaches the oracle"
TREE_THERE = "tree already reaches the oracle"
LEARNER_THERE = "reference learner at the oracle"


class Figure(msgspec.Struct, frozen=True):
    """A figure and its 95 % interval; null where it is not defined."""

    value: float | None
    low: float | None
    high: float | None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What the report says of one target at one substation.

    Attributes:
        target: Its name.
        title: What is asked.
        dataset: Name of the dataset.
        digest: Content of the dataset.
        substation: Name of the substation.
        metric: How answers are judged.
        unit: Unit of the metric.
        direction: Which way is better.
        rows: Rows that are judged.
        groups: Groups that they belong to, which are resampled as a whole.
        grouped: What a group is.
        centre: Rate of what happens, share of the most frequent class, or mean of the values.
        spread: Standard deviation of the values; null for a class or a chance.
        best_opponent: The opponent with the best figure; null without any.
        constant: Answer of who knows no inputs.
        opponent: The best opponent's figure.
        opponents: All of them.
        references: Further answers, which need not be beaten.
        tree3: A decision tree of depth 3.
        learner: Gradient boosting.
        oracle: What the simulator knows; null where it has no answer.
        knows: What the oracle knows, in words.
        verdict: What follows.
        seconds: Processor time.
    """

    target: str
    title: str
    dataset: str
    digest: str
    substation: str
    metric: str
    unit: str
    direction: str
    rows: int
    groups: int
    grouped: str
    centre: float | None
    spread: float | None
    best_opponent: str | None
    constant: Figure
    opponent: Figure | None
    opponents: dict[str, Figure]
    references: dict[str, Figure]
    tree3: Figure
    learner: Figure
    oracle: Figure | None
    knows: str
    verdict: str
    seconds: float


def judge(campaign: Campaign, target: Target) -> Entry | None:
    """A target's entry; None where its tables are not there or hold too little."""
    if not campaign.has(*target.tables):
        return None
    begun = time.process_time()
    cases = target.read(campaign)
    if cases is None or cases.y.size < FEWEST_ROWS or np.unique(cases.group).size < FEWEST_GROUPS:
        return None
    pairs = list(held_out(cases, campaign, target))
    tested = np.concatenate([test for _, test in pairs])
    if any(train.size < FEWEST_ROWS or np.ptp(cases.y[train]) == 0.0 for train, _ in pairs):
        return None
    present, place = np.unique(cases.group[tested], return_inverse=True)
    if present.size < 2:
        return None
    resamples = bootstrap.draw(
        present.size, generator(campaign.dataset.name, target.name, "bootstrap"), RESAMPLES
    )

    def figure(answer: Floats) -> Figure:
        terms = target.score.terms(decided(cases, tested, answer), cases.y[tested])
        sums = np.zeros((present.size, terms.shape[1]))
        np.add.at(sums, place, terms)
        low, high = bootstrap.interval(target.score.value(resamples.weights @ sums))
        return Figure(_known(float(target.score.value(sums.sum(axis=0)))), low, high)

    def learnt(by: learners.Learner) -> Figure:
        return figure(np.concatenate([by(cases, target.task, train, test) for train, test in pairs]))

    opponents, references = (
        {
            name: figure(np.concatenate([of(train)[test] for train, test in pairs]))
            for name, of in named.items()
        }
        for named in (cases.opponents, cases.references)
    )
    sign = 1.0 if target.score.direction == "higher" else -1.0
    ranked = [name for name, of in opponents.items() if of.value is not None]
    best = max(ranked, key=lambda name: sign * float(opponents[name].value or 0.0), default=None)
    known = {
        CONSTANT: learnt(learners.constant),
        TREE3: learnt(learners.tree3),
        LEARNER: learnt(learners.boosted),
    }
    oracle = None if cases.oracle is None else figure(cases.oracle[tested])
    opponent = None if best is None else opponents[best]
    y = cases.y[tested]
    values = target.task == "value"
    return Entry(
        target=target.name,
        title=target.title,
        dataset=campaign.dataset.name,
        digest=campaign.dataset.digest,
        substation=campaign.substation.name,
        metric=target.score.name,
        unit=target.score.unit,
        direction=target.score.direction,
        rows=tested.size,
        groups=int(present.size),
        grouped=target.grouped,
        centre=float(np.bincount(y.astype(np.int64)).max() / y.size)
        if target.task == "class"
        else float(y.mean()),
        spread=float(y.std()) if values else None,
        best_opponent=best,
        constant=known[CONSTANT],
        opponent=opponent,
        opponents=opponents,
        references=references,
        tree3=known[TREE3],
        learner=known[LEARNER],
        oracle=oracle,
        knows=target.oracle,
        verdict=verdict(
            target.score,
            constant=known[CONSTANT],
            opponent=opponent,
            tree=known[TREE3],
            learner=known[LEARNER],
            oracle=oracle,
        ),
        seconds=round(time.process_time() - begun, 1),
    )


def held_out(cases: Cases, campaign: Campaign, target: Target) -> Iterator[tuple[Ints, Ints]]:
    """Positions of rows to learn from and to answer; no group is in both."""
    if cases.split is not None:
        yield np.flatnonzero(cases.split < TEST), np.flatnonzero(cases.split == TEST)
        return
    names = Names(cases.group, tuple(str(code) for code in range(int(cases.group.max()) + 1)))
    yield from folds(names, FOLDS, generator(campaign.dataset.name, target.name, "folds"))


def decided(cases: Cases, tested: Ints, answer: Floats) -> Floats:
    """Answers as they are; where one row of several is chosen, marks of it and of the truly best one.

    The row with the largest answer gets 1, the first of several; that with the largest truth gets 2 more.
    """
    if cases.choice is None:
        return answer
    marks = np.zeros(answer.size)
    for add, by in ((1.0, answer), (2.0, cases.y[tested])):
        order = np.lexsort((-by, cases.choice[tested]))
        codes = cases.choice[tested][order]
        marks[order[np.append(True, codes[1:] != codes[:-1])]] += add
    return marks


def verdict(
    score: Score,
    *,
    constant: Figure,
    opponent: Figure | None,
    tree: Figure,
    learner: Figure,
    oracle: Figure | None,
) -> str:
    """Who is as good as the oracle, the simplest first; `open` where nobody is, or without an oracle."""
    if oracle is None or oracle.value is None or constant.value is None:
        return OPEN
    way = abs(oracle.value - constant.value)
    allowed = (
        INFORMATION * way if score.perfect is None else OWN * abs(score.perfect - oracle.value) + WAY * way
    )
    sign = 1.0 if score.direction == "higher" else -1.0
    for who, said in ((opponent, OPPONENT_THERE), (tree, TREE_THERE), (learner, LEARNER_THERE)):
        if who is not None and who.value is not None and sign * (oracle.value - who.value) <= allowed:
            return said
    return OPEN


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None
