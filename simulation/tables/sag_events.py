"""Rows of `sag_events`: the voltage events of a substation's whole campaign as its points saw them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data_contracts.tables.sag_events import SAG_EVENTS
from simulation.events.counting import KIND_NAMES
from simulation.events.occurring import VoltageEvent
from simulation.events.streams import CAUSES
from simulation.scenario.departure import phases_hit
from simulation.scenario.world import World
from simulation.tables.parquet import array, instants, words, write_table

if TYPE_CHECKING:
    import pyarrow as pa


def write_sag_events(path: Path, world: World, events: tuple[VoltageEvent, ...]) -> int:
    """Write the table, sorted by point and time; the number of rows is returned."""
    import pyarrow as pa

    points = [point.id for point in world.substation.points]
    order = np.argsort(np.array(points))
    kinds = np.array([event.happening.counted.kind for event in events], dtype=np.int8).reshape(
        -1, len(points)
    )
    place, which = np.nonzero(kinds[:, order].T)
    rows = [(events[e], int(order[p])) for p, e in zip(place, which, strict=True)]

    def floats(values: list[float]) -> pa.Array[Any]:
        return array(np.array(values, dtype=np.float64))

    counted = [(event.happening.counted, k) for event, k in rows]
    columns = {
        "event_id": pa.array([event.name for event, _ in rows], pa.string()),
        "scenario_id": pa.nulls(len(rows), pa.string()),
        "point": words(place, tuple(points[k] for k in order)),
        "t": instants(np.array([event.t_ms for event, _ in rows], dtype=np.float64) / 1000.0),
        "kind": words(kinds[:, order].T[place, which], KIND_NAMES),
        "depth_pct": floats([float(c.depth_pct[k]) for c, k in counted]),
        "residual_pu": floats([float(c.residual_pu[k]) for c, k in counted]),
        "duration_ms": floats([1000.0 * float(event.happening.duration_s[k]) for event, k in rows]),
        "cause": words(np.array([event.cause for event, _ in rows], dtype=np.int64), CAUSES),
        "phases": pa.array([phases_hit(c.moved[k]) for c, k in counted], pa.string()),
        "cleared_by": pa.array([event.happening.cleared_by for event, _ in rows], pa.string()),
        "intensity_per_h": floats([event.intensity_per_h[0] for event, _ in rows]),
        "total_intensity_per_h": floats([event.intensity_per_h[1] for event, _ in rows]),
    }
    return write_table(path, SAG_EVENTS, columns)
