"""`demand_response` by Lloyd's steps on sums of all sites."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data_contracts.tables.customers import CLASSES
from federation.families.kmeans import KMeans
from federation.family import LocalData
from federation.message import State
from federation.plans.plan import Plan, chosen
from models.declaration import Params
from models.energy.demand_response import DEFINITION, FIGURES, PEAK_LOAD, DemandGroups, moved, named
from models.rows import Rows
from models.splits import TRAIN

# Evening load of made-up customers, W.
PROBE_W = (1e3, 1e6)


class DemandResponsePlan(Plan):
    """One partition of all sites' training customers, and one regression of the share that moves."""

    definition = DEFINITION
    family: ClassVar[KMeans] = KMeans()
    metric = DEFINITION.headline
    inputs = FIGURES
    fine_tuning = "centroids that went on moving at a site would be those of the site's own model"

    def settings(self, params: Params, seed: str) -> dict[str, Any]:
        """Clusters, components, and what names the starts."""
        return {
            "seed": seed,
            "columns": len(FIGURES),
            "clusters": len(CLASSES),
            **chosen(params, self.definition.defaults),
        }

    def local_data(self, rows: Rows) -> LocalData:
        """Ten figures of training customers, and the share of their evening load that they move."""
        train = rows.select(rows.split == TRAIN)
        return {"X": train.inputs(FIGURES), "y": moved(train)}

    def probes(self, state: State, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Made-up customers around every centroid, with some load in the evening."""
        partition, _ = self.family.result(state)
        near = partition.centroids[rng.integers(len(partition.centroids), size=count)]
        figures = partition.space.figures(near + 0.5 * rng.normal(size=near.shape))
        X = partition.space.centre + partition.space.scale * figures
        low, high = np.log(PROBE_W).tolist()
        load = np.exp(rng.uniform(low, high, count))
        made = dict(zip((*FIGURES, PEAK_LOAD), (*X.T, load), strict=True))
        return np.stack([made[name] for name in self.definition.features], axis=1)

    def fitted(self, state: State) -> DemandGroups:
        """The clusters by name, and the regression."""
        partition, regression = self.family.result(state)
        return DemandGroups(
            partition.reordered(named(partition)), regression.coefficients, regression.intercept
        )


PLAN = DemandResponsePlan()
