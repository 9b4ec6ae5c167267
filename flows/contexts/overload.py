"""A transformer's oil, air and loading, from the table `thermal`."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from features.context import day_ago, loading
from flows.contexts.told import Told
from models import columns
from models.splits import TEST, day_of, split_of_day
from models.thermal_rows import AHEAD_MIN
from substations.description import Substation

MINUTE_S = 60


def overloads(
    dataset: Dataset, substation: Substation, start: date, episodes: Collection[str]
) -> dict[str, Told]:
    """A transformer's oil, air and loading up to the minute of each episode of the kind `overload`.

    What comes in the hour behind that minute is the truth. Left out are those whose thermal episode is not of
    the test split, and those too near to its beginning or end.
    """
    table = dataset.read("scenarios", columns=["scenario_id", "kind", "parameters"])
    known = zip(
        columns.names(table, "scenario_id").array(), columns.names(table, "parameters").array(), strict=True
    )
    drawn = {str(name): json.loads(str(text)) for name, text in known if str(name) in set(episodes)}
    minutes = _Minutes.of(dataset)
    found = {}
    for name, drawing in drawn.items():
        told = minutes.told(substation, start, drawing)
        if told is not None:
            found[name] = told
    return found


@dataclass(frozen=True, slots=True)
class _Minutes:
    """The table `thermal`: columns, and the names that its rows belong to."""

    episode: NDArray[Any]
    asset: NDArray[Any]
    t: NDArray[np.int64]
    values: Mapping[str, NDArray[np.float64]]

    @classmethod
    def of(cls, dataset: Dataset) -> _Minutes:
        names = ("load_metered_pu", "top_oil_measured_c", "ambient_c", "hot_spot_c")
        table = dataset.read("thermal", columns=["scenario_id", "asset", "t", *names])
        return cls(
            columns.names(table, "scenario_id").array(),
            columns.names(table, "asset").array(),
            columns.seconds(table),
            {name: columns.floats(table, name) for name in names},
        )

    def told(self, substation: Substation, start: date, drawing: Mapping[str, Any]) -> Told | None:
        mine = np.flatnonzero((self.episode == drawing["thermal"]) & (self.asset == drawing["asset"]))
        mine = mine[np.argsort(self.t[mine])]
        now = int(np.searchsorted(self.t[mine], drawing["t_thermal"]))
        before, behind = mine[max(now - day_ago.REACH_MIN, 0) : now], mine[now : now + AHEAD_MIN]
        if before.size < loading.MINUTES or behind.size < AHEAD_MIN:
            return None
        first = day_of(self.t[mine[:1]].astype(np.float64), start, substation.utc_offset_s)
        oil_c = float(self.values["top_oil_measured_c"][before[-1]])
        pu = self.values["load_metered_pu"][before]
        if int(split_of_day(first)[0]) != TEST or not (np.isfinite(oil_c) and np.isfinite(pu).all()):
            return None
        element = next(unit.element for unit in substation.transformers if unit.id == drawing["asset"])
        bays = [
            point.id
            for point in substation.points
            if point.kind == "transformer_bay" and point.element == element
        ]
        end = datetime.fromtimestamp(int(drawing["t_thermal"]), UTC)
        context = {
            "ambient_c": round(float(self.values["ambient_c"][before[-1]]), 2),
            "top_oil_c": oil_c,
            "loading_history": {
                "step_s": MINUTE_S,
                "end": end.isoformat().replace("+00:00", "Z"),
                "pu": pu.tolist(),
            },
        }
        # The last bay is that of the low side.
        return Told(bays[-1], context, {"hot_spots_c": self.values["hot_spot_c"][behind]})
