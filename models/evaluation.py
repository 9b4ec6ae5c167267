"""A model's figures on every substation and kind, beside its opponents, a depth-3 tree and the oracle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models import bootstrap
from models.declaration import Bar
from models.metrics import Columns, Metric
from models.protocol import Definition
from models.rows import Rows
from models.splits import TEST, TRAIN, VALIDATION
from switchyard.identity import generator

TRAINING, HELD_OUT, ALL = "training", "held_out", "all"
MODEL, TREE3, ORACLE = "model", "tree3", "oracle"


class ReportRow(msgspec.Struct, frozen=True):
    """One row of `reports/models.json`.

    Attributes:
        model: Registered name.
        profile: Profile that the data came from.
        substation: `training`, `held_out` or a substation's name.
        slice: `all` or a scenario kind.
        metric: Name of the metric.
        direction: `higher` or `lower` is better.
        value: The model's figure.
        low: Lower end of its 95 % interval by episode.
        high: Upper end.
        opponent: The best opponent at this metric here.
        opponent_value: Its figure.
        tree3: Figure of a depth-3 tree on the same inputs.
        oracle: Figure of the simulator's own state.
        bar: What had to be reached; set where substation is `training` and slice is `all`.
        met: Whether it was.
    """

    model: str
    profile: str
    substation: str
    slice: str
    metric: str
    direction: str
    value: float | None
    low: float | None = None
    high: float | None = None
    opponent: str | None = None
    opponent_value: float | None = None
    tree3: float | None = None
    oracle: float | None = None
    bar: float | None = None
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers of the model and of what it is compared with, for the same rows."""

    rows: Rows
    by: Mapping[str, Columns]

    def of(self, substations: Sequence[str]) -> Answers:
        """The answers at some of the substations."""
        kept = np.flatnonzero(np.isin(self.rows.substation.array(), substations))
        by = {
            name: {column: values[kept] for column, values in answer.items()}
            for name, answer in self.by.items()
        }
        return Answers(self.rows.select(kept), by)


@dataclass(frozen=True, slots=True)
class Scope:
    """Episodes that one part of the report is about, bool [episodes]."""

    substation: str
    kind: str
    member: NDArray[np.bool_]


def evaluated_rows(rows: Rows, held_out: Rows | None) -> Rows:
    """Test episodes of the training substations and every episode of the held-out ones."""
    from models.rows import concatenate

    tested = rows.select(rows.split == TEST)
    return tested if held_out is None else concatenate([tested, held_out])


def answer_all(definition: Definition[Any], fitted: Any, pool: Rows, rows: Rows) -> Answers:
    """Answers of the model, its opponents, references, depth-3 tree and oracle on `rows`.

    Args:
        definition: The model.
        fitted: The fitted and calibrated model.
        pool: Rows of the training substations; opponents calibrate on their validation split.
        rows: Rows to answer.
    """
    train, validation = pool.select(pool.split == TRAIN), pool.select(pool.split == VALIDATION)
    by = {MODEL: definition.answer(fitted, rows), TREE3: definition.tree3(train, validation, rows)}
    for name in (*definition.opponents, *definition.references):
        by[name] = definition.opponent(name, train, validation, rows)
    known = definition.oracle_answer(rows)
    if known is not None:
        by[ORACLE] = known
    return Answers(rows, by)


def evaluate(
    definition: Definition[Any], profile: str, answers: Answers, training: tuple[str, ...]
) -> list[ReportRow]:
    """Every row of the report for one model.

    Intervals and paired differences come from the same resamples of whole episodes.

    Args:
        definition: The model.
        profile: Name of the profile.
        answers: From `answer_all`.
        training: Names of the training substations; others are held out.
    """
    rows = answers.rows
    present, place = np.unique(rows.episode.codes, return_inverse=True)
    sums = {
        (metric.name, name): bootstrap.episode_sums(metric, answer, rows, place)
        for metric in definition.metrics
        for name, answer in answers.by.items()
        if all(column in answer for column in metric.needs)
    }
    report: list[ReportRow] = []
    for scope in _scopes(rows, place, present.size, training):
        if not scope.member.any():
            continue
        rng = generator(definition.name, profile, scope.substation, scope.kind, "bootstrap")
        resamples = bootstrap.draw(int(scope.member.sum()), rng)
        for metric in definition.metrics:
            if metric.detail and not (scope.kind == ALL and scope.substation in {TRAINING, HELD_OUT}):
                continue
            mine = {name: part[scope.member] for (of, name), part in sums.items() if of == metric.name}
            report += _rows_of(definition, profile, scope, metric, sums=mine, resamples=resamples)
    return report


