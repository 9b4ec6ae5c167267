"""`overload_risk` by random Fourier features."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from federation.families.random_fourier import RandomFourier
from federation.family import LocalData
from federation.message import State
from federation.plans.plan import Plan, chosen
from models.declaration import Params
from models.hot_spot_levels import CLASSES, levels_cut
from models.maintenance.overload_risk import DEFINITION, OverloadMachines
from models.overload_rows import AHEAD, DAY_AGO, day_known, expected_near, hottest_c
from models.rows import Rows
from models.splits import TRAIN, VALIDATION

TERMS, PENALTY = 300, 1e-5
# The pooled machine learns mostly from rows near a limit; here all rows count, and these so much more.
NEAR_WEIGHT = 10.0
# Bins of the estimates from which levels are cut, °C.
LOW_C, STEP_C, BINS = 60.0, 0.25, 480
_AHEAD = DEFINITION.features.index(AHEAD)
_DAY_AGO = [DEFINITION.features.index(name) for name in DAY_AGO]


class OverloadRiskPlan(Plan):
    """One machine from sums of all sites' rows, and levels cut from counts of their validation rows."""

    definition = DEFINITION
    family: ClassVar[RandomFourier] = RandomFourier()
    metric = DEFINITION.headline
    inputs = DEFINITION.features
    fine_tuning = "the same sums of one site's rows are that site's own model"

    def settings(self, params: Params, seed: str) -> dict[str, Any]:
        """The kernel's width; prices of errors are the support vectors' own."""
        taken = chosen(params, self.definition.defaults)
        return {
            "seed": seed,
            "columns": len(self.definition.features),
            "targets": 2,
            "terms": TERMS,
            "gamma": taken["gamma"],
            "penalty": PENALTY,
            "classes": len(CLASSES),
            "forms": 2,
            "low": LOW_C,
            "step": STEP_C,
            "bins": BINS,
        }

    def local_data(self, rows: Rows) -> LocalData:
        """What the standard misses on training days, the minutes of those that exceed; validation days."""
        train, judged = (rows.select(rows.split == split) for split in (TRAIN, VALIDATION))
        hottest = hottest_c(train)
        exceeds = np.asarray(train.truth["exceeds"], dtype=np.float64)
        minutes = np.asarray(train.truth["minutes"], dtype=np.float64)
        return {
            "X": train.inputs(self.definition.features),
            "y": np.column_stack([hottest - train.column(AHEAD), minutes]),
            "weight": np.column_stack([np.where(expected_near(train), NEAR_WEIGHT, 1.0), exceeds]),
            "X_validation": judged.inputs(self.definition.features),
            "offset_validation": judged.column(AHEAD),
            "class_validation": np.asarray(judged.truth["code"], dtype=np.int64),
            "form_validation": np.where(day_known(judged), 0, 1),
        }

    def probes(self, state: State, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Transformers within two deviations of the mean, from cool to critical; half know the day before."""
        centre, scale = state.array("centre"), state.array("scale")
        X: NDArray[np.float64] = centre + scale * rng.uniform(-2.0, 2.0, (count, centre.size))
        X[:, _AHEAD] = np.linspace(LOW_C, LOW_C + STEP_C * BINS, count)
        X[np.ix_(np.arange(1, count, 2), np.array(_DAY_AGO))] = np.nan
        return X

    def fitted(self, state: State) -> OverloadMachines:
        """Both machines, and the cuts that the pooled model would make of these estimates.

        No site tells which transformers it has, so every direction is taken as it is.
        """
        heat, delay = self.family.result(state)
        known, unknown = (self.family.levels(state, form) for form in (0, 1))
        return OverloadMachines(heat, delay, levels_cut(known, unknown), known=None)


PLAN = OverloadRiskPlan()
