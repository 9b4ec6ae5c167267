"""`equipment_failure` as histogram-boosted trees."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from federation.families.boosted_trees import BoostedTrees
from federation.family import LocalData
from federation.message import State
from federation.plans.plan import Plan, as_compiled, chosen
from models import boosting
from models.declaration import Params
from models.failure_trees import TIME_PARAMS, FailureTrees
from models.maintenance.equipment_failure import DEFINITION
from models.ranking import FAILED, FAILS, TIME_D, WEIGHT
from models.rows import Rows
from models.splits import TRAIN, VALIDATION
from switchyard.identity import generator

TREES, RATE = 36, 0.2
"""Fewer and larger steps than the pooled model's: each tree costs as many rounds as it is deep."""
DEEPEST = 4
MOST_ROWS = 8000
"""Training rows of a site; failing ones first, and weights keep the base rate."""


class EquipmentFailurePlan(Plan):
    """Two ensembles, grown on the pieces of equipment of all sites."""

    definition = DEFINITION
    family: ClassVar[BoostedTrees] = BoostedTrees()
    metric = DEFINITION.headline
    inputs = DEFINITION.features
    fine_tuning = "trees are not adjusted after they are grown; grown anew at a site they are the local model"

    def settings(self, params: Params, seed: str) -> dict[str, Any]:
        """What keeps trees simple, as in the pooled model; nothing is drawn."""
        del seed
        taken = chosen(params, self.definition.defaults)
        return {
            "columns": len(self.definition.features),
            "trees": TREES,
            "depth": min(int(taken["max_depth"]), DEEPEST),
            "time_depth": TIME_PARAMS["max_depth"],
            "rate": RATE,
            "penalty": taken["reg_lambda"],
            "least_hessian": taken["min_child_weight"],
        }

    def local_data(self, rows: Rows) -> LocalData:
        """Some of the training rows, and all validation rows."""
        train, judged = (rows.select(rows.split == split) for split in (TRAIN, VALIDATION))
        here = rows.substation.texts[int(rows.substation.codes[0])]
        stream = generator(here, self.definition.name, "federation")
        train = self.definition.subset(train, MOST_ROWS, stream)
        return {
            "X": as_compiled(train.inputs(self.definition.features)),
            "outcome": _real(train, FAILS),
            "time": _real(train, TIME_D),
            "seen": _real(train, FAILED),
            "weight": _real(train, WEIGHT),
            "X_validation": as_compiled(judged.inputs(self.definition.features)),
            "outcome_validation": _real(judged, FAILS),
            "weight_validation": _real(judged, WEIGHT),
        }

    def probes(self, state: State, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Points near shared edges, each column by itself; half of them without readings."""
        edges, offsets = state.array("edges"), state.array("offsets")
        X = np.zeros((count, offsets.size - 1))
        for column in range(X.shape[1]):
            own = edges[offsets[column] : offsets[column + 1]]
            if own.size:
                X[:, column] = rng.choice(own, count) + rng.normal(0.0, np.ptp(own) / own.size, count)
        optional = [self.definition.features.index(name) for name in self.definition.optional]
        X[np.ix_(np.arange(1, count, 2), np.asarray(optional))] = np.nan
        return X

    def fitted(self, state: State) -> FailureTrees:
        """Both ensembles with what each leaf owes to each group of inputs, and the calibrated curve."""
        found = self.family.result(state)
        groups = self.definition.factor_of_input
        return FailureTrees(
            risk=boosting.assembled(found.outcome, groups, found.starts[0]),
            time=boosting.assembled(found.time, (0,) * len(groups), found.starts[1]),
            apart=np.zeros((0, 3)),
            curve=found.curve,
        )


def _real(rows: Rows, name: str) -> NDArray[np.float64]:
    return np.asarray(rows.truth[name], dtype=np.float64)


PLAN = EquipmentFailurePlan()
