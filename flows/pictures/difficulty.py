"""How hard the targets are: a table of who reaches what, and the way from knowing nothing to the oracle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flows.difficulty.judging import OPEN, Entry, Figure
from flows.difficulty.report import COLUMNS, cells
from flows.pictures.section import Section, picture, table
from flows.pictures.style import BLUE, GREEN, GREY, INK, ORANGE, chart

WHO: tuple[tuple[str, str, str, Callable[[Entry], Figure | None]], ...] = (
    ("opponent", ORANGE, "o", lambda entry: entry.opponent),
    ("tree of depth 3", GREEN, "s", lambda entry: entry.tree3),
    ("gradient boosting", BLUE, "D", lambda entry: entry.learner),
)
LEAST = -0.25
NUMERIC_FROM = len(COLUMNS)


def section(entries: Sequence[Entry]) -> Section | None:
    """The table, and a chart of the targets that have an oracle; None without entries."""
    if not entries:
        return None
    open_ones = sum(entry.verdict == OPEN for entry in entries)
    charted = [entry for entry in entries if entry.oracle is not None and entry.oracle.value is not None]
    body = table(list(COLUMNS), [cells(entry) for entry in entries], NUMERIC_FROM)
    if charted:
        body += picture(
            _way(charted),
            "0 is the best constant answer, 1 the oracle; lines are 95 % intervals. What lies further left "
            "than the axis is drawn at its end. Where the oracle is the solved truth, 1 is an answer without "
            "error.",
        )
    return Section(
        "difficulty",
        "Difficulty",
        f"{open_ones} of {len(entries)} targets leave room between everything tried and the oracle",
        "Each target is given to a constant answer, to what an engineer would do instead, to a decision tree "
        "of depth 3 and to gradient boosting, on days, episodes or pieces of equipment that these have not "
        "seen; the oracle is the simulator's own state. Brackets are 95 % intervals by resampling whole "
        "groups; arrows say which way is better. Base is the rate of what happens, the share of the most "
        "frequent class, or mean and deviation.",
        body,
    )


def _way(entries: Sequence[Entry]) -> str:
    with chart("difficulty", 0.9 + 0.42 * len(entries)) as made:
        axes: Any = made.figure.subplots()
        for row, entry in enumerate(entries):
            for place, (_, colour, marker, of) in enumerate(WHO):
                figure = of(entry)
                if figure is None or figure.value is None:
                    continue
                y = row + 0.24 * (place - 1)
                at = _share(entry, figure.value)
                if figure.low is not None and figure.high is not None:
                    ends = [_share(entry, end) for end in (figure.low, figure.high)]
                    axes.plot(ends, [y, y], color=colour, linewidth=1.4, alpha=0.6)
                axes.plot([at], [y], marker=marker, color=colour, markersize=5, linestyle="")
        for name, colour, marker, _ in WHO:
            axes.plot([], [], marker=marker, color=colour, markersize=5, linestyle="", label=name)
        axes.axvline(1.0, color=INK, linewidth=1.2)
        axes.axvline(0.0, color=GREY, linewidth=0.8)
        axes.set_yticks(range(len(entries)), [entry.title for entry in entries])
        axes.set_ylim(len(entries) - 0.4, -0.6)
        axes.set(xlim=(LEAST - 0.02, 1.08), xlabel="share of the way from a constant answer to the oracle")
        axes.legend(loc="upper left", bbox_to_anchor=(0.0, -0.6 / (0.9 + 0.42 * len(entries))), ncols=3)
        return made.svg("How far opponent, tree and gradient boosting come on the way to the oracle")


def _share(entry: Entry, value: float) -> float:
    """Place of a figure between the constant answer, 0, and the oracle, 1."""
    constant, oracle = entry.constant.value, entry.oracle.value if entry.oracle is not None else None
    if constant is None or oracle is None or oracle == constant:
        return 0.0
    return max((value - constant) / (oracle - constant), LEAST)
