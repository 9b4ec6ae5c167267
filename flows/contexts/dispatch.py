"""One hour of the whole grid, from the table `dispatch`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from data_contracts.dataset import Dataset
from data_contracts.transmission import OWN_LOADS, PARKS, PLANTS, UNITS, bus_name
from flows.contexts.told import Told, ends, is_test
from models.dispatch_rows import TABLE
from substations.description import Substation

_READ = (
    "t", "unit", "status", "available_mw", "cost_per_mwh", "ac_opf_mw", "system_load_mw", "ac_opf_cost",
    "bus_load_mw", "bus_load_mvar",
)  # fmt: skip


def dispatches(
    dataset: Dataset, substation: Substation, start: date, episodes: Collection[str]
) -> dict[str, Told]:
    """Offers and loads of an hour of the grid, an hour for each episode, and its AC optimum.

    The grid is simulated in few hours of a year: the readings are of another one.
    """
    import pyarrow.compute as pc

    table = dataset.read(TABLE, columns=list(_READ)).filter(pc.field("status") == "ok")
    hours: dict[float, dict[str, Mapping[str, Any]]] = {}
    for row in table.to_pylist():
        hours.setdefault(row["t"].timestamp(), {})[row["unit"]] = row
    tested = [[hours[t][unit.name] for unit in UNITS] for t in sorted(hours) if is_test(t, substation, start)]
    point = next(point.id for point in substation.points if point.kind == "system")
    return {
        name: Told(
            point,
            _context(hour),
            {
                "optimum_mw": {row["unit"]: row["ac_opf_mw"] for row in hour},
                "optimum_cost": hour[0]["ac_opf_cost"],
                **{of: {row["unit"]: row[of] for row in hour} for of in ("available_mw", "cost_per_mwh")},
                **{of: hour[0][of] for of in ("bus_load_mw", "bus_load_mvar")},
            },
        )
        for name, hour in zip(ends(dataset, episodes), tested, strict=False)
    }


def _context(hour: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    of = {row["unit"]: row for row in hour}
    return {
        "units": {
            plant.name: {
                "available_mw": round(of[plant.name]["available_mw"], 1),
                "cost_per_mwh": round(of[plant.name]["cost_per_mwh"], 2),
            }
            for plant in PLANTS
        },
        "renewables_mw": {park.name: round(of[park.name]["available_mw"], 1) for park in PARKS},
        "system_load_mw": round(hour[0]["system_load_mw"], 1),
        "bus_load_mw": {bus_name(bus): round(hour[0]["bus_load_mw"][bus - 1], 1) for bus in OWN_LOADS},
    }
