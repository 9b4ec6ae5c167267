"""How a trained model stands, in words: how good, beside what, which bars, and where not to trust it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.declaration import Bar
from models.evaluation import ALL, HELD_OUT, TRAINING, ReportRow
from models.plain import TREE3, TREE_IN_WORDS, Said
from models.protocol import Definition

MOST_DOUBTS = 3
MOST_NEEDS = 5
SCOPES = (TRAINING, HELD_OUT)

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Judged:
    """One bar.

    Attributes:
        what: What is measured, in words.
        figure: The figure and its interval.
        asked: What had to be reached.
        met: Whether it was.
        why: Why it was not, as far as the figures tell; empty where it was met.
        held_out: The figure at substations that it has never seen; empty where there is none.
    """

    what: str
    figure: str
    asked: str
    met: bool
    why: str
    held_out: str


@dataclass(frozen=True, slots=True)
class Standing:
    """One registered name.

    Attributes:
        model: Registered name.
        purpose: What it is for.
        figure: Its main figure without the interval.
        interval: The 95 % interval of that; empty where there is none.
        what: What the figure is of.
        rival: The best opponent at that and its figure; empty without one.
        tree: The decision tree's figure; empty without one.
        strongest: The better of these two.
        best: What is possible at best and how that is known; empty where nobody knows.
        held_out: The main figure at substations that it has never seen; empty where there is none.
        held_out_rival: The best opponent there.
        verdict: How many bars are met.
        met: Whether all of them are.
        bars: Each of them.
        doubts: Where its figures are surely worse than over all, or an opponent surely better.
        limits: What its declaration says on where not to trust it.
        silent: When it gives no answer.
    """

    model: str
    purpose: str
    figure: str
    interval: str
    what: str
    rival: str
    tree: str
    strongest: str
    best: str
    held_out: str
    held_out_rival: str
    verdict: str
    met: bool
    bars: tuple[Judged, ...]
    doubts: tuple[str, ...]
    limits: str
    silent: str


def standing(
    model: str, declared: Definition[Any], rows: Sequence[ReportRow], held_out: Sequence[str]
) -> Standing:
    """How a registered name stands.

    Args:
        model: Registered name.
        declared: Its declaration.
        rows: Its rows of the report.
        held_out: Substations that it has never seen, for their names.
    """
    by = {(row.substation, row.slice, row.metric): row for row in rows}
    plain = declared.plain
    said = plain.said[plain.main]
    main, unseen = by.get((TRAINING, ALL, plain.main)), by.get((HELD_OUT, ALL, plain.main))
    bars = tuple(_judged(declared, by))
    missed = sum(not bar.met for bar in bars)
    return Standing(
        model=model,
        purpose=plain.purpose,
        figure="not defined on so few episodes" if main is None else _point(said, main.value),
        interval="" if main is None else _interval(said, main),
        what=said.what,
        rival="" if main is None else _rival(declared, said, main),
        tree="" if main is None or main.tree3 is None else f"{said.figure(main.tree3)} by {TREE_IN_WORDS}",
        strongest="" if main is None else _strongest(declared, said, main),
        best="" if main is None else _best(declared, said, main),
        held_out="" if unseen is None else _with_interval(said, unseen),
        held_out_rival="" if unseen is None else _rival(declared, said, unseen),
        verdict=_verdict(len(bars), missed),
        met=bool(bars) and not missed,
        bars=bars,
        doubts=tuple(_doubts(declared, by, held_out)),
        limits=declared.limits,
        silent=_silent(declared),
    )


def _verdict(bars: int, missed: int) -> str:
    if not bars:
        return "not judged"
    if missed:
        return f"{missed} of {bars} bars missed"
    return "its bar met" if bars == 1 else "both bars met" if bars == 2 else f"all {bars} bars met"


def _point(said: Said, value: float | None) -> str:
    return "–" if value is None else said.figure(value)


def _interval(said: Said, row: ReportRow) -> str:
    return "" if row.low is None or row.high is None else f"{said.number(row.low)} to {said.figure(row.high)}"


def _with_interval(said: Said, row: ReportRow) -> str:
    between = _interval(said, row)
    return f"{_point(said, row.value)} ({between})" if between else _point(said, row.value)


def _rival(declared: Definition[Any], said: Said, row: ReportRow) -> str:
    if row.opponent is None or row.opponent_value is None:
        return ""
    return f"{said.figure(row.opponent_value)} by {declared.plain.rival(row.opponent)}"


def _strongest(declared: Definition[Any], said: Said, row: ReportRow) -> str:
    if row.tree3 is not None and (row.opponent_value is None or _better(row, row.tree3, row.opponent_value)):
        return f"{said.figure(row.tree3)} by {TREE_IN_WORDS}"
    return _rival(declared, said, row)


def _best(declared: Definition[Any], said: Said, row: ReportRow) -> str:
    if row.oracle is None:
        return ""
    how = f" ({declared.oracle})" if declared.oracle else ""
    return f"{said.figure(row.oracle)} is the best possible{how}"


def _judged(declared: Definition[Any], by: Mapping[Key, ReportRow]) -> Iterator[Judged]:
    for bar in declared.bars:
        row, said = by.get((TRAINING, ALL, bar.metric)), declared.plain.said[bar.metric]
        if row is None or row.met is None:
            continue
        unseen = by.get((HELD_OUT, ALL, bar.metric))
        yield Judged(
            what=said.what,
            figure=_with_interval(said, row),
            asked=asked(declared, bar, row.direction),
            met=row.met,
            why="" if row.met else why(declared, bar, row),
            held_out="" if unseen is None else _point(said, unseen.value),
        )


def asked(declared: Definition[Any], bar: Bar, direction: str) -> str:
    """What a bar asks for, in words."""
    said, rival = declared.plain.said[bar.metric], declared.plain.rival
    parts = []
    if bar.value is not None:
        least = "at least" if direction == "higher" else "at most"
        parts.append(f"{least} {said.figure(bar.value)}")
    if bar.contains is not None:
        parts.append(f"an interval that holds {said.figure(bar.contains)}")
    for share in sorted(set(bar.cuts.values())):
        cut = [rival(name) for name, one in bar.cuts.items() if one == share]
        parts.append(f"{100.0 * share:g} % less than {_and(cut)}")
    others = (("surely better", bar.beats), ("better", bar.exceeds), ("not surely worse", bar.not_worse))
    parts += [f"{how} than {_and([rival(name) for name in names])}" for how, names in others if names]
    text = "; ".join(parts)
    if bar.near_oracle is not None:
        text += f", or within {said.figure(bar.near_oracle)} of the best possible"
    return text


def _and(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def why(declared: Definition[Any], bar: Bar, row: ReportRow) -> str:
    """Why a bar is missed, as far as its row tells."""
    said = declared.plain.said[bar.metric]
    if bar.contains is not None:
        return f"the interval does not hold {said.figure(bar.contains)}"
    target = row.bar if bar.value is not None or bar.cuts else None
    if target is not None and row.value is not None and _better(row, target, row.value):
        return _short_of(said, row, target)
    # The figure is there; what is left are opponents.
    rivals = ((row.opponent, row.opponent_value), (TREE3, row.tree3))
    for name, theirs in rivals:
        if name in bar.rivals and theirs is not None and not _better(row, row.value, theirs):
            return f"{declared.plain.rival(name)} is as good or better ({said.figure(theirs)})"
    return "better than each of the others, but not surely: a difference's range reaches zero"


def _short_of(said: Said, row: ReportRow, target: float) -> str:
    if row.oracle is not None and _better(row, target, row.oracle):
        return f"not even the best possible, {said.figure(row.oracle)}, reaches {said.figure(target)}"
    end = row.high if row.direction == "higher" else row.low
    text = f"short of {said.figure(target)}"
    if end is not None and not _better(row, target, end):
        text += ", which lies in its range: too few episodes to tell"
    return text if row.oracle is None else f"{text}; the best possible is {said.figure(row.oracle)}"


def _better(row: ReportRow, one: float | None, other: float | None) -> bool:
    """Whether `one` is better than `other` at the row's metric."""
    if one is None or other is None:
        return False
    return one > other if row.direction == "higher" else one < other


