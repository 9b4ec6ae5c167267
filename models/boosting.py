"""Gradient-boosted trees (XGBoost) as plain arrays that say, for every leaf, which inputs led to it.

The contribution of an input is what the splits on its path change: at each split the mean of the child less
that of the node, means weighted by the Hessians of the training rows (A. Saabas, "Interpreting random
forests", 2014). It is what XGBoost answers to `pred_contribs=True, approx_contribs=True`, and not the Shapley
value: unlike that it depends on the order of the splits. In exchange a leaf's contributions are constants:
the served ensemble adds them up as it adds up answers, in the same pass. Together they are the margin less
that of a row before any split.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.rows import Names
from models.trees import TreeArrays

Float = NDArray[np.float64]

FOLDS = 3
"""Inner folds that find the number of rounds and give margins of rows that were not fitted on."""

PATIENCE = 25
"""Rounds without an improvement after which boosting stops."""

FIXED = {"tree_method": "hist", "nthread": 1, "verbosity": 0}


@dataclass(frozen=True, slots=True)
class Boosted:
    """A fitted ensemble.

    Attributes:
        booster: The `xgboost.Booster`; None where the trees were grown from sums of several sites.
        trees: Its trees; a leaf's values are the contributions of each group of inputs, [m, groups].
        start: Margin before any split: base score and means of the roots.
    """

    booster: Any
    trees: tuple[TreeArrays, ...]
    start: float

    def contributions(self, X: Float) -> Float:
        """Contribution of each group of inputs to the margin of n rows, float64 [n, groups].

        The library finds the leaves where it fitted the trees; their constants are added in double precision.
        """
        rounded = _rounded(X)
        out = np.zeros((len(X), self.trees[0].outputs))
        if self.booster is None:
            wide = rounded.astype(np.float64)
            for tree in self.trees:
                out += tree.predict(wide)
            return out
        import xgboost

        leaf = self.booster.predict(xgboost.DMatrix(rounded), pred_leaf=True)
        leaf = np.asarray(leaf, dtype=np.int64).reshape(len(X), -1)
        for number, tree in enumerate(self.trees):
            out += tree.value[leaf[:, number]]
        return out

    def margin(self, X: Float) -> Float:
        """Margin of n rows, float64 [n]."""
        found: Float = self.start + self.contributions(X).sum(axis=1)
        return found


@dataclass(frozen=True, slots=True)
class Nodes:
    """One tree of m nodes as any booster grows it; children follow their parents.

    Attributes:
        feature: Column tested at each inner node, int64 [m].
        threshold: A row goes left where `x <= threshold`, float64 [m].
        left: Left child, int64 [m]; -1 at a leaf.
        right: Right child.
        missing_left: Whether a missing value goes left, bool [m].
        answer: What each leaf adds to the margin, float64 [m].
        cover: Second derivatives of the training rows in each node, in any unit, float64 [m].
    """

    feature: NDArray[np.int64]
    threshold: Float
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    missing_left: NDArray[np.bool_]
    answer: Float
    cover: Float

    def explained(self, groups: Sequence[int]) -> tuple[TreeArrays, float]:
        """The tree with its leaves' contributions by group of inputs, and the mean of its root.

        Args:
            groups: Group of each input.
        """
        of, leaf = np.asarray(groups, dtype=np.int64), self.left < 0
        mean = self.answer.astype(np.float64)
        inner = np.flatnonzero(~leaf)
        for node in inner[::-1]:
            a, b = self.left[node], self.right[node]
            mean[node] = (mean[a] * self.cover[a] + mean[b] * self.cover[b]) / self.cover[node]
        value = np.zeros((leaf.size, int(of.max()) + 1))
        for node in inner:
            for child in (self.left[node], self.right[node]):
                value[child] = value[node]
                value[child, of[self.feature[node]]] += mean[child] - mean[node]
        return self._with(value), float(mean[0])

    def plain(self) -> TreeArrays:
        """The tree with its leaves' answers."""
        return self._with(self.answer[:, None])

    def _with(self, value: Float) -> TreeArrays:
        leaf = self.left < 0
        return TreeArrays(
            feature=np.where(leaf, -1, self.feature),
            threshold=np.where(leaf, 0.0, self.threshold),
            left=np.where(leaf, -1, self.left),
            right=np.where(leaf, -1, self.right),
            value=value,
            missing_left=self.missing_left & ~leaf,
        )


