"""One state of the transmission grid, from the table `stability`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from data_contracts.dataset import Dataset
from data_contracts.tables.stability import ELEMENTS, MARGINS
from data_contracts.transmission import PARKS, PLANTS
from data_contracts.transmission_ac import BRANCH_NAMES, BUS_NAMES
from features.context.grid import KNOWN
from flows.contexts.told import Told, ends, is_test
from models.stability_rows import LIMITING, TABLE
from substations.description import Substation

_TRUE = ("score", "stability_class", "limited_by", *LIMITING)
_DIGITS = 4


def stabilities(
    dataset: Dataset, substation: Substation, start: date, episodes: Collection[str]
) -> dict[str, Told]:
    """What the control centre knows of a state, a state for each episode, and its solved margin.

    States are drawn under stress, in hours of their own: the readings are of another one.
    """
    import pyarrow.compute as pc

    table = dataset.read(TABLE, columns=["scenario_id", "t", "status", *KNOWN, *ELEMENTS, *_TRUE])
    states = sorted(
        table.filter(pc.field("status") == "ok").to_pylist(), key=lambda state: str(state["scenario_id"])
    )
    tested = [state for state in states if is_test(state["t"].timestamp(), substation, start)]
    point = next(point.id for point in substation.points if point.kind == "system")
    return {
        name: Told(
            point,
            {"grid": grid_of(state)},
            {
                "stability_class": state["stability_class"],
                "stability_score": round(state["score"], 2),
                "limited_by": state["limited_by"],
                "failure": state[LIMITING[MARGINS.index(state["limited_by"])]],
            },
        )
        for name, state in zip(ends(dataset, episodes), tested, strict=False)
    }


def grid_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """What the control centre says of a state, as `context.grid` of a request.

    Args:
        state: A row of `stability`.
    """

    def each(name: str) -> list[float]:
        return [round(value, _DIGITS) for value in state[name]]

    units = each("unit_metered_mw")
    branches = zip(
        state["branch_in_service"], each("branch_metered_mw"), each("branch_metered_mvar"), strict=True
    )
    stations = zip(
        units[len(PARKS) :],
        each("plant_metered_mvar"),
        state["plant_units_in_service"],
        each("plant_v_set_pu"),
        strict=True,
    )
    buses = zip(each("bus_v_metered_pu"), each("bus_metered_mw"), each("bus_metered_mvar"), strict=True)
    return {
        **{known: round(state[known], _DIGITS) for known in KNOWN},
        "branches": {
            name: {"in_service": inside > 0.5, "p_mw": p, "q_mvar": q}
            for name, (inside, p, q) in zip(BRANCH_NAMES, branches, strict=True)
        },
        "stations": {
            plant.name: {"p_mw": p, "q_mvar": q, "units_in_service": round(running), "v_set_pu": v}
            for plant, (p, q, running, v) in zip(PLANTS, stations, strict=True)
        },
        "parks_mw": {park.name: mw for park, mw in zip(PARKS, units, strict=False)},
        "buses": {
            name: {"v_pu": v, "load_mw": p, "load_mvar": q}
            for name, (v, p, q) in zip(BUS_NAMES, buses, strict=True)
        },
    }
