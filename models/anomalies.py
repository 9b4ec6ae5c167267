"""An isolation forest on whitened features of normal operation, and the score that it gives.

A tree of an isolation forest splits between the least and the largest value that its sample has, so beyond
that range it knows no difference: where columns have short tails, a window far out in one of sixteen
directions looks hardly stranger than an ordinary one. Whitened columns are therefore stretched, z·|z|^(p−1):
splits then fall into the tails, and what lies in a tail of any column is isolated as soon as that column is
drawn.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import whitening as whiten
from models.graphs import INPUT, Graph
from models.isolation import IsolationArrays, unsuccessful_search
from models.whitening import Whitening

# Standard deviations beyond which further makes no difference; keeps stretched columns within float32.
FURTHEST = 1000.0


@dataclass(frozen=True, slots=True)
class AnomalyForest:
    """Everything by which a window's features become an anomaly score and a verdict.

    The forest's columns are the whitened features, the standardised level, and the distance from normal
    operation, which is the root mean square of all of those; each clipped and stretched.

    Attributes:
        whitening: Of the features but the level, d columns.
        level_centre: Mean voltage level of normal rows, pu.
        level_scale: Its standard deviation, pu.
        power: p of the stretching, 1 for none.
        forest: Trees over d + 2 columns.
        centre: Mean of each raw input over normal rows, float64 [d + 1]; for naming outliers.
        scale: Standard deviation of each raw input, float64 [d + 1].
        threshold: Scores below it are anomalies.
        native: The scikit-learn forest; None for an aggregated one.
    """

    whitening: Whitening
    level_centre: float
    level_scale: float
    power: int
    forest: IsolationArrays
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    threshold: float
    native: Any = None

    def columns(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """The forest's inputs from raw features [n, d + 1], the level last; float64 [n, d + 2]."""
        return forest_columns(self.whitening, (self.level_centre, self.level_scale), self.power, X)

    def score(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Anomaly score −1…1 of raw features [n, d + 1], float64 [n]."""
        return self.forest.score(self.columns(X))

    def z(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Deviation of each raw feature from normal operation in its own σ, float64 [n, d + 1]."""
        deviation: NDArray[np.float64] = (X - self.centre) / self.scale
        return deviation


def forest_columns(
    whitening: Whitening, level: tuple[float, float], power: int, X: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The forest's inputs from raw features [n, d + 1]; float64 [n, d + 2].

    Args:
        whitening: Of the first d features.
        level: Mean and standard deviation of the last one.
        power: p of the stretching.
        X: Raw features, the level last.
    """
    centre, scale = level
    both = np.concatenate([whitening.transform(X[:, :-1]), (X[:, -1:] - centre) / scale], axis=1)
    distance = np.sqrt((both * both).mean(axis=1, keepdims=True))
    clipped: NDArray[np.float64] = np.clip(np.concatenate([both, distance], axis=1), -FURTHEST, FURTHEST)
    stretched = clipped
    for _ in range(power - 1):
        stretched = stretched * np.abs(clipped)
    return stretched


def graph(name: str, model: AnomalyForest, output: str) -> bytes:
    """The whole of `AnomalyForest.score` as one ONNX graph; output [n, 1]."""
    d = model.whitening.exponent.size
    made = Graph()
    white = made.whiten(made.columns(INPUT, np.arange(d), "unlevelled"), model.whitening)
    level = made.columns(INPUT, np.array([d]), "level_raw")
    centred = made.add(
        "Sub", [level, made.constant("level_centre", np.array([model.level_centre]))], "level_c"
    )
    scaled = made.add("Div", [centred, made.constant("level_scale", np.array([model.level_scale]))], "level")
    both = made.add("Concat", [white, scaled], "both", axis=1)
    square = made.add(
        "ReduceMean", [made.add("Mul", [both, both], "squares")], "square", axes=[1], keepdims=1
    )
    joined = made.add("Concat", [both, made.add("Sqrt", [square], "distance")], "joined", axis=1)
    bounds = [made.constant("least", np.array(-FURTHEST)), made.constant("largest", np.array(FURTHEST))]
    clipped = columns = made.add("Clip", [joined, *bounds], "clipped")
    size = made.add("Abs", [clipped], "size")
    for step in range(model.power - 1):
        columns = made.add("Mul", [columns, size], f"stretched_{step}")
    path = made.ensemble(made.rounded(columns, "rounded"), model.forest.trees, "path", average=True)
    c = float(unsuccessful_search(np.asarray(model.forest.psi, dtype=np.float64)))
    halved = made.add("Mul", [path, made.constant("rate", np.array([-np.log(2.0) / c], np.float32))], "power")
    twice = made.add(
        "Mul", [made.add("Exp", [halved], "share"), made.constant("two", np.array(2, np.float32))], "twice"
    )
    made.add("Sub", [made.constant("one", np.array(1, np.float32)), twice], output)
    return made.finish(name, d + 1, output, 1)


def fit(
    X: NDArray[np.float64],
    exponent: NDArray[np.float64],
    *,
    shrink: float,
    power: int,
    trees: int,
    psi: int,
    columns: float,
    seed: int,
) -> AnomalyForest:
    """Fit whitening and forest on normal rows.

    Args:
        X: Raw features of normal rows, the level last, float64 [n, d + 1].
        exponent: Powers of the meter's own movement, float64 [d]; see `Whitening`.
        shrink: Shrinkage of the correlation before whitening, 0–1.
        power: p of the stretching.
        trees: Number of trees.
        psi: Rows that each tree is grown on.
        columns: Share of the columns that each tree may use.
        seed: Seed of the forest.
    """
    from sklearn.ensemble import IsolationForest

    whitening = whiten.fit(X[:, :-1], exponent, shrink)
    centre, scale = X.mean(axis=0), X.std(axis=0)
    level_centre, level_scale = float(centre[-1]), float(scale[-1])
    inputs = forest_columns(whitening, (level_centre, level_scale), power, X)
    native = IsolationForest(
        n_estimators=trees, max_samples=min(psi, len(X)), max_features=columns, random_state=seed
    ).fit(inputs.astype(np.float32))
    return AnomalyForest(
        whitening=whitening,
        level_centre=level_centre,
        level_scale=level_scale,
        power=power,
        forest=IsolationArrays.from_sklearn(native),
        centre=centre,
        scale=scale,
        threshold=0.0,
        native=native,
    )


def with_threshold(model: AnomalyForest, threshold: float) -> AnomalyForest:
    """The same model with another threshold, which its native forest then uses for its own verdict too."""
    native = copy.copy(model.native)
    if native is not None:
        # scikit-learn calls −2^(−E[h]/c(ψ)) its score, of which ours is 1 + 2·score.
        native.offset_ = (threshold - 1.0) / 2.0
    return replace(model, threshold=threshold, native=native)


def quantile_threshold(score: NDArray[np.float64], share: float) -> float:
    """Score below which the share `share` of the given scores lies, between two of them.

    Lying between two neighbouring scores it decides none of them by a last bit.
    """
    ordered = np.sort(score)
    below = min(int(np.floor(share * ordered.size)), ordered.size - 1)
    lower = ordered[below - 1] if below > 0 else ordered[0] - 1e-3
    return float((lower + ordered[below]) / 2.0)
