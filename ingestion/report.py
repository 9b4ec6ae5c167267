"""What became of some files, for people (Markdown) and programs (JSON)."""

from __future__ import annotations

import datetime as dt

import msgspec

from data_contracts.observed import Source
from ingestion.captures import Capture
from ingestion.findings import Finding
from ingestion.following import Gap, Timeline
from switchyard.files import write_json_atomic, write_text_atomic
from switchyard.home import Home


class Rejected(msgspec.Struct, kw_only=True):
    """Rows that broke one rule: how many, the rule, what to do, and the first of them."""

    rule: str
    rows: int
    description: str
    remedy: str
    file: str
    row: int
    detail: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A gap: the rows before and after, ISO 8601 in UTC, the steps missing, and where."""

    series: str
    after: str
    before: str
    missing: int
    file: str
    row: int


class Ingested(msgspec.Struct, kw_only=True):
    """What became of some files.

    Attributes:
        dataset: Name of the dataset.
        table: Table of it.
        published: Whether the rows are in the dataset now.
        digest: Digest of the dataset's content; "" if not published.
        rows: Rows that were read, a series each.
        accepted: Rows that keep the contract.
        quarantined: Rows that do not.
        step_s: Time between rows, s; 0 where there is no steady step.
        first: Time of the first accepted row, ISO 8601 in UTC.
        last: Time of the last one.
        columns: Columns of the contract that are filled.
        sources: Files.
        rejected: By rule, most rows first.
        findings: What only many rows tell.
        gaps: The first gaps of each series.
        captures: What waveforms show.
        quarantine: Folder of the rejected rows, below the home.
    """

    dataset: str
    table: str
    published: bool = False
    digest: str = ""
    rows: int = 0
    accepted: int = 0
    quarantined: int = 0
    step_s: float = 0.0
    first: str = ""
    last: str = ""
    columns: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    rejected: list[Rejected] = []
    findings: list[Finding] = []
    gaps: list[Told] = []
    captures: list[Capture] = []
    quarantine: str = ""

    @property
    def share(self) -> float:
        """Share of the rows that is in the quarantine."""
        return self.quarantined / self.rows if self.rows else 0.0


def iso(ms: float) -> str:
    """An instant as ISO 8601 in UTC."""
    return dt.datetime.fromtimestamp(ms / 1e3, dt.UTC).isoformat().replace("+00:00", "Z")


def told(series: str, gap: Gap) -> Told:
    """A gap for the report."""
    return Told(
        series=series,
        after=iso(gap.after_ms),
        before=iso(gap.before_ms),
        missing=gap.missing,
        file=gap.file,
        row=gap.row,
    )


def span(timelines: dict[str, Timeline]) -> tuple[str, str]:
    """First and last time of all series, "" without rows."""
    known = [line for line in timelines.values() if line.rows]
    if not known:
        return "", ""
    return iso(min(line.first_ms for line in known)), iso(max(line.last_ms for line in known))


def write_report(home: Home, found: Ingested) -> None:
    """Write `reports/ingest/<dataset>.<table>.json` and `.md`."""
    folder = home.reports / "ingest"
    write_json_atomic(folder / f"{found.dataset}.{found.table}.json", msgspec.to_builtins(found))
    write_text_atomic(folder / f"{found.dataset}.{found.table}.md", markdown(found))


def markdown(found: Ingested) -> str:
    """The report as a page."""
    state = f"content {found.digest[:12]}" if found.published else "**not published**"
    counts = f"{found.accepted:,} of {found.rows:,} rows accepted"
    lines = [
        f"# {found.dataset}: {found.table}",
        "",
        f"{counts}, {found.quarantined:,} in `{found.quarantine}`; {state}.",
        f"{found.first} to {found.last}, step {found.step_s:g} s. Columns: {', '.join(found.columns)}.",
        "",
        "| file | rows | SHA-256 |",
        "|---|---:|---|",
        *(f"| {source.file} | {source.rows:,} | {source.sha256[:12]} |" for source in found.sources),
    ]
    if found.rejected:
        lines += ["", "## Rejected rows", "", "| rule | rows | first | what must hold | what to do |"]
        lines += ["|---|---:|---|---|---|"]
        lines += [
            f"| {one.rule} | {one.rows:,} | {one.file}, row {one.row}: {one.detail} | {one.description} "
            f"| {one.remedy} |"
            for one in found.rejected
        ]
    if found.findings:
        lines += ["", "## Findings", "", "| severity | finding | what to do |", "|---|---|---|"]
        lines += [f"| {one.severity} | {one.text()} | {one.remedy} |" for one in found.findings]
    if found.gaps:
        lines += ["", "## Gaps", "", "| series | after | before | missing rows |", "|---|---|---|---:|"]
        lines += [f"| {gap.series} | {gap.after} | {gap.before} | {gap.missing:,} |" for gap in found.gaps]
    if found.captures:
        lines += [
            "",
            "## Records",
            "",
            "| record | point | section | V RMS | VUF % | sags |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_capture(capture) for capture in found.captures]
    return "\n".join(lines) + "\n"


def sags_in_words(capture: Capture) -> str:
    """A capture's sags in one line."""
    return "; ".join(
        f"{sag.residual_pu:.3f} pu of phase {sag.phase} for {sag.duration_s * 1e3:.0f} ms"
        + ("" if sag.ended else " (to the record's end)")
        for sag in capture.sags
    )


def _capture(capture: Capture) -> str:
    volts = ", ".join(f"{value:.1f}" for value in capture.v_rms_v)
    vuf = "" if capture.vuf_pct is None else f"{capture.vuf_pct:.2f}"
    place = f"{capture.file} | {capture.point} | {capture.section}"
    return f"| {place} | {volts} | {vuf} | {sags_in_words(capture)} |"
