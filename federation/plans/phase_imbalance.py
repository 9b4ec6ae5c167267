"""`phase_imbalance` as a histogram tree."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from federation.families.decision_tree import DecisionTree
from federation.family import LocalData
from federation.message import State
from federation.plans.plan import Plan, as_compiled, chosen, classes_of
from models.decision_tree import ClassTree
from models.declaration import Params
from models.monitoring.phase_imbalance import DEFINITION
from models.rows import Rows
from models.splits import TRAIN


class PhaseImbalancePlan(Plan):
    """One decision tree, grown on the training days of all sites."""

    definition = DEFINITION
    family: ClassVar[DecisionTree] = DecisionTree()
    metric = "macro_f1"
    inputs = DEFINITION.features
    fine_tuning = "a tree has no parameters to move a little; grown anew at a site it is the local model"

    def settings(self, params: Params, seed: str) -> dict[str, Any]:
        """The tree's hyper-parameters; nothing is drawn."""
        del seed
        return {
            "columns": len(self.definition.features),
            "classes": classes_of(self.definition),
            **chosen(params, self.definition.defaults),
        }

    def local_data(self, rows: Rows) -> LocalData:
        """Training rows and their class codes."""
        train = rows.select(rows.split == TRAIN)
        return {
            "X": as_compiled(train.inputs(self.definition.features)),
            "y": np.asarray(train.truth["code"], dtype=np.int64),
        }

    def probes(self, state: State, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Points near shared edges, each column by itself."""
        edges, offsets = state.array("edges"), state.array("offsets")
        X = np.zeros((count, offsets.size - 1))
        for column in range(X.shape[1]):
            own = edges[offsets[column] : offsets[column + 1]]
            if own.size:
                X[:, column] = rng.choice(own, count) + rng.normal(0.0, np.ptp(own) / own.size, count)
        return X

    def fitted(self, state: State) -> ClassTree:
        """The finished tree."""
        return ClassTree(self.family.result(state))


PLAN = PhaseImbalancePlan()
