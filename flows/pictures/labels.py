"""How labels are distributed: events, severities, classes of unbalance and of distortion."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.pictures import classes
from flows.pictures.classes import Classes
from flows.pictures.section import Section, picture
from flows.pictures.source import Source
from flows.pictures.style import BLUE, GREY, INK, chart, words
from models import columns
from models.monitoring import harmonic_analysis, phase_imbalance

TICKS = (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
SEVERITIES = np.geomspace(0.2, 500.0, 35)


def section(source: Source) -> Section | None:
    """All four distributions, each where its tables are there."""
    if not source.has("readings_truth"):
        return None
    rows = source.episodes
    kind = columns.names(rows, "kind").array()
    event = columns.names(rows, "event").array()
    body = picture(_events(kind, event), "Episodes at a point by scenario kind and event.")
    severity = columns.floats(rows, "severity")
    if np.nanmax(severity, initial=0.0) > 0:
        body += picture(
            _severities(event, severity),
            "Severity: the largest departure of a voltage channel that the event makes, in multiples of the "
            "ratio-error limit of the point's voltage transformers. Dark line: median.",
        )
    panels = [
        Classes(
            "True voltage unbalance, mean of each episode at a point",
            "VUF",
            phase_imbalance.CLASSES,
            phase_imbalance.LIMITS_PCT,
            phase_imbalance.class_of,
            _by_kind(kind, columns.floats(rows, "vuf_pct")),
        )
    ]
    thd = _distortion(source)
    if thd:
        panels.append(
            Classes(
                "True voltage distortion of each capture, worst phase",
                "THD",
                harmonic_analysis.CLASSES,
                harmonic_analysis.LIMITS_PCT,
                harmonic_analysis.class_of,
                thd,
            )
        )
    panels = [panel for panel in panels if any(of.size for of in panel.values.values())]
    if panels:
        body += picture(classes.draw(panels))
    named = int((event != "none").sum())
    return Section(
        "labels",
        "Labels",
        f"{len(event):,} episodes at a point, {named:,} of them with an event",
        "What models have to learn from. One episode counts once at each measurement point. Axes of counts "
        "and severities are logarithmic, so that rare ones can be seen.",
        body,
    )


def _by_kind(kind: NDArray[Any], values: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    return {str(name): values[(kind == name) & np.isfinite(values)] for name in np.unique(kind)}


def _distortion(source: Source) -> dict[str, NDArray[np.float64]]:
    found = {}
    for kind in source.kinds("waveforms_truth"):
        names = [f"thd_v_{phase}_pct" for phase in "abc"]
        rows = source.dataset.read("waveforms_truth", columns=names, kinds=[kind])
        thd = np.stack([columns.floats(rows, name) for name in names], axis=1)
        found[kind] = thd[np.isfinite(thd).all(axis=1)].max(axis=1)
    return found


def _events(kind: NDArray[Any], event: NDArray[Any]) -> str:
    found = Counter(zip(kind.tolist(), event.tolist(), strict=True))
    pairs = sorted(found, reverse=True)
    counts = [found[pair] for pair in pairs]
    with chart("events", 0.22 * len(pairs) + 0.8) as made:
        axes = made.figure.subplots()
        bars = axes.barh(
            range(len(pairs)), counts, color=[GREY if b == "none" else BLUE for _, b in pairs], height=0.72
        )
        axes.set_yticks(range(len(pairs)), [f"{a}: {words(b)}" for a, b in pairs])
        axes.bar_label(bars, [f"{count:,}" for count in counts], padding=3, fontsize=8)
        axes.set(xscale="log", xlabel="episodes at a point")
        axes.set_xlim(left=0.8, right=3.0 * max(counts))
        axes.grid(visible=False, axis="y")
        axes.margins(y=0.01)
        axes.set_title("Events by kind (grey: none)")
        return made.svg("Number of episodes by kind and event")


def _severities(event: NDArray[Any], severity: NDArray[np.float64]) -> str:
    known = np.isfinite(severity) & (severity > 0)
    names = sorted({str(name) for name in event[known]}, reverse=True)
    with chart("severities", 0.3 * len(names) + 0.9) as made:
        axes = made.figure.subplots()
        for at, name in enumerate(names):
            values = np.clip(severity[known & (event == name)], SEVERITIES[0], SEVERITIES[-1])
            share = np.histogram(values, SEVERITIES)[0].astype(np.float64)
            height = 0.84 * share / max(share.max(), 1.0)
            axes.bar(
                SEVERITIES[:-1],
                height,
                np.diff(SEVERITIES),
                bottom=at - 0.42,
                align="edge",
                color=BLUE,
                linewidth=0,
            )
            middle = float(np.median(values))
            axes.plot([middle, middle], [at - 0.42, at + 0.42], color="white", linewidth=2.6)
            axes.plot([middle, middle], [at - 0.42, at + 0.42], color=INK, linewidth=1.0)
        axes.set_yticks(range(len(names)), [words(name) for name in names])
        axes.set(
            xscale="log",
            xlabel="severity, multiples of the error limit",
            xlim=(SEVERITIES[0], SEVERITIES[-1]),
        )
        axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
        axes.margins(y=0.01)
        axes.grid(visible=False, axis="y")
        axes.set_title("Severity by event; each row has its own scale of counts")
        return made.svg("Distribution of severities by event")
