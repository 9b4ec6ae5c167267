"""A busbar with a capacitor bank and the whole station around it, from an episode's own readings."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.columns import PHASES
from data_contracts.dataset import Dataset
from data_contracts.ranges import INVALID
from flows.contexts.losses import numbers
from flows.contexts.told import QUARTER_S, Told, ends
from models import columns
from substations.description import Substation
from substations.station import station_facts

WINDOW_S = 10
KIND = "normal"
_MEASURED = tuple(
    f"{channel}_{phase}_{unit}"
    for channel, unit in (("v", "v"), ("p", "w"), ("q", "var"))
    for phase in PHASES
)


def compensations(
    dataset: Dataset, substation: Substation, start: date, episodes: Collection[str]
) -> dict[str, Told]:
    """What every feeder's and the infeed's meters say in an episode's last ten seconds; taps, steps, air.

    Left out are stations without a bank, and episodes in which one of these meters has no valid reading.
    """
    del start
    facts = station_facts(substation)
    if not facts.banks:
        return {}
    last = ends(dataset, episodes)
    infeed = substation.infeeds[0].point
    meters = {feeder.point: feeder.id for feeder in substation.feeders}
    means = _means(dataset, last, (*meters, infeed))
    settings = _settings(dataset, last, infeed)
    ambient_c = _ambient_c(dataset, substation)
    found = {}
    for name, now in last.items():
        mine = {point: means.get((name, point)) for point in (*meters, infeed)}
        began = now // QUARTER_S * QUARTER_S
        if name not in settings or began not in ambient_c or any(one is None for one in mine.values()):
            continue
        known = {point: one for point, one in mine.items() if one is not None}
        feeders = {
            meters[point]: {"p_w": round(float(one[3:6].sum()), 1), "q_var": round(float(one[6:].sum()), 1)}
            for point, one in known.items()
            if point in meters
        }
        context = {
            "ambient_c": round(ambient_c[began], 2),
            **settings[name],
            "station": {"feeders": feeders, "v_infeed_v": round(float(known[infeed][:3].mean()), 1)},
        }
        found[name] = Told(facts.banks[0].points[0], context, {})
    return found


def _means(
    dataset: Dataset, last: dict[str, int], points: Collection[str]
) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Mean V, P and Q of the phases over the last seconds' valid readings, [9], by episode and point."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = dataset.read(
        "readings", columns=["scenario_id", "point", "t", "quality", *_MEASURED], kinds=[KIND]
    )
    wanted = pc.and_(
        pc.is_in(table["scenario_id"], pa.array(list(last), pa.string())),
        pc.is_in(table["point"], pa.array(list(points), pa.string())),
    )
    table = table.filter(wanted)
    names, places = (columns.names(table, column).array() for column in ("scenario_id", "point"))
    end = np.array([last[str(name)] for name in names], dtype=np.int64)
    counted = columns.seconds(table) > end - WINDOW_S
    counted &= table["quality"].to_numpy() != INVALID
    values = np.stack([columns.floats(table, name) for name in _MEASURED], axis=1)
    counted &= np.isfinite(values).all(axis=1)
    sums: dict[tuple[str, str], list[NDArray[np.float64]]] = {}
    for row in np.flatnonzero(counted):
        sums.setdefault((str(names[row]), str(places[row])), []).append(values[row])
    return {key: np.mean(rows, axis=0) for key, rows in sums.items()}


def _ambient_c(dataset: Dataset, substation: Substation) -> dict[int, float]:
    """Air temperature by the Unix second at which a quarter of an hour begins."""
    import pyarrow.compute as pc

    table = dataset.read("load", columns=["point", "t", "ambient_c"])
    table = table.filter(pc.field("point") == substation.feeders[0].point)
    return dict(
        zip(columns.seconds(table).tolist(), columns.floats(table, "ambient_c").tolist(), strict=True)
    )


def _settings(dataset: Dataset, last: dict[str, int], point: str) -> dict[str, dict[str, Any]]:
    """Tap positions and steps in service in each episode's last second."""
    import pyarrow.compute as pc

    table = dataset.read(
        "readings_truth", columns=["scenario_id", "point", "t", "taps", "capacitor_steps"], kinds=[KIND]
    )
    table = table.filter(pc.field("point") == point)
    seconds = columns.seconds(table)
    return {
        row["scenario_id"]: {"tap": numbers(row["taps"]), "capacitor_steps": numbers(row["capacitor_steps"])}
        for row, second in zip(table.drop_columns(["t"]).to_pylist(), seconds, strict=True)
        if last.get(row["scenario_id"]) == second
    }
