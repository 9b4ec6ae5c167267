"""`reports/federation.json` for programs and `reports/federation.md` for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from federation.comparison import LEAST_TUNED, FederationRow, SiteFigures
from federation.plans import plan
from federation.result import FederationResult
from federation.telling import differences, gains, judged
from switchyard.files import write_json_atomic, write_text_atomic
from switchyard.home import Home

JSON_NAME, MARKDOWN_NAME = "federation.json", "federation.md"

INTRODUCTION = (
    "Each substation trained on its own rows, in a process that could open no other dataset. What left it "
    "is listed, with its bytes, in the ledger. **Central** is the same algorithm on all rows at one place, "
    "which only a simulation can do. **Fine-tuned** is the global model after some more training at each "
    "substation, where its validation rows say that this helped, else the global model as it is. "
    "**Local only** is each substation's own model. Figures are means over "
    "the training substations, each on its own test episodes; held out is a substation that took no part. "
    "Recalls are compared at one false alarm in a hundred normal windows, for every model alike."
)
DIFFERENCES = (
    "How far the substations lie apart is told by the means and spreads that a round sends anyway: the "
    "distance is the least 2-Wasserstein distance between a substation's rows and all rows that these allow, "
    "in standard deviations of all rows, one input at a time. It does not see how inputs hang together, nor "
    "whether the same input means the same everywhere; who gains and who loses does. A figure counts as the "
    "same where it differs by no more than a hundredth."
)
HONESTY = (
    "Raw rows were not transmitted. Updates can still leak information about them: a histogram tells how "
    "many rows of a class lie in a bin, an isolation tree in which box few rows lie, and a network that was "
    "trained at one site can be asked what it has seen. Differential privacy: "
    "none. Secure aggregation: none."
)


def write(home: Home, results: Sequence[FederationResult]) -> tuple[Path, Path]:
    """Write both reports whole; returns their paths, JSON first."""
    json_path, markdown_path = home.reports / JSON_NAME, home.reports / MARKDOWN_NAME
    write_json_atomic(json_path, [msgspec.to_builtins(result.comparison.row) for result in results])
    write_text_atomic(markdown_path, markdown(results))
    return json_path, markdown_path


def markdown(results: Sequence[FederationResult]) -> str:
    """The report as Markdown: one table, then a section a model."""
    lines = ["# Federation", "", INTRODUCTION, "", DIFFERENCES, ""]
    lines += _table(
        (
            "model",
            "metric",
            "central",
            "federated",
            "of central",
            "fine-tuned",
            "bar",
            "local only",
            "held out: federated",
            "held out: local only",
            "rounds",
            "bytes a round",
        ),
        [_summary(result.comparison.row) for result in results],
    )
    for result in results:
        lines += _section(result)
    lines += ["", "## What this does and does not protect", "", HONESTY, ""]
    return "\n".join(lines)


def _summary(row: FederationRow) -> tuple[str, ...]:
    return (
        row.model,
        row.metric,
        _number(row.central),
        _number(row.federated),
        _number(row.ratio, 6),
        _number(row.fine_tuned),
        f"{_bar(row)}: {'met' if row.met else 'missed'}",
        _number(row.local_only),
        _number(row.held_out_federated),
        _number(row.held_out_local_only),
        str(row.rounds),
        f"{row.bytes_per_round:,}",
    )


def _bar(row: FederationRow) -> str:
    if row.claim in {"exact", "surrogate"}:
        return "1.000 of central to 1e-6"
    tuned = "" if row.fine_tuned is None else f", fine-tuned ≥ {LEAST_TUNED:g}"
    return f"≥ {row.least:g} of central{tuned}"


def _section(result: FederationResult) -> list[str]:
    row, total = result.comparison.row, sum(result.n.values())
    version = "not registered" if result.version is None else f"version {result.version.version}"
    shares = ", ".join(f"{site} {rows:,} ({rows / total:.0%})" for site, rows in sorted(result.n.items()))
    lines = [
        "",
        f"## {result.model}",
        "",
        f"Family {row.family}, {row.claim}; {version}. Training rows: {shares}; {total:,} together.",
        "",
        *_table(
            ("substation", "central", "federated", "fine-tuned", "helped", "local only"),
            [_site(site) for site in result.comparison.sites],
        ),
        "",
    ]
    lines += [*gains(result), "", *differences(result), ""]
    lines += [f"{site} was left out: {reason}." for site, reason in sorted(result.refused.items())]
    lines += judged(result)
    if result.comparison.held_out_difference is not None:
        value, low, high = (_signed(part) for part in result.comparison.held_out_difference)
        lines += [
            f"Federated minus mean local-only on the held-out substation: {value} (95 % {low} … {high})."
        ]
    if result.fine_tuned:
        names = ", ".join(f"`{own.name}` version {own.version}" for own in result.fine_tuned)
        lines += [f"Fine-tuned versions: {names}."]
    if row.fine_tuned is None:
        lines += [f"No fine-tuned version: {plan(result.model).fine_tuning}."]
    lines += [f"Last ledger record: `{result.ledger_head[:16]}`."]
    return lines


def _site(site: SiteFigures) -> tuple[str, ...]:
    helped = "–" if site.helped is None else ("yes" if site.helped else "no")
    figures = (site.central, site.federated, site.fine_tuned)
    return (site.substation, *map(_number, figures), helped, _number(site.local_only))


def _table(header: tuple[str, ...], body: Sequence[tuple[str, ...]]) -> list[str]:
    return [
        "| " + " | ".join(header) + " |",
        "|" + "---|" * len(header),
        *("| " + " | ".join(line) + " |" for line in body),
    ]


def _number(value: float | None, digits: int = 4) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.4f}"
