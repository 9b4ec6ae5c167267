"""The page of one substation: every picture that its tables allow, in one file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import substations
from data_contracts.dataset import Dataset
from flows.difficulty import report as difficulties
from flows.difficulty.cases import Campaign
from flows.difficulty.judging import Entry
from flows.job import Job
from flows.pictures import (
    counts,
    day,
    diagram,
    difficulty,
    frequency,
    labels,
    strips,
    voltage_events,
    waveform,
)
from flows.pictures.section import Section
from flows.pictures.source import Source
from flows.pictures.style import escape
from flows.run_lock import run_lock
from switchyard.files import read_json, write_text_atomic
from switchyard.log import get_logger

CSS = """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 1180px; padding: 24px 28px 60px; background: #fff; color: #22272e;
  font: 15px/1.5 -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', Arial, sans-serif; }
h1 { font-size: 26px; margin: 0 0 4px; }
h2 { font-size: 19px; margin: 0 0 4px; }
h3 { font-size: 15px; margin: 18px 0 2px; }
p.about, p.lead, figcaption { color: #4a5058; }
p.about { margin: 0 0 14px; }
p.lead { margin: 0 0 10px; max-width: 900px; font-size: 14px; }
figcaption { font-size: 13px; margin: 0 0 4px; max-width: 900px; }
nav { border-top: 1px solid #d9dce0; border-bottom: 1px solid #d9dce0; padding: 8px 0; margin-bottom: 8px; }
nav a { color: #0b5394; margin-right: 16px; text-decoration: none; white-space: nowrap; }
nav a:hover { text-decoration: underline; }
section { padding: 24px 0 8px; border-bottom: 1px solid #eceef0; }
figure { margin: 6px 0 14px; }
figure svg { width: 100%; height: auto; display: block; }
svg.diagram g:hover polyline { stroke-width: 4; }
table { border-collapse: collapse; font-size: 13.5px; margin: 6px 0 16px; }
th, td { padding: 3px 14px 3px 0; border-bottom: 1px solid #eceef0; vertical-align: top; }
th { font-weight: 600; border-bottom-color: #b9bec4; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.name { text-align: left; }
@media print { nav { display: none; } section { break-inside: avoid; } body { padding: 0; } }
"""


def write_pages(job: Job) -> dict[str, Path]:
    """Write the page of each of the profile's substations to `reports/simulation/<dataset>.html`.

    How hard the targets are stands in `reports/difficulty.json` too; what it says of the same tables is kept.

    Returns:
        The page of each substation.

    Raises:
        HomeBusyError: Another process runs a flow on this home.
        ContractError: A substation's dataset is not there.
    """
    pages = {}
    hard: list[Entry] = []
    with run_lock(job.home):
        known = difficulties.read(job.home)
        for name in job.profile.substations:
            dataset = Dataset.open(job.dataset(name))
            report = job.home.reports / "contracts" / f"{dataset.name}.json"
            source = Source(dataset, substations.read(name), read_json(report) if report.exists() else {})
            pages[name] = job.home.reports / "simulation" / f"{dataset.name}.html"
            own = difficulties.entries(Campaign(dataset, source.substation, job.profile), known)
            hard += own
            write_text_atomic(pages[name], page(source, own))
            get_logger("flows").info("%s: pictures in %s", name, pages[name])
        difficulties.write(job.home, hard)
    return pages


def sections(source: Source, hard: Sequence[Entry] = ()) -> Iterator[Section]:
    """Every section that the dataset has tables for, in the page's order.

    Args:
        source: The tables.
        hard: How hard its targets are.
    """
    drawings: tuple[Callable[[Source], Section | None], ...] = (
        diagram.section,
        day.section,
        *(partial(strips.section_of, kind) for kind in strips.kinds(source)),
        frequency.section,
        waveform.section,
        voltage_events.section,
        labels.section,
        lambda _: difficulty.section(hard),
        counts.section,
    )
    for draw in drawings:
        section = draw(source)
        if section is not None:
            yield section


def page(source: Source, hard: Sequence[Entry] = ()) -> str:
    """The page as HTML that is also well-formed XML.

    Args:
        source: The tables.
        hard: How hard its targets are; the section is left out where nothing is known of it.
    """
    made = list(sections(source, hard))
    manifest, substation = source.dataset.manifest, source.substation
    title = f"{substation.title}: what was simulated"
    links = "".join(f'<a href="#{escape(section.name)}">{escape(section.short)}</a>' for section in made)
    levels = "/".join(f"{limit.nominal_kv:g}" for limit in substation.limits)
    about = (
        f"Dataset {manifest.dataset} · {levels} kV, {substation.frequency_hz} Hz · seed {manifest.seed} · "
        f"content {manifest.digest[:12]} · times are local, UTC{substation.utc_offset_s / 3600:+g} h"
    )
    return (
        '<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" lang="en">\n'
        '<head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        f"<title>{escape(title)}</title><style>{CSS}</style></head>\n"
        f'<body><h1>{escape(title)}</h1><p class="about">{escape(about)}</p><nav>{links}</nav>\n'
        + "\n".join(section.html() for section in made)
        + "\n</body></html>\n"
    )
