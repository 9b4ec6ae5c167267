"""`energy_loss` by the normal equations of all sites."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from federation.families.linear import Linear
from federation.family import LocalData
from federation.message import State
from federation.plans.plan import Plan, chosen
from models.declaration import Params
from models.energy.energy_loss import CLASSES, DEFINITION, INPUTS, EnergyLossModel, offsets_of, ratios_of
from models.rows import Rows
from models.splits import TRAIN, VALIDATION

# Loss by nameplates of made-up stations, W, and the share of active power in it at their design load.
PROBE_W, PROBE_DESIGN = (1e5, 1e7), 0.65


class EnergyLossPlan(Plan):
    """One ridge regression on the training days of all sites."""

    definition = DEFINITION
    family: ClassVar[Linear] = Linear()
    metric = DEFINITION.headline
    inputs = INPUTS
    fine_tuning = "the same equations of one site's rows are that site's own model"

    def settings(self, params: Params, seed: str) -> dict[str, Any]:
        """Degree and penalty; nothing is drawn."""
        del seed
        return {
            "columns": len(INPUTS),
            "targets": len(CLASSES),
            "figures": len(CLASSES),
            **chosen(params, self.definition.defaults),
        }

    def local_data(self, rows: Rows) -> LocalData:
        """Inputs and ratios of training days; offsets of the design shares on validation days."""
        train = rows.select(rows.split == TRAIN)
        return {
            "X": train.inputs(INPUTS),
            "Y": ratios_of(train),
            "beside": offsets_of(rows.select(rows.split == VALIDATION)),
        }

    def probes(self, state: State, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Made-up states within two deviations of the mean state, of stations of any size."""
        regression, _ = self.family.result(state)
        X = regression.centre + regression.scale * rng.uniform(-2.0, 2.0, (count, len(INPUTS)))
        low, high = np.log(PROBE_W).tolist()
        watts = np.exp(rng.uniform(low, high, count))
        active = rng.normal(PROBE_DESIGN, 0.02, count)
        return np.column_stack([X, watts, active, 0.2 * (1.0 - active)])

    def fitted(self, state: State) -> EnergyLossModel:
        """The regression and the offsets."""
        regression, beside = self.family.result(state)
        return EnergyLossModel(regression, (float(beside[0]), float(beside[1]), float(beside[2])))


PLAN = EnergyLossPlan()
