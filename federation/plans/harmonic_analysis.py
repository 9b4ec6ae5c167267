"""`harmonic_analysis` as a histogram forest."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from federation.families.random_forest import RandomForest
from federation.family import LocalData
from federation.message import State
from federation.plans.plan import Plan, as_compiled, chosen
from models.declaration import Params
from models.forest import Forest
from models.monitoring.harmonic_analysis import (
    DEFINITION,
    LEAST_THD_PCT,
    METERED,
    SPECTRUM,
    WAVEFORM,
    measured_pct,
)
from models.rows import Rows
from models.splits import TRAIN

LARGEST_LN = 3.0
"""ln(true / measured) beyond this is no transformer's doing: a factor of twenty."""
STEP_LN = 0.01
"""Targets leave a site to one percent: coarser than a row's own value, finer than the forest knows it."""


class HarmonicAnalysisPlan(Plan):
    """One forest, grown on the training days of all sites."""

    definition = DEFINITION
    family: ClassVar[RandomForest] = RandomForest()
    metric = DEFINITION.headline
    inputs = DEFINITION.features
    fine_tuning = "trees are not adjusted after they are grown; grown anew at a site they are the local model"

    def settings(self, params: Params, seed: str) -> dict[str, Any]:
        """The forest's hyper-parameters, as scikit-learn calls them in the model's own."""
        taken = chosen(params, self.definition.defaults)
        return {
            "seed": seed,
            "columns": len(self.definition.features),
            "trees": taken["n_estimators"],
            "largest": LARGEST_LN,
            "step": STEP_LN,
            **{
                name: taken[name]
                for name in ("max_leaf_nodes", "min_samples_leaf", "max_features", "max_samples")
            },
        }

    def local_data(self, rows: Rows) -> LocalData:
        """Training rows, ln(true / measured), and as weight the measured THD, as in the pooled model."""
        train = rows.select(rows.split == TRAIN)
        X = train.inputs(self.definition.features)
        base = measured_pct(X)
        truth = np.maximum(np.asarray(train.truth["thd_pct"], dtype=np.float64), LEAST_THD_PCT)
        return {"X": as_compiled(X), "y": np.log(truth / base), "weight": base}

    def probes(self, state: State, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Points near shared edges, each column by itself; a third without capture, a third without meter."""
        edges, offsets = state.array("edges"), state.array("offsets")
        X = np.ones((count, offsets.size - 1))
        for column in range(X.shape[1]):
            own = edges[offsets[column] : offsets[column + 1]]
            if own.size:
                X[:, column] = rng.choice(own, count) + rng.normal(0.0, np.ptp(own) / own.size, count)
        place = {name: at for at, name in enumerate(self.definition.features)}
        form = np.arange(count) % 3
        for without, names in ((1, WAVEFORM), (2, METERED)):
            X[np.ix_(form == without, [place[name] for name in names])] = np.nan
        X[:, place[SPECTRUM]] = np.abs(X[:, place[SPECTRUM]])
        return X

    def fitted(self, state: State) -> Forest:
        """The finished forest."""
        return self.family.result(state)


PLAN = HarmonicAnalysisPlan()