@dataclass(frozen=True, slots=True)
class Labels:
    """What is to be learnt of n rows.

    Attributes:
        outcome: Whether it came, [n]; for `fit_outcome`.
        low: Time that passed at least, [n]; for `fit_time`.
        high: Time that passed at most, infinite where the event was not seen, [n].
        weight: Weight of each row, [n].
    """

    outcome: Float
    low: Float
    high: Float
    weight: Float

    def take(self, index: NDArray[np.int64]) -> Labels:
        """The labels at `index`."""
        return Labels(self.outcome[index], self.low[index], self.high[index], self.weight[index])


def fit_outcome(
    X: Float,
    labels: Labels,
    episode: Names,
    *,
    groups: Sequence[int],
    params: Mapping[str, Any],
    seed: int,
) -> tuple[Boosted, Float]:
    """Fit the logit of an outcome's probability, with as many rounds as rows of other episodes ask for.

    Args:
        X: Inputs, [n, columns]; NaN where one is missing.
        labels: Outcomes and weights.
        episode: Episode of each row; whole episodes make the inner folds.
        groups: Group of each input, [columns].
        params: `rounds` at most, and parameters of `xgboost.train`.
        seed: Decides folds and draws.

    Returns:
        The ensemble, and the margin that the inner folds give the rows that they left out, [n].
    """
    rate = float(np.clip(np.average(labels.outcome, weights=labels.weight), 1e-4, 0.5))
    wanted = {
        **FIXED, "objective": "binary:logistic", "eval_metric": "logloss", "base_score": rate, "seed": seed,
        **params,
    }  # fmt: skip
    most = int(wanted.pop("rounds"))
    apart = np.full(len(X), np.log(rate / (1.0 - rate)))
    rounds = []
    for fitting, left_out in _inner_folds(episode, seed):
        train, judged = _matrix(X, labels, fitting), _matrix(X, labels, left_out)
        booster = _train(wanted, train, most, judged)
        rounds.append(booster.best_iteration + 1)
        span = (0, booster.best_iteration + 1)
        apart[left_out] = booster.predict(judged, output_margin=True, iteration_range=span)
    count = round(float(np.mean(rounds))) if rounds else most
    booster = _train(wanted, _matrix(X, labels, np.arange(len(X))), max(count, 1), None)
    return from_booster(booster, groups), apart


def fit_time(
    X: Float,
    labels: Labels,
    *,
    groups: Sequence[int],
    params: Mapping[str, Any],
    scale: float,
    seed: int,
) -> Boosted:
    """Fit an accelerated failure time: ln T = margin + scale·ε, ε the smallest-extreme-value law.

    T then has a Weibull law with shape 1/scale, and the median exp(margin)·(ln 2)^scale. Source: Barnwal,
    Cho, Hocking, "Survival regression with accelerated failure time model in XGBoost", 2022.
    """
    usual = float(np.exp(np.average(np.log(labels.low), weights=labels.weight)))
    wanted = {
        **FIXED, "objective": "survival:aft", "eval_metric": "aft-nloglik", "base_score": usual, "seed": seed,
        "aft_loss_distribution": "extreme", "aft_loss_distribution_scale": scale, **params,
    }  # fmt: skip
    most = int(wanted.pop("rounds"))
    return from_booster(_train(wanted, _matrix(X, labels, np.arange(len(X))), most, None), groups)


def from_booster(booster: Any, groups: Sequence[int]) -> Boosted:
    """Read a booster's trees.

    Args:
        booster: An `xgboost.Booster` with one output.
        groups: Group of each input.
    """
    learner = json.loads(booster.save_raw("json"))["learner"]
    base = float(str(learner["learner_model_param"]["base_score"]).strip("[]"))
    start = _margin(learner["objective"]["name"], base)
    grown = learner["gradient_booster"]["model"]["trees"]
    return assembled([_nodes(one) for one in grown], groups, start, booster)


