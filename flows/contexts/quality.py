"""Where to ask about the power quality of ten minutes, from the table `power_quality`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from data_contracts.dataset import Dataset
from flows.contexts.told import Told, iso
from models.quality_events import TABLE, Logged, logged
from substations.description import Substation

TRUTH = ("index", "grade")


def qualities(
    dataset: Dataset, substation: Substation, start: date, episodes: Collection[str]
) -> dict[str, Told]:
    """The point of each episode whose ten minutes were truly the worst, of those with all instruments.

    The request holds what the point's meter has logged of sags and swells; an empty list says that there was
    none.
    """
    del substation, start
    table = dataset.read(TABLE, columns=["scenario_id", "point", "metered_thd_pct", "metered_pst", *TRUTH])
    events = logged(dataset)
    found: dict[str, Told] = {}
    for number, row in enumerate(table.to_pylist()):
        if row["metered_thd_pct"] is None or row["metered_pst"] is None:
            continue
        name = row["scenario_id"]
        if name in episodes and (name not in found or row["index"] < found[name].truth["index"]):
            context = {"events": _sent(events, number)}
            found[name] = Told(row["point"], context, {one: row[one] for one in TRUTH})
    return found


def _sent(events: Logged, row: int) -> list[dict[str, Any]]:
    """Events of one interval as the wire has them."""
    return [
        {"t": iso(at), "kind": kind, "depth_pct": round(depth, 2), "duration_ms": round(lasting, 1)}
        for kind, at, depth, lasting in events.told(row)
    ]
