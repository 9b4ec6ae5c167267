"""The voltage events of the whole campaign: when they come, and how deep and long they are."""

from __future__ import annotations

from calendar import month_abbr, month_name
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flows.pictures.section import Section, picture
from flows.pictures.source import Source
from flows.pictures.style import INK, SERIES, chart, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def section(source: Source) -> Section | None:
    """Counts per month and cause, and depth against duration of each event where it was deepest."""
    if not source.has("sag_events"):
        return None
    events = _deepest(source)
    if not events:
        return None
    causes = sorted({event["cause"] for event in events})
    months = [source.local(event["t"]).month for event in events]
    with chart("voltage-events", 4.2) as made:
        left, right = made.figure.subplots(1, 2, width_ratios=[1.0, 1.15])
        _months(left, causes, [event["cause"] for event in events], np.asarray(months))
        _depths(right, causes, events)
        made.figure.legend(*right.get_legend_handles_labels(), loc="outside upper left", ncols=len(causes))
        svg = made.svg("Voltage events per month and cause; depth against duration")
    sags = sum(event["kind"] in {"sag", "interruption"} for event in events)
    busiest = month_name[int(np.bincount(months, minlength=13).argmax())]
    return Section(
        "voltage-events",
        "Voltage events",
        f"{len(events):,} voltage events, {sags:,} of them sags or interruptions; {busiest} has most",
        "Left: events by local month and cause. Right: each event at the point where it was deepest; depth "
        "is the departure from nominal, for rapid changes the change itself. Dotted: 10 %, from which on a "
        "fall is a sag.",
        picture(svg),
    )


def _deepest(source: Source) -> list[dict[str, Any]]:
    """One row for each event, from the point where it was deepest, in the order of time."""
    wanted = ["event_id", "t", "kind", "depth_pct", "duration_ms", "cause"]
    rows = source.dataset.read("sag_events", columns=wanted).sort_by(
        [("event_id", "ascending"), ("depth_pct", "descending")]
    )
    found: dict[str, dict[str, Any]] = {}
    for row in rows.to_pylist():
        found.setdefault(row["event_id"], row)
    return sorted(found.values(), key=lambda row: row["t"])


def _months(axes: Axes, causes: list[str], of: list[str], months: NDArray[np.int64]) -> None:
    names = np.asarray(of)
    base = np.zeros(12)
    for at, cause in enumerate(causes):
        count = np.bincount(months[names == cause], minlength=13)[1:].astype(np.float64)
        axes.bar(range(12), count, bottom=base, color=SERIES[at % len(SERIES)], width=0.75)
        base += count
    axes.set_xticks(range(12), list(month_abbr)[1:])
    axes.set(ylabel="events", title="Events per month")
    axes.grid(visible=False, axis="x")


def _depths(axes: Axes, causes: list[str], events: list[dict[str, Any]]) -> None:
    for at, cause in enumerate(causes):
        mine = [event for event in events if event["cause"] == cause]
        axes.scatter(
            [event["duration_ms"] / 1000.0 for event in mine],
            [event["depth_pct"] for event in mine],
            s=18,
            marker=MARKERS[at % len(MARKERS)],
            color=SERIES[at % len(SERIES)],
            alpha=0.7,
            linewidths=0,
            label=words(cause),
        )
    axes.axhline(10.0, color=INK, linestyle=":", linewidth=1.0)
    axes.set(
        xscale="log",
        xlabel="duration, s",
        ylabel="depth, % of nominal",
        title="Depth against duration",
        ylim=(0, 103),
    )
    axes.xaxis.set_major_formatter("{x:g}")
