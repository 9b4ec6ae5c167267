"""`reports/models.json` for programs and `reports/models.md` for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from models.catalogue import definition
from models.evaluation import ALL, HELD_OUT, TRAINING, ReportRow
from switchyard.files import write_json_atomic, write_text_atomic
from switchyard.home import Home

JSON_NAME = "models.json"
MARKDOWN_NAME = "models.md"
INTRODUCTION = (
    "Test episodes of the training substations, and all episodes of the held-out ones. Intervals are 95 % "
    "bootstrap intervals by episode. A bar is met when the figure reaches it and is better than that of the "
    "opponents that the model's declaration names, where it says so by a paired interval that excludes zero."
)


class Footprint(msgspec.Struct, frozen=True):
    """What a compiled model costs, and how long its native library takes.

    Attributes:
        model: Name of the model.
        version: Its version; None where it is not registered.
        compiled_bytes: Size of the compiled graph.
        one_row_us: Time of one row by the compiled graph, µs.
        batch_row_us: Time of a row of a thousand by the compiled graph, µs.
        rows_trained: Training rows.
        windows_left_out: Windows that could not be used.
        native_row_us: Time of one row by the native library's `predict`, µs; None where there is no native
            estimator.
    """

    model: str
    version: int | None
    compiled_bytes: int
    one_row_us: float
    batch_row_us: float
    rows_trained: int
    windows_left_out: int
    native_row_us: float | None = None


def write(home: Home, rows: Iterable[ReportRow], footprints: Sequence[Footprint]) -> tuple[str, str]:
    """Write both reports whole; returns their paths, JSON first."""
    listed = list(rows)
    json_path, markdown_path = home.reports / JSON_NAME, home.reports / MARKDOWN_NAME
    write_json_atomic(json_path, [msgspec.to_builtins(row) for row in listed])
    write_text_atomic(markdown_path, markdown(listed, footprints))
    return str(json_path), str(markdown_path)


def markdown(rows: Sequence[ReportRow], footprints: Sequence[Footprint]) -> str:
    """The report as Markdown: bars first, then each model's figures by substation and kind."""
    lines = ["# Models", "", INTRODUCTION, "", "## Bars", ""]
    lines += _table(
        ("model", "metric", "figure", "95 %", "bar", "met", "best opponent", "tree of depth 3", "oracle"),
        [
            (
                row.model,
                row.metric,
                _number(row.value),
                _interval(row),
                _number(row.bar),
                "yes" if row.met else "no",
                _opponent(row),
                _number(row.tree3),
                _number(row.oracle),
            )
            for row in rows
            if row.met is not None
        ],
    )
    for name in dict.fromkeys(row.model for row in rows):
        lines += _model_section(name, [row for row in rows if row.model == name], footprints)
    return "\n".join(lines) + "\n"


def _model_section(name: str, rows: Sequence[ReportRow], footprints: Sequence[Footprint]) -> list[str]:
    declared = definition(name.partition(".")[0])
    lines = ["", f"## {name}", "", f"{declared.title}. Target: {declared.target.description}.", ""]
    for cost in footprints:
        if cost.model == name:
            version = "not registered" if cost.version is None else f"version {cost.version}"
            text = (
                f"{version}; trained on {cost.rows_trained:,} windows, {cost.windows_left_out:,} left out "
                "for want of a measured input or a defined truth; "
                f"compiled {cost.compiled_bytes / 1024:.0f} KiB; "
                f"one row {_one_row(cost)}, {cost.batch_row_us:.1f} µs a row of a thousand."
            )
            lines += [text, ""]
    header = ("where", "metric", "figure", "95 %", "best opponent", "tree of depth 3", "oracle")
    for where in (TRAINING, HELD_OUT):
        chosen = [row for row in rows if row.substation == where]
        if chosen:
            lines += [f"### {name}: {where}", "", *_table(header, [_line(row) for row in chosen]), ""]
    own = [row for row in rows if row.substation not in {TRAINING, HELD_OUT} and row.slice == ALL]
    if own:
        lines += [
            f"### {name}: each substation",
            "",
            *_table(header, [_line(row, own=True) for row in own]),
            "",
        ]
    return lines


def _one_row(cost: Footprint) -> str:
    if cost.native_row_us is None:
        return f"{cost.one_row_us:.1f} µs compiled (no native estimator)"
    times = cost.native_row_us / max(cost.one_row_us, 0.1)
    return f"{cost.one_row_us:.1f} µs compiled, {cost.native_row_us:,.0f} µs native ({times:,.0f} ×)"


def _line(row: ReportRow, *, own: bool = False) -> tuple[str, ...]:
    return (
        row.substation if own else row.slice,
        row.metric,
        _number(row.value),
        _interval(row),
        _opponent(row),
        _number(row.tree3),
        _number(row.oracle),
    )


def _table(header: tuple[str, ...], body: Sequence[tuple[str, ...]]) -> list[str]:
    return [
        "| " + " | ".join(header) + " |",
        "|" + "---|" * len(header),
        *("| " + " | ".join(line) + " |" for line in body),
    ]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _interval(row: ReportRow) -> str:
    return "–" if row.low is None or row.high is None else f"{row.low:.4f} … {row.high:.4f}"


def _opponent(row: ReportRow) -> str:
    return "–" if row.opponent is None else f"{_number(row.opponent_value)} ({row.opponent})"
