"""A day of the table `load`: every feeder in steps of a quarter of an hour, and the weather behind it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flows.pictures.section import Section, picture
from flows.pictures.source import Source
from flows.pictures.style import AMBER, GREY, INK, ORANGE, SERIES, chart
from models import columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def section(source: Source) -> Section | None:
    """The day with the highest quarter of an hour of the whole station."""
    if not source.has("load"):
        return None
    import pyarrow as pa
    import pyarrow.compute as pc

    table = source.dataset.read("load", columns=["point", "t", "p_w", "pv_w", "ambient_c"])
    total = table.group_by("t", use_threads=False).aggregate([("p_w", "sum")])
    peak_at = int(np.argmax(columns.floats(total, "p_w_sum")))
    peak_mw = float(columns.floats(total, "p_w_sum")[peak_at]) / 1e6
    when = source.local_second(columns.seconds(total)[peak_at])
    midnight = when.replace(hour=0, minute=0, second=0, microsecond=0)
    first, end = (
        pa.scalar(instant.astimezone(UTC), pa.timestamp("ms", tz="UTC"))
        for instant in (midnight, midnight + timedelta(days=1))
    )
    rows = table.filter((pc.field("t") >= first) & (pc.field("t") < end)).sort_by("t")
    series, weather = _series(rows, midnight)
    with chart("day", 6.4) as made:
        power, sun = made.figure.subplots(2, 1, sharex=True, height_ratios=[3.0, 1.3])
        _feeders(power, series)
        _weather(sun, weather)
        svg = made.svg(f"Active power of each feeder on {midnight:%d %B %Y}, with air temperature")
    return Section(
        "day",
        "A day of load",
        f"The day of the highest load: {peak_mw:.0f} MW at {when:%H:%M} on {when:%A, %d %B %Y}",
        "Active power of each feeder in quarters of an hour, less what photovoltaics behind it deliver, from "
        "the table load; below, the weather at the site. Names stand at the end of the lines.",
        picture(svg),
    )


def _series(
    rows: Any, midnight: datetime
) -> tuple[dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]], dict[str, NDArray[np.float64]]]:
    """Hours and MW of each feeder, and hours, air temperature and photovoltaics of the station."""
    hours = (columns.seconds(rows) - midnight.timestamp()) / 3600.0
    point = np.asarray(rows["point"].to_pylist())
    p_mw = columns.floats(rows, "p_w") / 1e6
    series = {str(name): (hours[point == name], p_mw[point == name]) for name in np.unique(point)}
    weather = (
        rows.group_by("t", use_threads=False).aggregate([("pv_w", "sum"), ("ambient_c", "mean")]).sort_by("t")
    )
    return series, {
        "hours": np.asarray(columns.seconds(weather) - midnight.timestamp(), dtype=np.float64) / 3600.0,
        "pv_mw": columns.floats(weather, "pv_w_sum") / 1e6,
        "ambient_c": columns.floats(weather, "ambient_c_mean"),
    }


def _feeders(axes: Axes, series: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]) -> None:
    ends = []
    styles = ("-", "--")
    for at, (name, (hours, p_mw)) in enumerate(series.items()):
        colour = SERIES[at % len(SERIES)]
        axes.plot(hours, p_mw, color=colour, linestyle=styles[at // len(SERIES) % 2])
        ends.append((float(p_mw[-1]), name, colour))
    span = max(value for value, _, _ in ends) - min(value for value, _, _ in ends) or 1.0
    place = -np.inf
    for value, name, colour in sorted(ends):
        # Names keep a line's height between them, or they could not be read.
        place = max(value, place + 0.055 * max(span, axes.get_ylim()[1]))
        axes.annotate(
            name,
            (24.05, place),
            color=colour,
            fontsize=8.5,
            va="center",
            annotation_clip=False,
            xycoords="data",
        )
    axes.set(ylabel="active power, MW", xlim=(0, 24), xticks=range(0, 25, 3))
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.set_title("Load of each feeder")


def _weather(axes: Axes, weather: dict[str, NDArray[np.float64]]) -> None:
    hours = weather["hours"]
    axes.plot(hours, weather["ambient_c"], color=ORANGE)
    axes.set(ylabel="air, °C", xlabel="local time, h", xlim=(0, 24))
    axes.yaxis.label.set_color(ORANGE)
    axes.set_title("Air temperature, and what photovoltaics behind the feeders deliver")
    beside = axes.twinx()
    beside.fill_between(hours, weather["pv_mw"], color=AMBER, alpha=0.35, linewidth=0)
    beside.set_ylabel("photovoltaics, MW", color="#8A5A00")
    beside.set_ylim(bottom=0)
    beside.grid(visible=False)
    beside.spines["right"].set_visible(True)
    beside.spines["right"].set_color(GREY)
    beside.tick_params(colors=INK)
