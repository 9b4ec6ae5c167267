"""`voltage_anomaly` as a union of isolation trees."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from federation.families.isolation_forest import IsolationForest
from federation.family import LocalData
from federation.message import State
from federation.plans.plan import Plan, chosen
from models.anomalies import AnomalyForest
from models.declaration import Params
from models.monitoring.voltage_anomaly import DEFINITION, FALSE_ALARMS, SHAPING
from models.rows import Rows
from models.splits import TRAIN, VALIDATION


class VoltageAnomalyPlan(Plan):
    """Trees of normal operation from every site, one whitening, one threshold."""

    definition = DEFINITION
    family: ClassVar[IsolationForest] = IsolationForest()
    metric = DEFINITION.headline
    # A looser threshold finds more and alarms more: recalls compare at one rate of false alarms only.
    at_level = "at_1pct_false_alarms"
    # Recall alone would be best where everything alarms.
    guards = ("accuracy_at_10pct_anomalies",)
    inputs = DEFINITION.features
    fine_tuning = "trees are not adjusted after they are grown; grown anew at a site they are the local model"

    def settings(self, params: Params, seed: str) -> dict[str, Any]:
        """The forest's hyper-parameters and the constants of the model's shaping."""
        return {
            "shaping": SHAPING.tolist(),
            "seed": seed,
            "false_alarms": FALSE_ALARMS,
            **chosen(params, self.definition.defaults),
        }

    def local_data(self, rows: Rows) -> LocalData:
        """Rows without an anomaly of the training and the validation days."""
        normal = ~np.asarray(rows.truth["anomaly"], dtype=bool)
        X = rows.inputs(self.definition.features)
        return {
            "X": X[normal & (rows.split == TRAIN)],
            "X_validation": X[normal & (rows.split == VALIDATION)],
        }

    def probes(self, state: State, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Points around the merged mean, from ordinary to ten standard deviations away."""
        spread = np.geomspace(0.3, 10.0, count)[:, None]
        far = rng.normal(size=(count, state.array("raw_centre").size)) * spread
        X: NDArray[np.float64] = state.array("raw_centre") + far * state.array("raw_scale")
        return X

    def fitted(self, state: State) -> AnomalyForest:
        """The finished forest with its threshold."""
        return self.family.result(state)


PLAN = VoltageAnomalyPlan()
