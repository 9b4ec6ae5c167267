"""What a run shows in the Prefect UI: progress, tables, reports, and where the MLflow runs are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from flows.answers import Answered, happened, spoken
from flows.job import Job
from flows.stages.promotion import Outcome, comparison_table
from flows.stages.serving import Published
from flows.up.state import read_state
from models.evaluation import ReportRow
from switchyard.steps import StepRecord

MLFLOW_UI = "http://127.0.0.1:5000"


class ProgressBar:
    """A progress artifact that moves in whole steps of a tenth, so that it costs few calls."""

    def __init__(self, key: str, description: str) -> None:
        self._id: UUID = create_progress_artifact(0.0, key=slug(key), description=description)
        self._shown = 0.0

    def __call__(self, share: float) -> None:
        """Show that `share`, 0 … 1, is done."""
        percent = round(100.0 * share)
        if percent >= 100 or percent - self._shown >= 10:
            update_progress_artifact(self._id, progress=float(percent))
            self._shown = percent


def slug(text: str) -> str:
    """A key as Prefect allows it: lower-case letters, digits and dashes."""
    return "".join(letter if letter.isalnum() else "-" for letter in text.lower())


def contracts(reports: Iterable[dict[str, Any]]) -> None:
    """Table of staged, accepted and quarantined rows."""
    rows = [
        {
            "dataset": report["dataset"],
            **{name: table[name] for name in ("table", "rows", "accepted", "rejected")},
            "rules": ", ".join(f"{rule} ({count})" for rule, count in table["rules"].items()),
            "expectations": "not asked"
            if table["expectations"] is None
            else f"{table['expectations']['asked']} asked, all hold",
        }
        for report in reports
        for table in report["tables"]
    ]
    create_table_artifact(
        rows, key="contracts", description="Rows staged, accepted and quarantined, by table"
    )


def bars(rows: Iterable[ReportRow]) -> None:
    """Table of the models' bars."""
    table = [bar_row(row) for row in rows if row.met is not None]
    create_table_artifact(
        table,
        key="model-bars",
        description="What each model must reach on the training substations' test episodes, and what it did. "
        "The best opponent is what one would use instead; ↑ higher is better, ↓ lower is.",
    )


def bar_row(row: ReportRow) -> dict[str, str]:
    """A bar as a person reads it: the verdict first, figures of four digits, the interval in one cell."""
    interval = "" if row.low is None or row.high is None else f"{figure(row.low)} … {figure(row.high)}"
    opponent = f" ({row.opponent})" if row.opponent is not None else ""
    return {
        "model": row.model,
        "metric": f"{row.metric} {'↑' if row.direction == 'higher' else '↓'}",
        "met": "yes" if row.met else "no",
        "figure": figure(row.value),
        "bar": figure(row.bar),
        "best opponent": figure(row.opponent_value) + opponent,
        "95 %": interval,
        "tree of depth 3": figure(row.tree3),
        "oracle": figure(row.oracle),
    }


def figure(value: float | None) -> str:
    """A figure of four digits; a dash where there is none."""
    return "–" if value is None else f"{value:.4g}"


def federation(rows: Iterable[msgspec.Struct]) -> None:
    """Table of the federation report."""
    table = [
        {
            name.replace("_", " "): figure(value) if value is None or isinstance(value, float) else value
            for name, value in msgspec.to_builtins(row).items()
        }
        for row in rows
    ]
    create_table_artifact(
        table,
        key="federation",
        description="Models that learnt without pooling a row, beside the same algorithm on all rows at one "
        "place (central) and each substation on its own (local only)",
    )


def report(key: str, path: Path, description: str) -> None:
    """A Markdown report as it lies in the home."""
    create_markdown_artifact(path.read_text(encoding="utf-8"), key=key, description=description)


def mlflow_runs(job: Job, records: Iterable[StepRecord], key: str) -> None:
    """Links to the MLflow runs of registered versions, and how to open them."""
    versions = [record.result["version"] for record in records if record.result["version"] is not None]
    up = read_state(job.home)
    address = MLFLOW_UI if up is None else up.url("mlflow") or MLFLOW_UI
    lines = [
        "The links work while the MLflow UI runs on this machine:",
        "",
        "```",
        f"switchyard up --home {job.home.root}",
        "```",
        "",
        "| version | alias | trained by | run |",
        "|---|---|---|---|",
    ]
    for version in versions:
        name, run = version["name"], version["run_id"]
        model = f"[{name} {version['version']}]({address}/#/models/{name}/versions/{version['version']})"
        found = f"[{run[:8]}]({address}/#/runs/{run})"
        lines.append(f"| {model} | {version['alias']} | {version['tags']['trained_by']} | {found} |")
    create_markdown_artifact(
        "\n".join(lines), key=key, description="Registered versions and their runs, with links into MLflow"
    )


def snapshot(published: Published) -> None:
    """Table of what the snapshot routes where."""
    rows = [
        {"substation": substation, "model": model, "registered": name, "version": published.versions[name]}
        for substation, routes in published.routes.items()
        for model, name in routes.items()
    ]
    create_table_artifact(rows, key="snapshot", description=f"Snapshot {published.snapshot}")


def promotion(outcome: Outcome) -> None:
    """Table of a challenger beside the champion, or of what was rolled back to."""
    decision = outcome.decision
    _, columns, rows = comparison_table(decision)
    table = [dict(zip(columns, row, strict=True)) for row in rows]
    create_table_artifact(
        table, key=slug(f"promotion-{decision.model}"), description=f"{decision.decision}: {decision.reason}"
    )


def answers(answered: Sequence[Answered]) -> None:
    """Table of what the endpoint answered beside what truly happened."""
    rows = [
        {
            "substation": asked.substation,
            "episode": asked.scenario_id,
            "point": asked.point,
            "happened": happened(asked),
            "model": found.model,
            "answered": spoken(found.answered) if found.status == "ok" else f"{found.status}: {found.reason}",
            "truth": spoken(found.truth),
            "agrees": found.agrees,
            "version": found.model_version,
        }
        for asked in answered
        for found in asked.comparisons
    ]
    create_table_artifact(rows, key="answers", description="Answers of the endpoint beside the truth")
