"""An episode of the table `frequency`: measured and true frequency, and the powers that move it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.ranges import INVALID
from flows.pictures.section import Section, picture
from flows.pictures.source import LOOKED_THROUGH, Source
from flows.pictures.style import AMBER, BLUE, GREEN, GREY, INK, ORANGE, PINK, chart, words
from models import columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POWERS = (
    ("imbalance_pu", "imbalance: generation less load", ORANGE),
    ("governor_pu", "governors", BLUE),
    ("agc_pu", "secondary control", GREEN),
    ("shed_pu", "load shed", PINK),
)

RECOVERY_S = 180


def section(source: Source) -> Section | None:
    """The episode whose frequency departs most."""
    if not source.has("frequency"):
        return None
    rows = _widest(source)
    t = columns.seconds(rows).astype(np.float64)
    minutes = (t - t[0]) / 60.0
    lost = rows["quality"].to_numpy() == INVALID
    metered = np.where(lost, np.nan, columns.floats(rows, "f_hz"))
    true = columns.floats(rows, "f_true_hz")
    nominal = float(source.substation.frequency_hz)
    farthest = int(np.argmax(np.abs(true - nominal)[: _judged(len(t))]))
    began = _onsets(rows)
    with chart("frequency", 7.0) as made:
        top, near, power = made.figure.subplots(3, 1, height_ratios=[2.0, 1.7, 1.7])
        for axes, span in ((top, slice(None)), (near, _around(farthest, len(t)))):
            axes.plot(minutes[span], metered[span], color=BLUE, linewidth=1.6, label="metered")
            axes.plot(
                minutes[span], true[span], color=INK, linestyle=(0, (4, 2)), linewidth=1.0, label="true"
            )
            axes.axhline(nominal, color=GREY, linewidth=0.8)
            axes.set(xlabel="time, min", ylabel="frequency, Hz", xlim=(minutes[span][0], minutes[span][-1]))
        near.set_title("The two minutes around the extreme; dots: metered")
        near.plot(
            minutes[_around(farthest, len(t))],
            metered[_around(farthest, len(t))],
            ".",
            color=BLUE,
            markersize=5,
        )
        _mark(top, [(minutes[at], name) for at, name in began], named=True)
        for name, label, colour in POWERS:
            values = 100.0 * columns.floats(rows, name)
            if np.any(values):
                power.plot(minutes, values, color=colour, label=label)
        power.set(
            ylabel="power, % of the load",
            xlabel="time since the episode began, min",
            xlim=(minutes[0], minutes[-1]),
        )
        for axes in (near, power):
            limits = axes.get_xlim()
            _mark(
                axes,
                [(minutes[at], name) for at, name in began if limits[0] <= minutes[at] <= limits[1]],
                named=False,
            )
        top.legend(loc="lower left", ncols=2)
        power.legend(loc="lower left", bbox_to_anchor=(0.0, 0.98), ncols=4)
        svg = made.svg("Frequency and powers of one episode")
    scenario_id = str(rows["scenario_id"][0].as_py())
    inertia = columns.floats(rows, "inertia_s")
    turns = "falls to" if true[farthest] < nominal else "rises to"
    what = ", ".join(dict.fromkeys(words(name) for _, name in began)) or "no event"
    return Section(
        "frequency",
        "Frequency",
        f"Frequency {turns} {true[farthest]:.2f} Hz {minutes[farthest]:.1f} min into the episode",
        f"{scenario_id}: {what}. The system's inertia constant is {inertia[0]:.1f} s at the beginning and "
        f"{inertia[-1]:.1f} s at the end. Vertical lines mark the onsets of events; powers are shares of the "
        "system's load.",
        picture(svg),
    )


def _widest(source: Source) -> Any:
    """Rows of the episode whose true frequency departs most from nominal."""
    nominal, best, place = float(source.substation.frequency_hz), -1.0, ("", "")
    import pyarrow.parquet as pq

    for file in source.dataset.files("frequency")[:LOOKED_THROUGH]:
        rows = pq.read_table(file, columns=["scenario_id", "f_true_hz"], partitioning=None)
        names, away = columns.names(rows, "scenario_id"), np.abs(columns.floats(rows, "f_true_hz") - nominal)
        for code, name in enumerate(names.texts):
            mine = away[names.codes == code]
            most = float(mine[: _judged(mine.size)].max())
            if most > best:
                best, place = most, (file.name, name)
    return source.episode_rows("frequency", *place)


def _judged(count: int) -> int:
    """Seconds of an episode whose extremes count: what comes after them is to be seen too."""
    return max(count - RECOVERY_S, 1)


def _onsets(rows: Any) -> list[tuple[int, str]]:
    """Row and name of each event's first second."""
    since = columns.floats(rows, "since_onset_s")
    events = rows["event"].to_pylist()
    fresh: NDArray[np.bool_] = np.isfinite(since) & (since <= 1.0)
    return [(int(at), str(events[at])) for at in np.flatnonzero(fresh) if events[at] != "none"]


def _around(row: int, count: int) -> slice:
    first = min(max(row - 40, 0), max(count - 120, 0))
    return slice(first, min(first + 120, count))


def _mark(axes: Axes, onsets: list[tuple[float, str]], *, named: bool) -> None:
    for minute, name in onsets:
        axes.axvline(minute, color=AMBER, linewidth=1.2)
        if named:
            axes.annotate(
                words(name),
                (minute, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(2, 2),
                textcoords="offset points",
                fontsize=8,
                rotation=30,
                annotation_clip=False,
            )
