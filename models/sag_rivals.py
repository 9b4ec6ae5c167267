"""What one would foretell voltage events with instead of forests: rates of like steps, shallow trees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.metrics import Columns
from models.rows import Rows
from models.sag_forecast import answered, scale_of
from models.sag_rows import CAUSES
from models.sag_truth import comes_of, happened, ln_depth, weight_of

Float = NDArray[np.float64]

HOUR = "hour"
"""Name of the rival that goes by the hour of the day; the others go by the last hour's count."""


def by_like_steps(name: str, train: Rows, rows: Rows) -> Columns:
    """Rate, most common cause, median depth and duration by the hour or by the last hour's count."""
    if name == HOUR:
        groups = [np.floor(one.column("hour_local")).astype(np.int64) for one in (train, rows)]
    else:
        groups = [np.minimum(one.column("events_1h"), 3.0).astype(np.int64) for one in (train, rows)]
    return _by_group(train, rows, groups[0], groups[1])


def shallow_trees(train: Rows, validation: Rows, rows: Rows, features: Sequence[str]) -> Columns:
    """A tree of depth 3 for each cause, for the depth and for the duration, scaled on validation rows."""
    from sklearn.tree import DecisionTreeRegressor

    def grown(target: Float, weight: Float, which: NDArray[np.bool_]) -> Any:
        tree = DecisionTreeRegressor(max_depth=3, random_state=0)
        return tree.fit(train.inputs(features)[which], target[which], weight[which])

    event, weight = happened(train), weight_of(train)
    every = np.ones(len(train), dtype=bool)
    rates = [grown(comes_of(train, k).astype(np.float64), weight, every) for k in range(len(CAUSES))]
    depth = grown(ln_depth(train), weight, event)
    lasting = grown(np.asarray(train.truth["duration_log"], dtype=np.float64), weight, event)
    of_validation = np.stack([one.predict(validation.inputs(features)) for one in rates], axis=1)
    X = rows.inputs(features)
    found = np.stack([one.predict(X) for one in rates], axis=1)
    return answered(found, scale_of(of_validation, validation), depth.predict(X), lasting.predict(X), rows)


def _by_group(train: Rows, rows: Rows, groups: NDArray[np.int64], asked: NDArray[np.int64]) -> Columns:
    """What came in training in each group, [n]; a group without an event answers as all together."""
    event, weight = happened(train), weight_of(train)
    size = int(max(groups.max(initial=0), asked.max(initial=0))) + 1
    rate = float(weight[event].sum() / weight.sum())
    # One step's worth of the common rate keeps an empty group from answering never.
    came = np.bincount(groups[event], weight[event], size) + 1.0
    of = np.bincount(groups, weight, size) + 1.0 / rate
    causes = np.asarray(train.truth["code"], dtype=np.int64)
    depth, lasting = (
        np.asarray(train.truth[name], dtype=np.float64) for name in ("depth_pct", "duration_log")
    )
    table = np.empty((size, 3))
    for group in range(size):
        own = event & (groups == group)
        own = own if own.any() else event
        most_common = np.bincount(causes[own], weight[own], len(CAUSES)).argmax()
        table[group] = most_common, np.median(depth[own]), np.median(lasting[own])
    code = table[asked, 0].astype(np.int64)
    return {
        "probability": np.minimum(came / of, 1.0)[asked],
        "code": code,
        "right": code == rows.truth["code"],
        "depth_pct": table[asked, 1],
        "duration_log": table[asked, 2],
    }
