"""Strip charts: what the meter said in an episode, beside what was truly so and when the event acted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from data_contracts.tables.readings_truth import OPERATING_EVENTS
from flows.pictures.section import Section, picture
from flows.pictures.series import Strip, headline, read
from flows.pictures.source import Source
from flows.pictures.style import GREY, PHASE_COLOURS, SHADE, TRUTH, chart, words
from flows.pictures.telling import Shown, plainest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = ("normal", "fault", "sag", "swell", "unbalance", "instrument", "harmonic")
SMALL_COLUMNS = 3


def kinds(source: Source) -> list[str]:
    """Scenario kinds that have readings: the best known first, others by name."""
    there = source.kinds("readings")
    return [kind for kind in KINDS if kind in there] + [kind for kind in there if kind not in KINDS]


def section_of(kind: str, source: Source) -> Section | None:
    """The strip charts of a kind: its plainest event in full, its others small."""
    if not source.has("readings_truth"):
        return None
    shown = plainest(source, kind)
    if not shown:
        return None
    first = shown[0]
    strip = read(source, first)
    said = headline(first, strip)
    figures = picture(_large(source, first, strip), _caption(source, first))
    if shown[1:]:
        figures += "<h3>Its other events, all three phases in one chart</h3>"
        figures += picture(_small(source, shown[1:]))
    return Section(
        f"strip-{kind}",
        kind.capitalize(),
        said[:1].upper() + said[1:] if said.startswith(kind) else f"{kind.capitalize()}: {said}",
        "Each second's mean of RMS voltage as metered, over the band from the least to the largest "
        "half-cycle value; the dashed line is the true primary voltage. Shaded: the seconds in which the "
        "event acts, as the truth labels them. Gaps are samples that the meter lost.",
        figures,
    )


def _caption(source: Source, shown: Shown) -> str:
    row = source.scenarios[shown.scenario_id]
    point = source.substation.point(shown.point)
    began = source.local(row["t_start"])
    said = f"{shown.scenario_id} at {shown.point} ({point.nominal_kv:g} kV), {began:%d %B %Y, %H:%M:%S}"
    if shown.severity and shown.event not in OPERATING_EVENTS:
        said += f"; severity {shown.severity:.1f} times the error limit of the point's voltage transformers"
    if row["cause"] not in {"none", shown.event}:
        said += f"; cause: {words(row['cause'])}"
    return said + "."


def _large(source: Source, shown: Shown, strip: Strip) -> str:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    distorted = bool(np.isfinite(strip.thd_pct).any())
    count = 3 + distorted
    with chart(f"strip-{shown.kind}", 1.45 * count + 0.7) as made:
        axes = made.figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0]
        for phase in range(3):
            _phase(axes[phase], strip, phase)
            axes[phase].set_ylabel(f"phase {'abc'[phase]}, pu")
        low, high = _limits(strip)
        for phase in range(3):
            axes[phase].set_ylim(low, high)
        if distorted:
            _distortion(source, shown, strip, axes[3])
        axes[-1].xaxis.get_major_locator().set_params(integer=True)
        for each in axes:
            _shade(each, strip)
        if strip.active.any() and shown.event:
            severity = f", severity {shown.severity:.1f}" if shown.severity else ""
            axes[0].set_title(f"Shaded: {words(shown.event)}{severity}")
        axes[-1].set_xlabel("time since the episode began, s")
        axes[-1].set_xlim(strip.true_t_s[0] - 0.5, strip.true_t_s[-1] + 0.5)
        handles = [
            Line2D([], [], color=GREY, linewidth=1.6, label="metered, mean of the second"),
            Patch(facecolor=GREY, alpha=0.4, label="metered half-cycle extremes"),
            Line2D([], [], color=TRUTH, linestyle="--", linewidth=1.1, label="true, mean of the second"),
            Patch(facecolor=SHADE, label="the event acts (truth)"),
        ]
        made.figure.legend(handles=handles, loc="outside upper right", ncols=4)
        return made.svg(f"Strip chart of {words(shown.event or shown.kind)} at {shown.point}")


def _phase(axes: Axes, strip: Strip, phase: int, *, band: bool = True) -> None:
    colour = PHASE_COLOURS[phase]
    if band and np.isfinite(strip.v_min[:, phase]).any():
        axes.fill_between(
            strip.t_s,
            strip.v_min[:, phase],
            strip.v_max[:, phase],
            step="mid",
            color=colour,
            alpha=0.35,
            linewidth=0,
        )
    axes.plot(strip.t_s, strip.v[:, phase], color=colour, linewidth=1.6, drawstyle="steps-mid")
    axes.plot(
        strip.true_t_s,
        strip.true[:, phase],
        color=TRUTH,
        linestyle=(0, (4, 2)),
        linewidth=1.0,
        drawstyle="steps-mid",
    )


def _limits(strip: Strip) -> tuple[float, float]:
    """One scale for the three phases, so that their sizes compare; at least 1 % of nominal."""
    seen = np.concatenate([strip.v, strip.v_min, strip.v_max, strip.true[: len(strip.v)]], axis=None)
    seen = seen[np.isfinite(seen)]
    low, high = float(seen.min()), float(seen.max())
    room = max(0.06 * (high - low), 0.5 * (0.01 - (high - low)), 1e-4)
    return low - room, high + room


def _shade(axes: Axes, strip: Strip) -> None:
    """Shade each run of seconds in which the event acts."""
    edges = np.diff(np.concatenate([[0], strip.active.astype(np.int8), [0]]))
    for first, last in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        axes.axvspan(
            strip.true_t_s[first] - 0.5, strip.true_t_s[last - 1] + 0.5, color=SHADE, linewidth=0, zorder=0
        )


def _distortion(source: Source, shown: Shown, strip: Strip, axes: Axes) -> None:
    for phase in range(3):
        axes.plot(strip.t_s, strip.thd_pct[:, phase], color=PHASE_COLOURS[phase], drawstyle="steps-mid")
    if source.has("waveforms_truth") and shown.file in {
        file.name for file in source.dataset.files("waveforms_truth")
    }:
        for row in source.episode_rows(
            "waveforms_truth", shown.file, shown.scenario_id, shown.point
        ).to_pylist():
            true = [row[f"thd_v_{phase}_pct"] for phase in "abc"]
            axes.scatter([strip.true_t_s[-1]] * 3, true, color=PHASE_COLOURS, marker="D", s=22, zorder=3)
            axes.set_title("Distortion; diamonds: true, of the capture in the last second")
    allowed = source.substation.limit(source.substation.point(shown.point).nominal_kv).thd_pct
    axes.axhline(allowed, color=GREY, linestyle=":", linewidth=1.2)
    axes.annotate(
        f"permitted {allowed:g} %",
        (0.005, allowed),
        xycoords=("axes fraction", "data"),
        fontsize=8,
        va="bottom",
    )
    axes.set_ylabel("THD, %")
    axes.set_ylim(bottom=0)


def _small(source: Source, shown: list[Shown]) -> str:
    rows = -(-len(shown) // SMALL_COLUMNS)
    with chart(f"small-{shown[0].kind}", 2.3 * rows + 0.2) as made:
        axes: Any = made.figure.subplots(rows, SMALL_COLUMNS, squeeze=False)
        for at, each in enumerate(axes.ravel()):
            if at >= len(shown):
                each.set_axis_off()
                continue
            strip = read(source, shown[at])
            for phase in range(3):
                _phase(each, strip, phase)
            _shade(each, strip)
            each.set_ylim(*_limits(strip))
            severity = f", severity {shown[at].severity:.1f}" if shown[at].severity else ""
            each.set_title(f"{words(shown[at].event)} at {shown[at].point}{severity}", fontsize=8.5)
            each.tick_params(labelsize=8)
            each.xaxis.get_major_locator().set_params(integer=True)
            if at % SMALL_COLUMNS == 0:
                each.set_ylabel("voltage, pu")
            if at + SMALL_COLUMNS >= len(shown):
                each.set_xlabel("time, s")
        return made.svg("Strip charts of " + ", ".join(words(one.event) for one in shown))
