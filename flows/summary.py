"""What a run tells at its end: tables for people, and the next commands to type."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from flows.answers import Answered, happened, spoken
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
            asked.substation if first else "",
            asked.point if first else "",
            happened(asked) if first else "",
            found.model,
            spoken(found.answered) if found.status == "ok" else f"{found.status}: {found.reason}",
            {True: "right", False: "wrong", None: "–"}[found.agrees],
        )
        for asked in answered
        for first, found in ((found is asked.comparisons[0], found) for found in asked.comparisons)
    )
    columns = ("substation", "point", "what truly happened", "model", "the endpoint answered", "")
    return Table("Requests about held-out episodes", columns, rows)


def _look(job: Job) -> tuple[tuple[str, str], ...]:
    home = job.home
    mlflow = f"{_tool('mlflow')} ui --workers 1 --backend-store-uri {home.mlflow_uri}"
    return (
        ("reports", f"{home.reports / 'models.md'}, federation.md, contracts.md, answers.md"),
        ("compare model versions", f"MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false {mlflow}"),
        ("this run, its logs and tables", f"PREFECT_HOME={home.prefect} {_tool('prefect')} server start"),
        ("answer requests", f"{_tool('switchyard')} serve --home {home.root}"),
    )


def _tool(name: str) -> str:
    """A command of this environment as it can be typed here."""
    tool = Path(sys.executable).parent / name
    if shutil.which(name) == str(tool):
        return name
    return str(tool.relative_to(Path.cwd())) if tool.is_relative_to(Path.cwd()) else str(tool)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