def _margin(objective: str, base: float) -> float:
    """A base score as a margin: survival times by their logarithm, probabilities by their logit."""
    if objective == "reg:squarederror":
        return base
    return float(np.log(base / (1.0 - base)) if objective == "binary:logistic" else np.log(base))


def assembled(grown: Sequence[Nodes], groups: Sequence[int], start: float, booster: Any = None) -> Boosted:
    """An ensemble of trees that add up to a margin.

    Args:
        grown: The trees.
        groups: Group of each input.
        start: Margin before the first tree.
        booster: The library's own form, where it has one.
    """
    trees = []
    for one in grown:
        tree, root = one.explained(groups)
        trees.append(tree)
        start += root
    return Boosted(booster, tuple(trees), start)


def logistic_curve(margin: Float, outcome: Float, weight: Float) -> tuple[float, float]:
    """Slope and level of the logistic regression of an outcome on a margin (J. Platt, 1999).

    By Newton's method; without both outcomes the margin stands as it is.
    """
    slope, level = 1.0, 0.0
    if not (outcome > 0).any() or (outcome > 0).all():
        return slope, level
    for _ in range(50):
        p = probability(slope * margin + level)
        w, off = weight * p * (1.0 - p), weight * (outcome - p)
        a, b, c = float(w.sum()), float((w * margin).sum()), float((w * margin**2).sum())
        f, g = float(off.sum()), float((off * margin).sum())
        det = max(a * c - b * b, 1e-12)
        level += float(np.clip((c * f - b * g) / det, -1.0, 1.0))
        slope = float(np.clip(slope + np.clip((a * g - b * f) / det, -0.5, 0.5), 0.05, 5.0))
    return slope, level


def probability(margin: Float) -> Float:
    """The logistic function, float64 [n]."""
    found: Float = 1.0 / (1.0 + np.exp(-np.clip(margin, -50.0, 50.0)))
    return found


def _rounded(X: Float) -> NDArray[np.float32]:
    return np.asarray(X, dtype=np.float32)


def _matrix(X: Float, labels: Labels, index: NDArray[np.int64]) -> Any:
    import xgboost

    chosen = labels.take(index)
    data = xgboost.DMatrix(_rounded(X[index]), label=chosen.outcome, weight=chosen.weight)
    data.set_float_info("label_lower_bound", chosen.low)
    data.set_float_info("label_upper_bound", chosen.high)
    return data


def _train(wanted: Mapping[str, Any], train: Any, rounds: int, judged: Any) -> Any:
    import xgboost

    if judged is None:
        return xgboost.train(dict(wanted), train, rounds, verbose_eval=False)
    return xgboost.train(
        dict(wanted), train, rounds, evals=[(judged, "left_out")], early_stopping_rounds=PATIENCE,
        verbose_eval=False,
    )  # fmt: skip


def _inner_folds(episode: Names, seed: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    present = np.unique(episode.codes)
    if present.size < FOLDS:
        return []
    fold_of = np.zeros(int(present.max()) + 1, dtype=np.int64)
    fold_of[np.random.default_rng(seed).permutation(present)] = np.arange(present.size) % FOLDS
    at = fold_of[episode.codes]
    return [(np.flatnonzero(at != fold), np.flatnonzero(at == fold)) for fold in range(FOLDS)]


def _nodes(one: Mapping[str, Any]) -> Nodes:
    condition = np.asarray(one["split_conditions"], dtype=np.float32)
    return Nodes(
        feature=np.asarray(one["split_indices"], dtype=np.int64),
        # XGBoost goes left where x < condition, an ensemble of ONNX where x <= threshold; x is a float32.
        threshold=np.nextafter(condition, np.float32(-np.inf)).astype(np.float64),
        left=np.asarray(one["left_children"], dtype=np.int64),
        right=np.asarray(one["right_children"], dtype=np.int64),
        missing_left=np.asarray(one["default_left"], dtype=bool),
        answer=condition.astype(np.float64),
        cover=np.asarray(one["sum_hessian"], dtype=np.float64),
    )
