"""What a run tells at its end: tables for people, and the next commands to type."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from flows.answers import Answered, Comparison, happened, silence, spoken, tallies
from flows.job import Job
from flows.stages.serving import Published
from switchyard.steps import StepRecord


class Table(msgspec.Struct, frozen=True):
    """A table of texts: its title, its columns, its rows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Summary(msgspec.Struct, frozen=True):
    """What came out of a run; JSON-able by `msgspec.to_builtins`.

    Attributes:
        profile: The profile.
        home: Where everything lies.
        snapshot: What is served now.
        tables: Bars of the models, federation, answers.
        look: What to look at and with which command, in pairs.
    """

    profile: str
    home: str
    snapshot: str
    tables: tuple[Table, ...]
    look: tuple[tuple[str, str], ...]

    @classmethod
    def of(
        cls,
        job: Job,
        trained: Mapping[str, StepRecord],
        federated: Mapping[str, StepRecord],
        published: Published,
        answered: Sequence[Answered],
    ) -> Summary:
        """Summarise the records of a run."""
        tables = (_bars(trained.values()), _federation(federated.values()), _answers(answered))
        return cls(
            profile=job.profile.name,
            home=str(job.home.root),
            snapshot=published.snapshot,
            tables=tuple(table for table in tables if table.rows),
            look=_look(job),
        )


def _bars(records: Iterable[StepRecord]) -> Table:
    rows = tuple(
        (
            row["model"],
            row["metric"],
            _number(row["value"]),
            f"{_number(row['low'])} … {_number(row['high'])}",
            _number(row["bar"]),
            "met" if row["met"] else "missed",
            f"{_number(row['opponent_value'])} ({row['opponent']})" if row["opponent"] else "",
        )
        for record in records
        for row in record.result["rows"]
        if row["met"] is not None
    )
    columns = ("model", "metric", "figure", "95 %", "bar", "", "best opponent")
    return Table("Models, on test episodes of the training substations", columns, rows)


def _federation(records: Iterable[StepRecord]) -> Table:
    found: list[Mapping[str, Any]] = [record.result["comparison"]["row"] for record in records]
    rows = tuple(
        (
            row["model"],
            row["metric"],
            row["claim"],
            *(_number(row[name]) for name in ("central", "federated", "fine_tuned", "local_only")),
            *(_number(row[name]) for name in ("held_out_federated", "held_out_local_only")),
        )
        for row in found
    )
    columns = (
        *("model", "metric", "claim", "all rows pooled", "federated", "fine-tuned", "local only"),
        *("held out: federated", "held out: local only"),
    )
    return Table("Federation", columns, rows)


def _answers(answered: Sequence[Answered]) -> Table:
    rows = tuple(
        (
            one.model,
            f"{one.answered} of {one.asked}",
            f"{one.right} of {one.judged}" if one.judged else "–",
            silence(one),
            "" if one.example is None else _example(*one.example),
        )
        for one in tallies(answered)
    )
    columns = ("model", "answered", "right", "not answered", "for example")
    return Table("Requests about held-out episodes, each in reports/answers.md", columns, rows)


def _example(asked: Answered, found: Comparison) -> str:
    return f"{asked.substation} {asked.point}, {happened(asked)}: {spoken(found.answered)}"


def _look(job: Job) -> tuple[tuple[str, str], ...]:
    home = job.home
    return (
        ("reports", f"{home.reports / 'models.md'}, federation.md, contracts.md, answers.md"),
        ("runs, model versions, the service", f"{_tool('switchyard')} up --home {home.root}"),
        ("only answer requests", f"{_tool('switchyard')} serve --home {home.root}"),
    )


def _tool(name: str) -> str:
    """A command of this environment as it can be typed here."""
    tool = Path(sys.executable).parent / name
    if shutil.which(name) == str(tool):
        return name
    return str(tool.relative_to(Path.cwd())) if tool.is_relative_to(Path.cwd()) else str(tool)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