def _scopes(
    rows: Rows, place: NDArray[np.int64], episodes: int, training: tuple[str, ...]
) -> Iterator[Scope]:
    first = np.zeros(episodes, dtype=np.int64)
    first[place[::-1]] = np.arange(len(rows))[::-1]
    substation, kind = rows.substation.array()[first], rows.kind.array()[first]
    inside = np.isin(substation, training)
    where = {TRAINING: inside, HELD_OUT: ~inside}
    where |= {str(name): substation == name for name in np.unique(substation)}
    for name, member in where.items():
        yield Scope(name, ALL, member)
        for one in np.unique(kind):
            yield Scope(name, str(one), member & (kind == one))


def _rows_of(
    definition: Definition[Any],
    profile: str,
    scope: Scope,
    metric: Metric,
    *,
    sums: Mapping[str, NDArray[np.float64]],
    resamples: bootstrap.Resamples,
) -> Iterator[ReportRow]:
    point = {name: _defined(metric.value(part.sum(axis=0))) for name, part in sums.items()}
    value = point[MODEL]
    if value is None:
        return
    drawn = bootstrap.values(metric, sums[MODEL], resamples)
    low, high = bootstrap.interval(drawn)
    opponent = _best(definition, metric, point)
    bar = _bar(definition, scope, metric)
    target, met = None, None
    if bar is not None:
        target = _target(bar, point, opponent)
        met = (
            _reached(metric, value, bar, point)
            and _within(bar.contains, low, high)
            and all(_better(metric, value, point[name]) for name in bar.exceeds)
            and all(
                _beats(metric, drawn, bootstrap.values(metric, sums[name], resamples)) for name in bar.beats
            )
            and not any(
                _beats(metric, bootstrap.values(metric, sums[name], resamples), drawn)
                for name in bar.not_worse
            )
        )
    yield ReportRow(
        model=definition.name,
        profile=profile,
        substation=scope.substation,
        slice=scope.kind,
        metric=metric.name,
        direction=metric.direction,
        value=value,
        low=low,
        high=high,
        opponent=opponent,
        opponent_value=None if opponent is None else point[opponent],
        tree3=point.get(TREE3),
        oracle=point.get(ORACLE),
        bar=target,
        met=met,
    )
    for name in definition.references:
        if point.get(name) is not None:
            yield ReportRow(
                model=definition.name,
                profile=profile,
                substation=scope.substation,
                slice=scope.kind,
                metric=f"{metric.name}.{name}",
                direction=metric.direction,
                value=point[name],
            )


def _defined(figure: NDArray[np.float64]) -> float | None:
    return float(figure) if np.isfinite(figure) else None


def _best(definition: Definition[Any], metric: Metric, point: Mapping[str, float | None]) -> str | None:
    known = [(point[name], name) for name in definition.opponents if point.get(name) is not None]
    if not known:
        return None
    sign = 1.0 if metric.direction == "higher" else -1.0
    return max(known, key=lambda pair: sign * (pair[0] or 0.0))[1]


def _bar(definition: Definition[Any], scope: Scope, metric: Metric) -> Bar | None:
    if scope.substation != TRAINING or scope.kind != ALL:
        return None
    return next((bar for bar in definition.bars if bar.metric == metric.name), None)


def _target(bar: Bar, point: Mapping[str, float | None], opponent: str | None) -> float | None:
    """The figure that the report shows as the bar: the lowest error asked for, or the best opponent's."""
    asked = [figure for figure in (bar.value, bar.contains) if figure is not None]
    for name, share in bar.cuts.items():
        theirs = point.get(name)
        if theirs is not None:
            asked.append((1.0 - share) * theirs)
    return min(asked) if asked else point.get(opponent or "")


def _reached(metric: Metric, value: float, bar: Bar, point: Mapping[str, float | None]) -> bool:
    oracle = point.get(ORACLE)
    near = bar.near_oracle is not None and oracle is not None and abs(value - oracle) <= bar.near_oracle
    reached = bar.value is None or (
        value >= bar.value if metric.direction == "higher" else value <= bar.value
    )
    cut = all(
        (theirs := point.get(name)) is None or value <= (1.0 - share) * theirs
        for name, share in bar.cuts.items()
    )
    return (reached and cut) or near


def _within(figure: float | None, low: float | None, high: float | None) -> bool:
    """Whether an interval contains a figure, where one is asked for."""
    return figure is None or (low is not None and high is not None and low <= figure <= high)


def _better(metric: Metric, mine: float, theirs: float | None) -> bool:
    if theirs is None:
        return True
    return mine > theirs if metric.direction == "higher" else mine < theirs


def _beats(metric: Metric, mine: NDArray[np.float64], theirs: NDArray[np.float64]) -> bool:
    low, high = bootstrap.interval(mine - theirs)
    if low is None or high is None:
        return False
    return low > 0 if metric.direction == "higher" else high < 0
