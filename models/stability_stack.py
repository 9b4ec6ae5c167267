"""Learners of the grid's stability, stacked: what each says of states that it was not fitted on is weighed.

Forest, boosted trees and logistic regression are fitted on folds of whole days; a linear model learns from
their answers to the days left out (D. Wolpert, "Stacked generalization", Neural Networks 5, 1992). It has the
least absolute error, by iteratively reweighted least squares (E. Schlossmacher, "An iterative technique for
absolute deviations curve fitting", JASA 68, 1973): a score's median decides its class. The learners that
answer are fitted on all days. Scores are of 1 here, not of 100.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.tables.stability import CLASSES, MARGINS
from models import boosting, forest, logistic
from models.boosting import Boosted
from models.forest import Forest
from models.logistic import Logistic
from models.rows import Names, Rows
from models.splits import folds

if TYPE_CHECKING:
    from models.graphs import Graph

Float = NDArray[np.float64]

FOLDS = 3
TREES = 60
FOREST: Mapping[str, Any] = {"n_estimators": TREES, "max_leaf_nodes": forest.MOST_LEAVES, "max_features": 0.4}
BOOSTED: Mapping[str, Any] = {
    **boosting.FIXED, "objective": "reg:squarederror", "subsample": 0.7, "colsample_bytree": 0.4,
    "min_child_weight": 5.0,
}  # fmt: skip
JUDGES = 1 + len(MARGINS) + 1 + len(CLASSES)
"""Answers that are weighed: the forest's, the margins', their least, and the classes' probabilities."""

_ROUNDS, _LEAST_ERROR = 50, 1e-3
# Where few days are known the answers are weighed alike that are scores: the forest's and the least margin.
USUAL = np.array([0.5, *(0.0 for _ in MARGINS), 0.5, *(0.0 for _ in CLASSES)])
_RIDGE = 10.0


@dataclass(frozen=True, slots=True)
class Learners:
    """What is stacked.

    Attributes:
        score: The score, by a random forest.
        margins: Each margin's own score, by boosted trees.
        classes: The class, by logistic regression.
    """

    score: Forest
    margins: tuple[Boosted, ...]
    classes: Logistic

    def judge(self, X: Float, *, native: bool = False) -> Float:
        """Answers that are weighed, float64 [n, `JUDGES`].

        Args:
            X: Inputs, [n, p].
            native: Whether forest and regression answer by the library that fitted them.
        """
        if native and self.score.native is not None:
            score = np.asarray(self.score.native.predict(X.astype(np.float32)), dtype=np.float64)
        else:
            score = self.score.predict(X)
        margins = np.stack([one.margin(X) for one in self.margins], axis=1)
        logits = self.classes.native_logits(X) if native else self.classes.logits(X)
        known = logistic.probabilities(logits)
        chance = np.zeros((len(X), len(CLASSES)))
        chance[:, [CLASSES.index(name) for name in self.classes.classes]] = known
        return np.concatenate([score[:, None], margins, margins.min(axis=1, keepdims=True), chance], axis=1)


@dataclass(frozen=True, slots=True)
class Stack:
    """The fitted model.

    Attributes:
        learners: What is stacked.
        weights: Of their answers, [`JUDGES`].
        bias: What is added.
        failures: Which failure limits, by logistic regression.
        told: Places of the inputs that the training rows told; empty where they told all of them.
    """

    learners: Learners
    weights: Float
    bias: float
    failures: Logistic
    told: tuple[int, ...] = ()

    def read(self, X: Float) -> Float:
        """The inputs that it reads, of all of them, [n, p]."""
        return X[:, list(self.told)] if self.told else X

    def estimate(self, X: Float, *, native: bool = False) -> Float:
        """Score and margins of 1, and logits of the failures, float64 [n, 1 + margins + failures]."""
        X = self.read(X)
        judged = self.learners.judge(X, native=native)
        score = judged @ self.weights + self.bias
        logits = self.failures.native_logits(X) if native else self.failures.logits(X)
        return np.concatenate([score[:, None], judged[:, 1 : 1 + len(MARGINS)], logits], axis=1)

    def add_to(self, graph: Graph, source: str) -> str:
        """Add `estimate` to a graph of double precision; returns the name of its output."""
        learners = self.learners
        source = graph.columns(source, np.array(self.told), "told") if self.told else source
        rounded = graph.rounded(source, "rounded")
        score = graph.forest(rounded, learners.score.trees, "forest_score")
        parts = [
            _boosted(graph, rounded, one, name) for name, one in zip(MARGINS, learners.margins, strict=True)
        ]
        margins = graph.add("Concat", parts, "margins", axis=1)
        least = graph.add("ReduceMin", [margins], "least_margin", axes=[1], keepdims=1)
        logits = learners.classes.add_to(graph, source, "classes")
        known = graph.add("Softmax", [logits], "known_chances", axis=1)
        places = np.zeros((len(learners.classes.classes), len(CLASSES)))
        for row, name in enumerate(learners.classes.classes):
            places[row, CLASSES.index(name)] = 1.0
        chance = graph.add("MatMul", [known, graph.constant("places", places)], "chances")
        judged = graph.add("Concat", [score, margins, least, chance], "judged", axis=1)
        weighed = graph.add(
            "MatMul", [judged, graph.constant("stack_weights", self.weights[:, None])], "weighed"
        )
        score = graph.add("Add", [weighed, graph.constant("stack_bias", np.array(self.bias))], "score")
        failures = self.failures.add_to(graph, source, "failures")
        return graph.add("Concat", [score, margins, failures], "estimate", axis=1)


