"""The report on a federation of measured datasets: a table of who forecasts how well at which site."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from federation.result import FederationResult
from federation.site_report import FEDERATED, FINE_TUNED, LOCAL_ONLY, POOLED, SiteReport
from models.load_scores import NAIVE
from models.observed_training import Figure
from switchyard.files import write_json_atomic, write_text_atomic
from switchyard.home import Home
from switchyard.screen import brief

COLUMNS = [
    "site", "metric", "federated", "fine-tuned", "local only", "pooled", "best naive", "best learnt opponent",
    "federated ahead of local only by",
]  # fmt: skip

INTRODUCTION = (
    "Each site is a measured dataset whose rows were open to its own process alone. All figures of a site "
    "are of the same rows, its own test days. **Federated** is the global model; **fine-tuned** is that "
    "model after some more training at the site; **local only** is the same algorithm on the site's training "
    "days alone, **pooled** on those of all sites at one place. Opponents learnt from the site's training "
    "days. Intervals are 95 %, from paired resamples of episodes."
)
HONESTY = (
    "Raw rows were not transmitted to form the global model. The figures in this report were reckoned on "
    "this machine from the datasets that lie on it. Differential privacy: none. Secure aggregation: none."
)


def paths(home: Home, registered: str) -> tuple[Path, Path]:
    """JSON and Markdown file of a federation's report."""
    return home.reports / f"federation-{registered}.json", home.reports / f"federation-{registered}.md"


def write(home: Home, result: FederationResult) -> tuple[Path, Path]:
    """Write both reports whole; returns their paths, JSON first."""
    json_path, markdown_path = paths(home, result.model)
    write_json_atomic(json_path, msgspec.to_builtins(result))
    write_text_atomic(markdown_path, markdown(result))
    return json_path, markdown_path


def table(result: FederationResult) -> list[list[str]]:
    """Rows of the table under `COLUMNS`, a line a site and metric."""
    return [
        _line(site, metric)
        for site in result.measured
        for metric in dict.fromkeys(figure.metric for figure in site.figures)
    ]


def markdown(result: FederationResult) -> str:
    """The report as Markdown."""
    row, total = result.comparison.row, sum(result.n.values())
    lines = [f"# Federation of measured datasets: {result.model}", "", INTRODUCTION, ""]
    lines += ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    lines += ["| " + " | ".join(line) + " |" for line in table(result)]
    lines += [
        "",
        f"Family {row.family}, {row.claim}; {row.rounds} rounds of {row.bytes_per_round:,} bytes each.",
        "",
    ]
    for site in result.measured:
        share = f"{site.n:,} training rows ({site.n / total:.0%} of all)"
        lines.append(
            f"- **{site.site}**: {share}, {site.rows:,} test rows in {site.episodes} episodes; {site.split}."
        )
    helped = {site.substation: site.helped for site in result.comparison.sites if site.helped is not None}
    lines += ["", *_told(helped, result)]
    lines += [f"{site} was left out: {reason}." for site, reason in sorted(result.refused.items())]
    lines += [f"Last ledger record: `{result.ledger_head[:16]}`.", "", HONESTY, ""]
    return "\n".join(lines)


def _told(helped: dict[str, bool], result: FederationResult) -> Iterator[str]:
    if not any(one.who == POOLED for site in result.measured for one in site.figures):
        yield "Pooling is forbidden: no model was fitted on rows of more than one site."
        yield ""
    for site, well in helped.items():
        yield (
            f"Validation days of {site} speak {'for' if well else 'against'} its fine-tuned version "
            f"`{result.model}.{site}`."
        )
    if helped:
        yield ""


def _line(site: SiteReport, metric: str) -> list[str]:
    known = {one.who for one in site.figures if one.metric == metric}
    learnt = tuple(sorted(known - {FEDERATED, FINE_TUNED, LOCAL_ONLY, POOLED, *NAIVE}))
    first = next(one for one in site.figures if one.metric == metric)
    mine = [site.figure(who, metric) for who in (FEDERATED, FINE_TUNED, LOCAL_ONLY, POOLED)]
    naive, opponent = site.best(NAIVE, metric), site.best(learnt, metric)
    return [
        site.site,
        f"{metric} {'↑' if first.direction == 'higher' else '↓'}",
        *map(_value, mine),
        _named(naive),
        _named(opponent),
        _ahead(site.figure(LOCAL_ONLY, metric)),
    ]


def _value(one: Figure | None) -> str:
    return "–" if one is None or one.value is None else brief(one.value)


def _named(one: Figure | None) -> str:
    return "–" if one is None else f"{_value(one)} ({one.who})"


def _ahead(one: Figure | None) -> str:
    if one is None or one.ahead is None:
        return "–"
    between = (
        ""
        if one.ahead_low is None or one.ahead_high is None
        else (f" ({brief(one.ahead_low)} to {brief(one.ahead_high)})")
    )
    return f"{brief(one.ahead)}{between}"
