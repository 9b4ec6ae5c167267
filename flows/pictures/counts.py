"""What the dataset holds: rows and quarantined rows of each table, and how scenarios ended."""

from __future__ import annotations

from collections import Counter

from flows.pictures.section import Section, table
from flows.pictures.source import Source


def section(source: Source) -> Section:
    """Two tables."""
    reports = {entry["table"]: entry for entry in source.contracts.get("tables", ())}
    rows = []
    for name, held in source.dataset.manifest.tables.items():
        report = reports.get(name)
        rejected = "not known" if report is None else f"{report['rejected']:,}"
        broken = {} if report is None else report["rules"]
        rules = ", ".join(f"{rule}: {count}" for rule, count in broken.items())
        rows.append([name, f"{held.rows:,}", f"{len(held.parts):,}", rejected, rules])
    body = table(["table", "rows", "parts", "quarantined", "rules broken"], rows)
    rejected_rows = sum(entry["rejected"] for entry in reports.values())
    ended = Counter((row["kind"], row["status"], row["reason"] or "") for row in source.scenarios.values())
    if ended:
        body += "<h3>How scenarios ended</h3>" + table(
            ["kind", "scenarios", "status", "reason"],
            [[kind, f"{count:,}", status, reason] for (kind, status, reason), count in sorted(ended.items())],
        )
    total = sum(held.rows for held in source.dataset.manifest.tables.values())
    return Section(
        "counts",
        "Counts",
        f"{total:,} rows, {rejected_rows:,} in quarantine" if reports else f"{total:,} rows",
        "Rows that keep their contract, and those that were put aside because they break it. Scenarios that "
        "have no solution stay listed with their reason.",
        body,
    )