def _doubts(declared: Definition[Any], by: Mapping[Key, ReportRow], held_out: Sequence[str]) -> Iterator[str]:
    """Slices surely worse than the whole, slices where a rule is surely better, bars missed elsewhere."""
    metric = declared.plain.main
    said, whole = declared.plain.said[metric], by.get((TRAINING, ALL, metric))
    if whole is None or whole.value is None:
        return
    slices = _slices(metric, by)
    slices.sort(key=lambda row: row.value or 0.0, reverse=whole.direction == "lower")
    worse = [row for row in slices if _surely_worse(row, whole)][:MOST_DOUBTS]
    for row in worse:
        yield f"{_where(row, held_out)}: {_with_interval(said, row)} instead of {said.figure(whole.value)}"
    for row in [row for row in slices if row not in worse and _beaten(row)][:MOST_DOUBTS]:
        yield f"{_where(row, held_out)}: {_point(said, row.value)}, but {_rival(declared, said, row)}"
    for bar in declared.bars:
        known, unseen = by.get((TRAINING, ALL, bar.metric)), by.get((HELD_OUT, ALL, bar.metric))
        if bar.value is None or known is None or not known.met or unseen is None:
            continue
        if _better(unseen, bar.value, unseen.value):
            of = declared.plain.said[bar.metric]
            yield f"never seen: {_with_interval(of, unseen)} {of.what}, where {of.figure(bar.value)} is asked"


