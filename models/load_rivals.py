"""What a load forecast is compared with, and its answers as columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import load_inputs, load_weather
from models.load_inputs import HORIZONS
from models.metrics import Columns
from models.rows import Rows

Float = NDArray[np.float64]

TREES, RATE, LEAVES, BINS = 75, 0.2, 31, 63
ROWS, TREE_ROWS = 45_000, 20_000
"""Rows that the boosted trees are fitted on, and the tree of depth 3."""


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
    """Histogram gradient boosting on what `load_inputs.flat` gives, one for each horizon, float64 [n, 3].

    Against 255 bins, 150 steps of 0.1 and every hour of the like days as inputs, at six times the cost, the
    error on validation days is 0.4 % larger at 15 min, the same at 1 h and 4 % smaller at 24 h.
    """
    return _by_trees(train, rows, features, _boosting)


def tree3(train: Rows, rows: Rows, features: Sequence[str]) -> Float:
    """A tree of depth 3 on the same inputs, one for each horizon, float64 [n, 3]."""
    from sklearn.tree import DecisionTreeRegressor

    return _by_trees(train, rows, features, lambda: DecisionTreeRegressor(max_depth=3, random_state=0))


def told_weather(train: Rows, rows: Rows, features: Sequence[str]) -> Float:
    """The boosted trees with the weather that came at each horizon, float64 [n, 3]: a perfect forecast of it.

    Nobody has one when a forecast is made: the figure says how much a forecast of the weather could give at
    most. The weather of now and that of a week before are told too, as what changed moves the load.
    """
    names = load_weather.known(train.inputs(features))
    return _by_trees(
        train, rows, features, _boosting, lambda some, at: load_weather.came(some, HORIZONS[at], names)
    )


def _boosting() -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        max_iter=TREES,
        learning_rate=RATE,
        max_leaf_nodes=LEAVES,
        max_bins=BINS,
        early_stopping=False,
        random_state=0,
    )


def _by_trees(
    train: Rows,
    rows: Rows,
    features: Sequence[str],
    make: Callable[[], Any],
    beside: Callable[[Rows, int], Float] | None = None,
) -> Float:
    """Trees forecast the change from what is nearest: the load now, for 24 h that of the like day.

    Loads count in the feeder's level here too, and rows by it: an error counts in rated power. Weather is an
    input where the forecast has it and the training rows tell it. `beside` gives further columns by horizon.
    """
    X, other = train.inputs(features), rows.inputs(features)
    further = load_weather.known(X)
    mine, theirs = load_inputs.flat(X, further), load_inputs.flat(other, further)
    scale, level = load_inputs.level(X)[:, 0], load_inputs.level(other)[:, 0]
    out = np.empty((len(rows), len(HORIZONS)))
    for at in range(len(HORIZONS)):
        near = load_inputs.INDEX[load_inputs.NEAREST[at]]
        change = (wanted(train)[:, at] - X[:, near]) / scale
        inputs = [mine, theirs]
        if beside is not None:
            more = (beside(train, at), beside(rows, at))
            inputs = [np.concatenate(pair, axis=1) for pair in zip(inputs, more, strict=True)]
        found = make().fit(inputs[0], change, sample_weight=scale).predict(inputs[1])
        out[:, at] = other[:, near] + level * found
    return out
