"""Boosted trees (XGBoost) of a load forecast: one ensemble for each horizon, told the weather of now.

They forecast the change from the known load that is nearest, in units of the level, from the calendar, the
differences of known loads and the hours of the last day, as the trees that a forecast is compared with do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import boosting, load_inputs, load_weather
from models.boosting import Boosted
from models.graphs import INPUT, Graph
from models.load_inputs import HORIZONS, NEAREST, WEATHER

Float = NDArray[np.float64]

ROUNDS = 100
GROWN: Mapping[str, Any] = {
    **boosting.FIXED, "objective": "reg:squarederror", "base_score": 0.0, "eta": 0.1,
    "grow_policy": "lossguide", "max_depth": 0, "max_leaves": 31, "min_child_weight": 20.0, "max_bin": 128,
    "subsample": 0.8, "colsample_bytree": 0.5,
}  # fmt: skip

MASKED = 4
"""Every so manieth row is learnt a second time without its weather: a request may not tell it."""


@dataclass(frozen=True, slots=True)
class LoadTrees:
    """Forecasts of the load of rated power at three horizons.

    Attributes:
        horizons: An ensemble for each horizon.
    """

    horizons: tuple[Boosted, ...]

    def predict(self, X: Float) -> Float:
        """Load at each horizon, of rated power, float64 [n, 3], from inputs [n, load_inputs.INDEX]."""
        rows = load_inputs.flat(X, WEATHER)
        change = np.stack([one.margin(rows) for one in self.horizons], axis=1)
        found: Float = X[:, load_inputs.places(NEAREST)] + change * load_inputs.level(X)
        return found

    def add_to(self, graph: Graph, level: str, known: str) -> str:
        """Add the forecasts to a graph that has the level and what is known; float64 [n, 3]."""
        rows = graph.rounded(load_inputs.add_flat(graph, level, known, WEATHER), "flat_rounded")
        changes = []
        for name, one in zip(HORIZONS, self.horizons, strict=True):
            mean = graph.forest(rows, one.trees, f"trees_mean_{name}")
            count = graph.constant(f"trees_{name}", np.array(float(len(one.trees))))
            total = graph.add("Mul", [mean, count], f"trees_sum_{name}")
            start = graph.constant(f"trees_start_{name}", np.array(one.start))
            changes.append(graph.add("Add", [total, start], f"trees_change_{name}"))
        change = graph.add("Concat", changes, "trees_change", axis=1)
        scaled = graph.add("Mul", [change, level], "trees_change_pu")
        near = graph.columns(INPUT, load_inputs.places(NEAREST), "nearest_pu")
        return graph.add("Add", [near, scaled], "trees_pu")


def fit(X: Float, y_pu: Float, seed: int) -> LoadTrees:
    """Fit an ensemble for each horizon; an error counts in rated power.

    Args:
        X: Inputs, [n, load_inputs.INDEX]; weather that is not told is NaN.
        y_pu: Load at each horizon, of rated power, [n, 3].
        seed: Decides which rows and columns a tree sees.
    """
    import xgboost

    rows, level = load_inputs.flat(X, WEATHER), load_inputs.level(X)[:, 0]
    change = (y_pu - X[:, load_inputs.places(NEAREST)]) / level[:, None]
    if load_weather.known(X):
        blind = rows[::MASKED].copy()
        blind[:, -len(WEATHER) :] = np.nan
        rows = np.concatenate([rows, blind])
        change, level = (np.concatenate([of, of[::MASKED]]) for of in (change, level))
    grown = []
    for column in change.T:
        data = xgboost.DMatrix(rows.astype(np.float32), label=column, weight=level / level.mean())
        booster = xgboost.train({**GROWN, "seed": seed}, data, ROUNDS, verbose_eval=False)
        grown.append(boosting.from_booster(booster, [0] * rows.shape[1]))
    return LoadTrees(tuple(grown))
