"""The contracts' report: what was staged, accepted and quarantined, and what the expectations said.

`reports/contracts/<dataset>.json` holds one dataset, `reports/contracts.json` and `reports/contracts.md` all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from data_contracts.tables import TABLES
from data_contracts.validation import TableValidation
from data_contracts.verdicts import EnforcementReport, TableReport
from switchyard.files import read_json, write_json_atomic, write_text_atomic
from switchyard.home import Home


def _table(report: TableReport, validation: TableValidation | None) -> dict[str, Any]:
    return {
        "table": report.table,
        "files": len(report.files),
        "rows": report.rows,
        "accepted": report.accepted,
        "rejected": report.rejected,
        "rejected_share": report.share,
        "rules": report.rules,
        "first": [
            {"file": file.file, **msgspec.to_builtins(file.first)}
            for file in report.files
            if file.first is not None
        ],
        "expectations": None
        if validation is None
        else {
            "asked": len(validation.outcomes),
            "sampled_rows": validation.sampled,
            "success": validation.success,
            "broken": {found.rule: found.broken for found in validation.outcomes if not found.success},
        },
    }


def write_report(
    home: Home, enforcement: EnforcementReport, validations: Iterable[TableValidation] = ()
) -> dict[str, Any]:
    """Write a dataset's report and renew the one over all datasets.

    Args:
        home: Where reports are kept.
        enforcement: What became of the staged rows.
        validations: What Great Expectations said, where it was asked.

    Returns:
        The dataset's report as it was written.
    """
    by_table = {validation.table: validation for validation in validations}
    report = {
        "dataset": enforcement.dataset,
        "contract_version": enforcement.contract_version,
        "rows": enforcement.rows,
        "rejected": enforcement.rejected,
        "quarantine": f"quarantine/{enforcement.dataset}",
        "data_docs": f"data_docs/{enforcement.dataset}/index.html" if by_table else None,
        "tables": [_table(table, by_table.get(table.table)) for table in enforcement.tables],
    }
    folder = home.reports / "contracts"
    write_json_atomic(folder / f"{enforcement.dataset}.json", report)
    reports = [read_json(path) for path in sorted(folder.glob("*.json"))]
    write_json_atomic(home.reports / "contracts.json", reports)
    write_text_atomic(home.reports / "contracts.md", markdown(reports))
    return report


def markdown(reports: list[dict[str, Any]]) -> str:
    """The reports of some datasets as one Markdown page."""
    lines = [
        "# Contracts",
        "",
        "Rows that were staged, and what became of them. Rules: docs/contracts.md.",
        "",
    ]
    lines += ["| dataset | table | files | rows | accepted | quarantined | share | expectations |"]
    lines += ["|---|---|---:|---:|---:|---:|---:|---|"]
    for report in reports:
        lines += [_line(report["dataset"], table) for table in report["tables"]]
    for report in reports:
        lines += _rejects(report)
        if report["data_docs"]:
            lines += ["", f"Data Docs of {report['dataset']}: [{report['data_docs']}]({report['data_docs']})"]
    return "\n".join(lines) + "\n"


def _line(dataset: str, table: dict[str, Any]) -> str:
    asked = table["expectations"]
    if asked is None:
        said = "not asked"
    elif asked["success"]:
        said = f"{asked['asked']} hold on {asked['sampled_rows']:,} rows"
    else:
        said = "broken: " + ", ".join(f"{rule} ({count})" for rule, count in asked["broken"].items())
    return (
        f"| {dataset} | {table['table']} | {table['files']} | {table['rows']:,} | {table['accepted']:,} "
        f"| {table['rejected']:,} | {table['rejected_share']:.3%} | {said} |"
    )


def _rejects(report: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for table in report["tables"]:
        if not table["rejected"]:
            continue
        rules = {rule.name: rule for rule in TABLES[table["table"]].rules}
        lines += [
            "",
            f"## {report['dataset']}: {table['table']}",
            "",
            "| rule | rows | remedy |",
            "|---|---:|---|",
        ]
        for name, count in table["rules"].items():
            remedy = rules[name].remedy if name in rules else "see docs/contracts.md"
            lines.append(f"| {name} | {count:,} | {remedy} |")
        first = table["first"][0]
        lines += ["", f"First: {first['file']}, row {first['row']}: {first['detail']} (`{first['rule']}`)."]
    return lines
