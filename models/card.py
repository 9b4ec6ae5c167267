"""Model cards: what a version is for, what it was trained on, how well it does and where not to trust it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from models.evaluation import ALL, HELD_OUT, TRAINING, ReportRow
from models.protocol import Definition


def write(
    definition: Definition[Any], rows: Sequence[ReportRow], tags: Mapping[str, str], params: Mapping[str, Any]
) -> str:
    """The card in Markdown; it becomes the version's description.

    Args:
        definition: The model.
        rows: Its rows of the report.
        tags: The version's tags, which name data and code by digest.
        params: Parameters that it was fitted with.
    """
    algorithm = definition.algorithm[:1].upper() + definition.algorithm[1:]
    lines = [
        f"# {definition.name}",
        "",
        f"{definition.title}. {algorithm}, declaration {definition.version}.",
        "",
        f"**Target.** {definition.target.description}.",
        "",
        f"**Inputs.** {inputs(definition.features)}; at points of kind {', '.join(definition.point_kinds)}.",
        "",
        "**Data.** " + "; ".join(f"{name} `{value[:16]}`" for name, value in sorted(tags.items()) if value),
        "",
        "**Parameters.** " + ", ".join(f"{name} = {value}" for name, value in sorted(params.items())),
        "",
        "| metric | where | figure | 95 % | best opponent | bar | met |",
        "|---|---|---|---|---|---|---|",
    ]
    main = {metric.name for metric in definition.metrics if not metric.detail}
    lines += [
        _line(row)
        for row in rows
        if row.slice == ALL and row.substation in {TRAINING, HELD_OUT} and row.metric in main
    ]
    kinds = [row for row in rows if row.slice != ALL and row.substation == TRAINING]
    chosen = [row for row in kinds if row.metric == definition.headline]
    if chosen:
        lines += ["", f"`{definition.headline}` by kind: " + ", ".join(_short(row) for row in chosen) + "."]
    lines += ["", f"**Limits.** {definition.limits}", "", "Trained on simulated data only."]
    return "\n".join(lines) + "\n"


def _line(row: ReportRow) -> str:
    opponent = "–" if row.opponent_value is None else f"{row.opponent_value:.4f} ({row.opponent})"
    between = "–" if row.low is None or row.high is None else f"{row.low:.4f} … {row.high:.4f}"
    bar = "–" if row.bar is None else f"{row.bar:.4f}"
    met = "" if row.met is None else ("yes" if row.met else "no")
    return (
        f"| {row.metric} | {row.substation} | {_number(row.value)} | {between} | {opponent} | {bar} | {met} |"
    )


def _short(row: ReportRow) -> str:
    return f"{row.slice} {_number(row.value)}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def inputs(names: Iterable[str]) -> str:
    """Names, a feature of several steps once with its first and last step."""
    steps: dict[str, list[str]] = {}
    for name in names:
        base, _, step = name.partition(".")
        steps.setdefault(base, []).append(step)
    return ", ".join(
        f"`{base}.{found[0]}` … `.{found[-1]}`" if len(found) > 1 else f"`{base}`"
        for base, found in steps.items()
    )