def fit(rows: Rows, inputs: tuple[str, ...], params: Mapping[str, Any], seed: int) -> Stack:
    """Fit learners on folds of whole days, the weights of their answers, and learners on all days.

    Of fewer days than folds nothing can be left out: the usual weights stand. Inputs that no row tells, as
    those of a measured table that need the network's model, are not read.

    Args:
        rows: Training rows of `models.stability_rows`.
        inputs: Names of the inputs.
        params: `rounds`, `max_depth` and `learning_rate` of the boosted trees, `min_samples_leaf` of the
            forest, `C` of the regressions.
        seed: Decides folds and draws.
    """
    X, score = rows.inputs(inputs), np.asarray(rows.truth["score"], dtype=np.float64) / 100.0
    told = np.flatnonzero(np.isfinite(X).any(axis=0))
    read = tuple(told.tolist()) if told.size < X.shape[1] else ()
    X = X[:, list(read)] if read else X
    weights, bias = USUAL, 0.0
    if np.unique(rows.episode.codes).size >= FOLDS:
        judged = np.zeros((len(rows), JUDGES))
        for fitting, left_out in folds(rows.episode, FOLDS, np.random.default_rng(seed)):
            judged[left_out] = _learn(rows.select(fitting), X[fitting], params, seed).judge(X[left_out])
        weights, bias = least_absolute(judged, score, USUAL)
    failures = logistic.fit(X, Names.of(rows.truth["failure"].tolist()), C=float(params["C"]))
    return Stack(_learn(rows, X, params, seed), weights, bias, failures, read)


def least_absolute(A: Float, y: Float, usual: Float) -> tuple[Float, float]:
    """Weights [k] and constant with the least Σ|y − A·w − b| and a penalty on the distance to usual weights.

    Args:
        A: Columns to weigh, [n, k].
        y: Targets, [n].
        usual: What weights are drawn to, [k].
    """
    centre, middle = A.mean(axis=0), float(y.mean())
    B, apart = np.concatenate([A - centre, np.ones((len(A), 1))], axis=1), y - middle
    ridge = _RIDGE * np.append(np.ones(A.shape[1]), 0.0)
    drawn = ridge * np.append(usual, 0.0)
    weight, found = np.ones(len(A)), np.zeros(B.shape[1])
    for _ in range(_ROUNDS):
        weighed = (B * weight[:, None]).T
        found = np.linalg.solve(weighed @ B + np.diag(ridge), weighed @ apart + drawn)
        weight = 1.0 / np.maximum(np.abs(apart - B @ found), _LEAST_ERROR)
    return found[:-1], float(middle + found[-1] - centre @ found[:-1])


def boosted(X: Float, y: Float, params: Mapping[str, Any], seed: int) -> Boosted:
    """Boosted trees of least squares on `X` [n, p] and `y` [n]; a leaf holds the whole answer."""
    import xgboost

    wanted = {**BOOSTED, "base_score": float(y.mean()), "seed": seed, **params}
    rounds = int(wanted.pop("rounds"))
    data = xgboost.DMatrix(X.astype(np.float32), label=y)
    booster = xgboost.train(wanted, data, rounds, verbose_eval=False)
    return boosting.from_booster(booster, [0] * X.shape[1])


def _learn(rows: Rows, X: Float, params: Mapping[str, Any], seed: int) -> Learners:
    score, margins = (np.asarray(rows.truth[name], dtype=np.float64) / 100.0 for name in ("score", "margins"))
    grown = {"rounds": int(params["rounds"]), "max_depth": int(params["max_depth"]),
             "learning_rate": float(params["learning_rate"])}  # fmt: skip
    return Learners(
        forest.fit(X, score, seed, min_samples_leaf=int(params["min_samples_leaf"]), **FOREST),
        tuple(boosted(X, margin, grown, seed) for margin in margins.T),
        logistic.fit(X, Names(np.asarray(rows.truth["code"], dtype=np.int64), CLASSES), C=float(params["C"])),
    )


def _boosted(graph: Graph, source: str, one: Boosted, name: str) -> str:
    """Add the margin of boosted trees: the mean of the trees times their number, and the start."""
    mean = graph.forest(source, one.trees, f"{name}_mean")
    total = graph.add(
        "Mul", [mean, graph.constant(f"{name}_trees", np.array(float(len(one.trees))))], f"{name}_sum"
    )
    return graph.add("Add", [total, graph.constant(f"{name}_start", np.array(one.start))], f"{name}_margin")
