"""`reports/difficulty.json` and the same as Markdown: how hard every target of every substation is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from flows.difficulty.cases import Campaign
from flows.difficulty.judging import Entry, Figure, judge
from flows.difficulty.targets import targets
from switchyard.files import read_json, write_json_atomic, write_text_atomic
from switchyard.home import Home
from switchyard.log import get_logger

VERSION = 1
"""Raised when figures of the same dataset would come out otherwise."""

COLUMNS = (
    "target",
    "rows",
    "groups",
    "base",
    "metric",
    "constant",
    "opponent",
    "tree",
    "learner",
    "oracle",
    "verdict",
)


def path(home: Home) -> Path:
    """The report in a home."""
    return home.reports / "difficulty.json"


def entries(campaign: Campaign, known: Iterable[Entry] = ()) -> list[Entry]:
    """Every target's entry at one substation.

    Args:
        campaign: Its tables.
        known: Entries of an earlier report; they are taken over where the dataset's content is the same.
    """
    same = [entry for entry in known if entry.digest == campaign.dataset.digest]
    if same:
        return same
    found = [judge(campaign, target) for target in targets()]
    made = [entry for entry in found if entry is not None]
    get_logger("flows").info(
        "%s: difficulty of %d targets, %.0f s",
        campaign.dataset.name,
        len(made),
        sum(one.seconds for one in made),
    )
    return made


def read(home: Home) -> list[Entry]:
    """The entries of an earlier report; none where there is none, or where it was made in another way."""
    file = path(home)
    if not file.exists():
        return []
    held = read_json(file)
    if held.get("version") != VERSION:
        return []
    return msgspec.convert(held["targets"], list[Entry])


def write(home: Home, made: Iterable[Entry]) -> None:
    """Write the report, as JSON and as Markdown beside it."""
    held = list(made)
    write_json_atomic(path(home), {"version": VERSION, "targets": msgspec.to_builtins(held)})
    write_text_atomic(path(home).with_suffix(".md"), markdown(held))


def markdown(made: list[Entry]) -> str:
    """A table of each substation."""
    lines = ["# How hard the targets are", ""]
    for substation in dict.fromkeys(entry.substation for entry in made):
        own = [entry for entry in made if entry.substation == substation]
        lines += [f"## {substation}", "", "| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
        lines += ["| " + " | ".join(cells(entry)) + " |" for entry in own]
        lines.append("")
    return "\n".join(lines)


def cells(entry: Entry) -> list[str]:
    """An entry as the texts of a row, in the order of `COLUMNS`."""
    opponent = "–" if entry.opponent is None else f"{_figure(entry.opponent)} ({entry.best_opponent})"
    base = (
        _number(entry.centre)
        if entry.spread is None
        else f"{_number(entry.centre)} ± {_number(entry.spread)}"
    )
    sign = "↑" if entry.direction == "higher" else "↓"
    return [
        entry.title,
        f"{entry.rows:,}",
        f"{entry.groups:,} × {entry.grouped}",
        base,
        f"{entry.metric.replace('_', ' ')}{f', {entry.unit}' if entry.unit else ''} {sign}",
        _number(entry.constant.value),
        opponent,
        _figure(entry.tree3),
        _figure(entry.learner),
        "–" if entry.oracle is None else _figure(entry.oracle),
        entry.verdict,
    ]


def _figure(of: Figure) -> str:
    if of.value is None:
        return "–"
    if of.low is None or of.high is None or of.low == of.high:
        return _number(of.value)
    return f"{_number(of.value)} [{_number(of.low)}, {_number(of.high)}]"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:.4g}"
