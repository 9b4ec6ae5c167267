"""What a load forecast is compared with, and its answers as columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import load_inputs
from models.load_inputs import HORIZONS
from models.metrics import Columns
from models.rows import Rows

Float = NDArray[np.float64]

TREES, RATE, LEAVES = 150, 0.1, 31


def columns_of(rows: Rows, what: str) -> Float:
    """Truth columns of all horizons, float64 [n, 3]."""
    return np.stack([np.asarray(rows.truth[f"{what}_{name}"], dtype=np.float64) for name in HORIZONS], axis=1)


def wanted(rows: Rows) -> Float:
    """Load at each horizon, of rated power, float64 [n, 3]."""
    return columns_of(rows, "p")


def answer(load_pu: Float, half_pu: Float | None = None) -> Columns:
    """Answer columns of forecasts [n, 3], with their intervals where there are any."""
    found = {f"p_{name}": load_pu[:, at] for at, name in enumerate(HORIZONS)}
    if half_pu is not None:
        for at, name in enumerate(HORIZONS):
            found[f"low_{name}"] = load_pu[:, at] - half_pu[:, at]
            found[f"high_{name}"] = load_pu[:, at] + half_pu[:, at]
    return found


def boosted(train: Rows, rows: Rows, features: Sequence[str]) -> Float:
    """Histogram gradient boosting on the inputs, one for each horizon, float64 [n, 3]."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    return _by_trees(
        train,
        rows,
        features,
        lambda: HistGradientBoostingRegressor(
            max_iter=TREES, learning_rate=RATE, max_leaf_nodes=LEAVES, early_stopping=False, random_state=0
        ),
    )


def tree3(train: Rows, rows: Rows, features: Sequence[str]) -> Float:
    """A tree of depth 3 on the inputs, one for each horizon, float64 [n, 3]."""
    from sklearn.tree import DecisionTreeRegressor

    return _by_trees(train, rows, features, lambda: DecisionTreeRegressor(max_depth=3, random_state=0))


def _by_trees(train: Rows, rows: Rows, features: Sequence[str], make: Callable[[], Any]) -> Float:
    """Trees forecast the change from what is nearest: the load now, for 24 h that of a week before then.

    Loads count in the feeder's level here too, and rows by it: an error counts in rated power.
    """
    X, other = _relative(train.inputs(features)), _relative(rows.inputs(features))
    level = load_inputs.level(rows.inputs(features))[:, 0]
    out = np.empty((len(rows), len(HORIZONS)))
    scale = load_inputs.level(train.inputs(features))[:, 0]
    for at, name in enumerate(HORIZONS):
        near = "last_week" if name == "24h" else "persistence"
        change = (wanted(train)[:, at] - columns_of(train, near)[:, at]) / scale
        out[:, at] = columns_of(rows, near)[:, at] + level * make().fit(
            X, change, sample_weight=scale
        ).predict(other)
    return out


def _relative(X: Float) -> Float:
    """Inputs with loads in units of the level."""
    found = X.copy()
    loads = load_inputs.places((*load_inputs.LAGS, *(name for one in load_inputs.SERIES for name in one)))
    found[:, loads] /= load_inputs.level(X)
    return found
