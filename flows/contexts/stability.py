"""One state of the transmission grid, from the table `stability`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from data_contracts.dataset import Dataset
from data_contracts.tables.stability import MARGINS
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

    table = dataset.read(TABLE, columns=["scenario_id", "t", "status", *KNOWN, *_TRUE])
    states = sorted(
        table.filter(pc.field("status") == "ok").to_pylist(), key=lambda state: str(state["scenario_id"])
    )
    tested = [state for state in states if is_test(state["t"].timestamp(), substation, start)]
    point = next(point.id for point in substation.points if point.kind == "system")
    return {
        name: Told(
            point,
            {"grid": {known: round(state[known], _DIGITS) for known in KNOWN}},
            {
                "stability_class": state["stability_class"],
                "stability_score": round(state["score"], 2),
                "limited_by": state["limited_by"],
                "failure": state[LIMITING[MARGINS.index(state["limited_by"])]],
            },
        )
        for name, state in zip(ends(dataset, episodes), tested, strict=False)
    }
