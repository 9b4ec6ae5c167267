"""Output of each unit in the grid's AC optimum."""

from __future__ import annotations

import numpy as np

from flows.difficulty.cases import Campaign, Cases, Floats, Target
from flows.difficulty.scores import mean_absolute
from flows.difficulty.targets.load import said
from models import columns

OFFERED = (
    *("minimum_mw", "available_mw", "cost_per_mwh", "quadratic_per_mw2h", "renewable"),
    *("merit_order_mw", "system_load_mw", "loss_estimate_mw"),
)


class Dispatch(Target):
    """What a unit delivers in an hour's AC optimum."""

    name = "optimal_dispatch"
    title = "Output of a unit in the AC optimum"
    tables = ("dispatch",)
    task = "value"
    score = mean_absolute("MW")
    grouped = "hour"
    oracle = "the AC optimum itself"

    def read(self, campaign: Campaign) -> Cases | None:
        """Every unit in every hour that has an optimum."""
        rows = campaign.dataset.read("dispatch")
        y = columns.floats(rows, "ac_opf_mw")
        use = np.flatnonzero(np.isfinite(y))
        unit, hour = columns.names(rows, "unit").codes[use], columns.seconds(rows)[use]
        loads = columns.floats_or_lists(rows, "bus_load_mw")[use]
        known = {name: columns.floats(rows, name)[use] for name in OFFERED}
        X = np.concatenate([np.stack([*known.values(), unit.astype(np.float64)], axis=1), loads], axis=1)
        opponents: dict[str, Floats] = {
            name: columns.floats(rows, column)[use]
            for name, column in (("lossless dispatch", "lossless_mw"), ("merit order", "merit_order_mw"))
        }
        return Cases(
            columns=(*OFFERED, "unit", *(f"bus_load_{k}_mw" for k in range(loads.shape[1]))),
            X=X,
            y=y[use],
            group=np.unique(hour, return_inverse=True)[1],
            opponents={name: said(values) for name, values in opponents.items()},
            oracle=y[use],
            base=known["merit_order_mw"],
        )


TARGETS = (Dispatch(),)
