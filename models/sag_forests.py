"""The fitted `voltage_sag`: a forest for each cause, two for an event's size, and their graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import forest
from models.declaration import Params
from models.forest import Forest
from models.rows import Rows
from models.sag_rows import CAUSES
from models.sag_truth import comes_of, happened, ln_depth, weight_of

Float = NDArray[np.float64]

DRIVERS = (
    ("ambient_c", "wind_m_s", "lightning_per_h", "v_nom_log", "arcs_fading"),
    ("hour_local", "weekend", "weekday_sin", "ambient_c", "v_nom_log"),
    ("hour_local", "weekend", "v_nom_log"),
)  # fmt: skip
"""What drives each of CAUSES."""
SIZE_DRIVERS = ("hour_local", "weekend", "v_nom_log", "wind_m_s", "lightning_per_h", "arcs_fading")
"""What says which cause is likely, and with it how deep and how long."""

TREES = {"rates": 30, "sizes": 15}
SIZE_ROWS, SIZE_LEAVES, SIZE_LEAF = 1000, 16, 60
OUTPUT = "forecast"


@dataclass(frozen=True, slots=True)
class SagForests:
    """The fitted model.

    Attributes:
        rates: Probability of an event of each of CAUSES within ten minutes, from its DRIVERS.
        depth: ln of the depth in %, if an event comes, from SIZE_DRIVERS.
        duration: log10 of the duration in ms, if an event comes, from SIZE_DRIVERS.
        scale: What the three probabilities are multiplied by, so that as many come as are forecast.
    """

    rates: tuple[Forest, Forest, Forest]
    depth: Forest
    duration: Forest
    scale: float = 1.0

    def rates_of(self, rows: Rows) -> Float:
        """Estimated probability of each cause, float64 [n, 3]."""
        return np.stack(
            [one.predict(rows.inputs(drivers)) for one, drivers in zip(self.rates, DRIVERS, strict=True)],
            axis=1,
        )

    def raw(self, X: Float, features: Sequence[str]) -> Float:
        """Three probabilities, ln of the depth, log10 of the duration by the library, float64 [n, 5]."""
        grown = zip(
            (*self.rates, self.depth, self.duration),
            (*DRIVERS, SIZE_DRIVERS, SIZE_DRIVERS),
            strict=True,
        )
        found = [_native(one, X[:, _places(features, drivers)]) for one, drivers in grown]
        return np.stack(found, axis=1)


def fit(rows: Rows, params: Params, seed: int) -> SagForests:
    """Grow a forest for each cause on weighted steps, two more on the steps with an event."""
    event, weight = happened(rows), weight_of(rows)
    grown: dict[str, Any] = {
        "n_estimators": TREES["rates"],
        "max_samples": 0.5,
        "min_samples_leaf": int(params["min_samples_leaf"]),
        "max_leaf_nodes": int(params["max_leaf_nodes"]),
        "max_features": float(params["max_features"]),
    }
    first, second, third = (
        forest.fit(rows.inputs(drivers), comes_of(rows, k).astype(np.float64), seed, weight=weight, **grown)
        for k, drivers in enumerate(DRIVERS)
    )
    sizes: dict[str, Any] = {
        "n_estimators": TREES["sizes"],
        "criterion": "absolute_error",
        "min_samples_leaf": SIZE_LEAF,
        "max_leaf_nodes": SIZE_LEAVES,
        "max_features": float(params["max_features"]),
    }
    chosen = np.random.default_rng(seed).permutation(np.flatnonzero(event))[:SIZE_ROWS]
    X = rows.inputs(SIZE_DRIVERS)[chosen]
    sizes["weight"] = weight[chosen]
    depth = forest.fit(X, ln_depth(rows)[chosen], seed, **sizes)
    lasting = np.asarray(rows.truth["duration_log"], dtype=np.float64)[chosen]
    return SagForests((first, second, third), depth, forest.fit(X, lasting, seed, **sizes))


def graph(fitted: SagForests, name: str, features: Sequence[str]) -> bytes:
    """Five forests side by side in double precision."""
    from models.graphs import INPUT, Graph

    made = Graph()
    source = made.rounded(INPUT, "rounded")
    parts = []
    for cause, drivers, one in zip(CAUSES, DRIVERS, fitted.rates, strict=True):
        inputs = made.columns(source, _places(features, drivers), f"{cause}_inputs")
        parts.append(made.forest(inputs, one.trees, cause))
    sizes = made.columns(source, _places(features, SIZE_DRIVERS), "size_inputs")
    parts.append(made.forest(sizes, fitted.depth.trees, "depth"))
    parts.append(made.forest(sizes, fitted.duration.trees, "duration"))
    made.add("Concat", parts, OUTPUT, axis=1)
    return made.finish(name, len(features), OUTPUT, len(parts), double=True)


def _places(names: Sequence[str], wanted: Sequence[str]) -> NDArray[np.int64]:
    return np.array([names.index(name) for name in wanted], dtype=np.int64)


def _native(one: Forest, X: Float) -> Float:
    if one.native is None:
        return one.predict(X)
    found: Float = one.native.predict(X.astype(np.float32))
    return found