def _slices(metric: str, by: Mapping[Key, ReportRow]) -> list[ReportRow]:
    """Kinds over all substations, where there are several of them, and substations over all kinds."""
    kinds = {where: {kind for at, kind, of in by if at == where and of == metric} - {ALL} for where in SCOPES}
    return [
        row
        for (where, kind, of), row in by.items()
        if of == metric
        and row.value is not None
        and (len(kinds[where]) > 1 and kind != ALL if where in SCOPES else kind == ALL)
    ]


def _where(row: ReportRow, held_out: Sequence[str]) -> str:
    if row.slice == ALL:
        seen = ", never seen" if row.substation in held_out else ""
        return f"{row.substation.capitalize()}{seen}"
    where = " of substations never seen" if row.substation == HELD_OUT else ""
    return f"episodes of kind {row.slice}{where}"


def _surely_worse(row: ReportRow, whole: ReportRow) -> bool:
    """Whether a slice's whole interval is worse than the figure over all, and more could be had there."""
    best = row.high if row.direction == "higher" else row.low
    if row.oracle is not None and not _better(row, row.oracle, row.value):
        return False
    return _better(row, whole.value, best)


def _beaten(row: ReportRow) -> bool:
    best = row.high if row.direction == "higher" else row.low
    return _better(row, row.opponent_value, best)


def _silent(declared: Definition[Any]) -> str:
    from models.compilation import requires

    least = declared.minimum_readings
    readings = "without a reading" if least == 1 else f"with less than {least} readings"
    kinds = ", ".join(kind.replace("_", " ") for kind in declared.point_kinds)
    needs = [f"`{path}`" for path in requires(declared)]
    more = len(needs) - MOST_NEEDS
    named = ", ".join(needs[:MOST_NEEDS]) + (f" and {more} more" if more > 0 else "")
    missing = f"without {named}" if named else "where a measurement that it needs is missing"
    return f"{readings}, {missing}, or at a point of another kind than {kinds}"
