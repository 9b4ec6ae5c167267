"""A trained model's figures as a table for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows.job import Job
from models.catalogue import definition
from models.evaluation import ALL, HELD_OUT, TRAINING
from switchyard.screen import brief
from switchyard.steps import StepRecord

COLUMNS = ["where", "metric", "figure", "95 %", "best opponent", "tree of depth 3", "oracle", "bar", "met"]


def score_table(job: Job, record: StepRecord) -> tuple[str, list[str], list[list[str]]]:
    """Title, columns and rows: the main metrics on the model's own test episodes, then on held-out ones.

    Args:
        job: The run.
        record: Record of the stage `train` of the model.
    """
    registered = str(record.result["model"])
    name, _, substation = registered.partition(".")
    trained = (substation,) if substation else job.profile.training
    unseen = [one for one in job.profile.held_out if one not in trained]
    declared = definition(name)
    main = {metric.name for metric in declared.metrics if not metric.detail}
    where = {TRAINING: f"test of {', '.join(trained)}", HELD_OUT: f"held out: {', '.join(unseen)}"}
    rows = [
        _cells(where[row["substation"]], row)
        for row in record.result["rows"]
        if row["slice"] == ALL and row["substation"] in where and row["metric"] in main
    ]
    return f"{registered}: {declared.title}", COLUMNS, rows


def _cells(where: str, row: Mapping[str, Any]) -> list[str]:
    arrow = "↑" if row["direction"] == "higher" else "↓"
    interval = "" if row["low"] is None else f"{brief(row['low'])} to {brief(row['high'])}"
    opponent = "" if row["opponent"] is None else f"{_figure(row['opponent_value'])} ({row['opponent']})"
    met = {True: "yes", False: "no", None: ""}[row["met"]]
    return [
        where,
        f"{row['metric']} {arrow}",
        _figure(row["value"]),
        interval,
        opponent,
        *(_figure(row[name]) for name in ("tree3", "oracle", "bar")),
        met,
    ]


def _figure(value: float | None) -> str:
    return "" if value is None else brief(value)
