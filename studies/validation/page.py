"""`docs/validation.md`: every case with source, published number, ours, difference and tolerance."""

from __future__ import annotations

from pathlib import Path

from studies.validation import components, engines, iec60909_4, ieee13, ieee34, resonance, thermal
from studies.validation.case import Case, Figure

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"

INTRODUCTION = """\
# Validation

What Switchyard calculates beside numbers that others have published or that follow in closed form. The page
is written by `make validate`; `tests/studies/test_validation.py` fails when a difference exceeds its
tolerance or when the page is out of date. Differences are ours less the published number, to the digits
shown.
"""


def cases() -> list[Case]:
    """All cases, calculated."""
    return [
        iec60909_4.case(),
        ieee13.case(),
        ieee34.case(),
        engines.case(),
        resonance.case(),
        components.case(),
        thermal.iec(),
        thermal.ageing(),
    ]


def page(found: list[Case]) -> str:
    """The whole page as Markdown."""
    failing = [figure for case in found for figure in case.figures if not figure.passes]
    count = sum(len(case.figures) for case in found)
    summary = f"{count} figures of {len(found)} cases; {len(failing)} outside the tolerance."
    lines = [INTRODUCTION, summary, "", "| case | figures | largest share of a tolerance |", "|---|---|---|"]
    for case in found:
        share = max(abs(figure.difference) / figure.tolerance for figure in case.figures)
        lines.append(f"| {case.title} | {len(case.figures)} | {_percent(share)} |")
    for case in found:
        lines += [
            "",
            f"## {case.title}",
            "",
            f"Source: {case.source}.",
            "",
            case.about,
            "",
            "| quantity | unit | published | ours | difference | tolerance | |",
            "|---|---|---|---|---|---|---|",
            *(_row(figure) for figure in case.figures),
        ]
    return "\n".join([*lines, ""])


def _row(figure: Figure) -> str:
    cells = (
        figure.quantity,
        figure.unit,
        f"{figure.published:.{figure.decimals}f}",
        f"{figure.ours:.{figure.decimals}f}",
        _difference(figure),
        f"{figure.tolerance:g}",
        "" if figure.passes else "**outside**",
    )
    return "| " + " | ".join(cells) + " |"


def _difference(figure: Figure) -> str:
    """To the digit that is shown: what lies below it differs from machine to machine."""
    shown = round(figure.difference, figure.decimals)
    return f"{shown:+.{figure.decimals}f}" if shown else f"< {0.5 * 10.0**-figure.decimals:g}"


def _percent(share: float) -> str:
    # In steps of 5 %, so that a last bit does not change the page.
    return "< 5 %" if share < 0.05 else f"{5 * round(20.0 * share)} %"
