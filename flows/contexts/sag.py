"""Voltage events of the last week at a point and the weather, from the tables `sag_events` and `load`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from data_contracts.wire import limits
from features.context.events import REACH_S
from flows.contexts.in_time import InTime
from flows.contexts.told import QUARTER_S, Told, ends, iso
from models import columns
from models.sag_rows import CAUSES, KINDS, STEP_S, TABLE, WEATHER
from substations.description import Substation

POINT_KINDS = ("infeed", "transformer_bay", "bus", "feeder")
_WEATHER = ("ambient_c", "wind_m_s", "lightning_per_h")
_EVENT = ("point", "t", "kind", "cause", "depth_pct", "duration_ms")


def sags(dataset: Dataset, substation: Substation, start: date, episodes: Collection[str]) -> dict[str, Told]:
    """What each episode's point saw in the last week, the points in turn, and what came within ten minutes.

    Left out are episodes of the campaign's first week, and those of which nothing is known behind them.
    """
    import pyarrow.compute as pc

    del start
    points = [point.id for point in substation.points if point.kind in POINT_KINDS]
    weather = _Weather.of(dataset)
    events = dataset.read(TABLE, columns=list(_EVENT))
    by_point = {point: InTime.of(events.filter(pc.field("point") == point)) for point in points}
    found = {}
    for number, (name, now) in enumerate(ends(dataset, episodes).items()):
        if not weather.t[0] + REACH_S <= now <= weather.t[-1] + QUARTER_S - STEP_S:
            continue
        point = points[number % len(points)]
        seen = by_point[point]
        context = {**weather.at(now), "events": _before(seen, now)}
        found[name] = Told(point, context, {"events": _behind(seen, now)})
    return found


def _before(seen: InTime, now: int) -> list[dict[str, Any]]:
    """Events of the week before an instant as the wire has them, the newest of them if there are many."""
    known = seen.between(1000 * (now - REACH_S), 1000 * now)
    return [
        {
            "t": iso(event["t"].timestamp()),
            "kind": event["kind"],
            "depth_pct": round(event["depth_pct"], 2),
            "duration_ms": round(event["duration_ms"], 1),
        }
        for event in known[-limits.EVENTS :]
    ]


def _behind(seen: InTime, now: int) -> list[Mapping[str, Any]]:
    """Events of the forecast kinds in the step behind an instant."""
    return [
        event
        for event in seen.between(1000 * now + 1, 1000 * (now + STEP_S))
        if event["kind"] in KINDS and event["cause"] in CAUSES
    ]


@dataclass(frozen=True, slots=True)
class _Weather:
    """Weather of the station by quarters: that of one feeder, since all have the same.

    Attributes:
        t: Beginnings of the quarters, Unix seconds, [n].
        values: Columns of the table by name, [n].
    """

    t: NDArray[np.int64]
    values: Mapping[str, NDArray[np.float64]]

    @classmethod
    def of(cls, dataset: Dataset) -> _Weather:
        table = dataset.read(WEATHER, columns=["point", "t", *_WEATHER])
        own = np.flatnonzero(columns.names(table, "point").codes == 0)
        own = own[np.argsort(columns.seconds(table)[own])]
        values = {name: columns.floats(table, name)[own] for name in _WEATHER}
        return cls(columns.seconds(table)[own], values)

    def at(self, now: int) -> dict[str, Any]:
        """The last quarter that is over, in the request's words."""
        quarter = int(np.searchsorted(self.t, now - QUARTER_S, side="right")) - 1
        ambient_c, wind_m_s, lightning_per_h = (float(self.values[name][quarter]) for name in _WEATHER)
        return {
            "ambient_c": round(ambient_c, 2),
            "weather": {"wind_m_s": round(wind_m_s, 2), "lightning_per_h": round(lightning_per_h, 4)},
        }
