"""`grid_stability`: how far a state of the transmission grid is from losing stability, and to what.

A state has three margins: how far load can rise to the nose after a failure, what failures do to currents and
voltages, how far frequency falls when the largest infeed is lost. The simulator solves them; a control centre
does not see them, but it can reckon two of them from telemetry (`features.context.grid`). The score is that
of the least margin.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from data_contracts.tables.stability import CLASSES, MARGINS
from features.context import grid
from models import observed, observed_stability, stability_rows, stability_stack
from models.dataset import Built
from models.declaration import Bar, Output, Params, Shown, Target, Trial
from models.estimates import absolute_error
from models.metrics import Columns, Metric, accuracy, confusion, macro_f1, share
from models.plain import Plain, Said
from models.protocol import Compiled, Definition, Native
from models.rows import Names, Rows
from models.stability_stack import Stack
from models.subsets import spread
from models.time_splits import TimeSplit

Float = NDArray[np.float64]

CUTS = (60.0, 80.0)
"""Scores: unstable below the first, stable above the second, marginal from the one to the other."""

NAMED = 5
"""Failures that an answer names."""

THRESHOLDS, UNCAPPED = "thresholds", "uncapped"
LOADING_PCT, VOLTAGE_PU = (80.0, 100.0), (0.97, 0.95)
"""Thresholds beyond which the rule of thumb says marginal, and unstable."""

MARGIN_TEXTS = {
    "voltage": "voltage: rise of load to the nose after a failure",
    "outages": "outages: currents and voltages after a failure",
    "frequency": "frequency: its nadir after the loss of the largest infeed",
}
# Boosted trees as large as the rows carry, which are too large to publish.
_LARGE = {"rounds": 400, "max_depth": 6, "learning_rate": 0.03}


def class_of(score: Float) -> NDArray[np.int64]:
    """Place in `CLASSES` of scores of 100."""
    return np.where(score > CUTS[1], 0, np.where(score >= CUTS[0], 1, 2)).astype(np.int64)


def _largest_class() -> Metric:
    """Share of the most frequent true class; no answer changes it."""
    terms = confusion(len(CLASSES), "code", "code")

    def value(sums: Float) -> Float:
        of = sums.reshape(*sums.shape[:-1], len(CLASSES), len(CLASSES)).sum(axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(of.sum(axis=-1) > 0, of.max(axis=-1) / of.sum(axis=-1), np.nan)

    return Metric("largest_class_share", "lower", terms, value, ("code",))


class GridStability(Definition[Stack]):
    """Random forest, boosted trees and logistic regression, stacked on what they say of days left out."""

    name = "grid_stability"
    version = 2
    title = "Distance of the transmission grid from losing stability, and what limits it"
    module = "decision"
    algorithm = "random forest, boosted trees (XGBoost) and logistic regression, stacked"
    proof = "forecast"
    tables = (stability_rows.TABLE,)
    source = "table"
    features = tuple(feature.name for feature in grid.FEATURES)
    truth_columns = ()
    target = Target(
        "score of the least of the solved margins: above 80, 60 to 80, below 60",
        ("score", "stability_class", "limited_by", *stability_rows.SCORES, *stability_rows.LIMITING),
        CLASSES,
    )
    point_kinds = ("system",)
    minimum_readings = 1
    outputs = (
        Output(
            "stability_score", truth="score of the least solved margin", metric="score_mae", magnitude=100.0
        ),
        Output("stability_class", truth="class of that score", metric="macro_f1"),
        Output(
            "risk_factors",
            truth="the failure that gives the least margin: after which the nose is nearest, the severest, "
            "or the largest infeed's; five are named behind the margin",
            metric="named_share",
        ),
    )
    metrics = (
        absolute_error("score_mae", "score", "score", "counted"),
        macro_f1("macro_f1", len(CLASSES), "code", "code"),
        accuracy("accuracy", len(CLASSES), "code", "code"),
        share("named_share", "counted", "named"),
        share("first_named_share", "counted", "first_named"),
        accuracy("margin_accuracy", len(MARGINS), "margin", "margin"),
        _largest_class(),
    )
    headline = "score_mae"
    opponents = (THRESHOLDS,)
    references = (UNCAPPED,)
    bars = (
        Bar("score_mae", 5.0, beats=(THRESHOLDS, "tree3")),
        Bar("macro_f1", 0.85, beats=(THRESHOLDS, "tree3")),
        Bar("named_share", 0.80, beats=(THRESHOLDS, "tree3")),
        Bar("largest_class_share", 0.60),
    )
    shown = (Shown("value", "score", "score"),)
    plain = Plain(
        purpose="Warns how near the transmission grid is to losing stability, and what would fail first.",
        main="score_mae",
        said={
            "score_mae": Said("mean error of the stability score, which goes from 0 to 100", "points", 1.0),
            "macro_f1": Said("hits without false calls, every class counted alike (macro F1)"),
            "named_share": Said("of the states have the failure that limits them among the five named"),
            "largest_class_share": Said("of the judged states are of the commonest class"),
        },
        rivals={THRESHOLDS: "thresholds on what operators watch"},
    )
    family = "chained"
    claim = "exact"
    defaults: ClassVar[Params] = {
        "rounds": 150, "max_depth": 4, "learning_rate": 0.06, "min_samples_leaf": 4, "C": 0.3,
    }  # fmt: skip
    limits = (
        "Of one grid only, that of data_contracts.transmission, and only with telemetry of all its elements. "
        "Voltages and currents after failures come from an AC contingency analysis of that telemetry; what "
        "governors, excitation systems and the neighbour really give is not metered, so that the frequency "
        "margin is the least certain. It is a warning between two calculations, not a substitute for one. "
        "States that have no power flow are left out."
    )

    def rows(self, dataset: Dataset, start: date) -> Built:
        """States of the table `stability` that have a solution."""
        return stability_rows.build(dataset, self, start)

    def observed_rows(self, dataset: Dataset, split: TimeSplit) -> Built:
        """States of an ingested table `stability`; what needs the network's model is missing."""
        observed.check(self, dataset, {stability_rows.TABLE: observed_stability.WATCHED})
        return observed_stability.build(dataset, self, split)

    def suggest(self, trial: Trial) -> dict[str, float | int | str | bool]:
        """Size of the ensembles and penalty of the regressions."""
        return {
            "rounds": trial.suggest_int("rounds", 60, 200, log=True),
            "max_depth": trial.suggest_int("max_depth", 3, 5),
            "learning_rate": trial.suggest_float("learning_rate", 0.03, 0.15, log=True),
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", 2, 10, log=True),
            "C": trial.suggest_float("C", 0.03, 3.0, log=True),
        }

    def subset(self, rows: Rows, most: int, rng: np.random.Generator) -> Rows:
        """States of as many days as there can be."""
        return spread(rows, most, rng)

    def fit(self, train: Rows, params: Params, seed: int) -> Stack:
        """Fit the learners, the weights of their answers, and the regression of the limiting failure."""
        return stability_stack.fit(train, self.features, params, seed)

    def calibrate(self, fitted: Stack, validation: Rows) -> Stack:
        """Nothing is left to be set: weights come from days that were left out of fitting."""
        del validation
        return fitted

    def score(self, fitted: Stack, rows: Rows) -> float:
        """Mean absolute error of the score, negative."""
        found = fitted.estimate(rows.inputs(self.features))
        truly = np.asarray(rows.truth["score"], dtype=np.float64)
        return -float(np.abs(_score(found) - truly).mean())

    def answer(self, fitted: Stack, rows: Rows) -> Columns:
        """Score, class, limiting margin, and whether the limiting failure is named."""
        found = fitted.estimate(rows.inputs(self.features))
        margin = found[:, 1 : 1 + len(MARGINS)].argmin(axis=1)
        return _columns(
            rows, _score(found), margin, _named(found[:, 1 + len(MARGINS) :], fitted.failures.classes)
        )

    def served(self, decoder: Mapping[str, Any], raw: Float, rows: Rows) -> Columns:
        """Score, class, limiting margin and named failure of a compiled version."""
        margins = 1 + len(MARGINS)
        named = _named(raw[:, margins:], decoder["failures"], decoder["named"])
        return _columns(rows, _score(raw), raw[:, 1:margins].argmin(axis=1), named)

    def raw(self, fitted: Stack, X: Float) -> Float:
        """Score, margins and logits of the failures, float64 [n, 1 + margins + failures]."""
        return fitted.estimate(X, native=True)

    def opponent(self, name: str, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """The rule of thumb, or boosted trees of any size.

        The rule has the mean score of the training rows of its class, and names the failures that limit most
        often. The large trees are one ensemble for each margin; the least is the score.
        """
        del validation
        if name == UNCAPPED:
            X, asked = train.inputs(self.features), rows.inputs(self.features)
            margins = np.asarray(train.truth["margins"], dtype=np.float64)
            large = [stability_stack.boosted(X, y, _LARGE, 0).margin(asked) for y in margins.T]
            score = np.clip(np.min(large, axis=0), 0.0, 100.0)
            return {"score": score, "code": class_of(score), "margin": np.argmin(large, axis=0)}
        ours, theirs = _rule(train), _rule(rows)
        score = np.asarray(train.truth["score"], dtype=np.float64)
        mean = np.array(
            [
                score[ours == code].mean() if (ours == code).any() else score.mean()
                for code in range(len(CLASSES))
            ]
        )
        often = np.bincount(np.asarray(train.truth["margin"], dtype=np.int64)).argmax()
        failure = Names.of(train.truth["failure"].tolist())
        count = np.bincount(failure.codes, minlength=len(failure.texts)).astype(np.float64)
        named = _named(np.tile(count, (len(rows), 1)), failure.texts)
        found = _columns(rows, mean[theirs], np.full(len(rows), often), named)
        return {**found, "code": theirs}

    def tree3(self, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """Trees of depth 3 on the same inputs: of the score, the class, the least margin and the failure."""
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        del validation
        X, asked = train.inputs(self.features), rows.inputs(self.features)
        failure = Names.of(train.truth["failure"].tolist())
        score = DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, train.truth["score"])
        code, margin, which = (
            DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, target)
            for target in (train.truth["code"], train.truth["margin"], failure.codes)
        )
        named = _named(which.predict_proba(asked), failure.texts)
        found = _columns(rows, score.predict(asked), margin.predict(asked), named)
        return {**found, "code": code.predict(asked)}

    def compile(self, fitted: Stack) -> Compiled:
        """All learners and their weights in one graph of double precision."""
        from models.graphs import INPUT, Graph

        graph = Graph()
        output = fitted.add_to(graph, INPUT)
        failures = list(fitted.failures.classes)
        width = 1 + len(MARGINS) + len(failures)
        onnx = graph.finish(self.name, len(self.features), output, width, double=True)
        return Compiled(
            onnx,
            (output,),
            {
                "classes": list(CLASSES),
                "cuts": list(CUTS),
                "margins": [MARGIN_TEXTS[name] for name in MARGINS],
                "failures": failures,
                "named": NAMED,
            },
        )

    def decode(
        self, decoder: Mapping[str, Any], raw: Float, columns: Mapping[str, Float]
    ) -> list[dict[str, Any]]:
        """Score, its class, and what limits: the least margin, then failures, the likeliest first."""
        del columns
        margins = len(decoder["margins"])
        score = _score(raw)
        least = raw[:, 1 : 1 + margins].argmin(axis=1)
        named = _named(raw[:, 1 + margins :], decoder["failures"], decoder["named"])
        return [
            {
                "stability_score": value,
                "stability_class": decoder["classes"][code],
                "risk_factors": [decoder["margins"][margin], *(f"failure of {name}" for name in names)],
            }
            for value, code, margin, names in zip(
                score.tolist(), class_of(score).tolist(), least.tolist(), named.tolist(), strict=True
            )
        ]

    def native(self, fitted: Stack, example: Rows) -> Native | None:
        """The forest of the score; how its answer is weighed is beside it."""
        if fitted.learners.score.native is None:
            return None
        return Native(
            fitted.learners.score.native,
            fitted.read(example.inputs(self.features)),
            ("sklearn.tree._tree.Tree",),
            {"weights": fitted.weights.tolist(), "bias": fitted.bias},
        )


def _score(found: Float) -> Float:
    """Score of 100 from the first output of the graph."""
    score: Float = 100.0 * np.clip(found[:, 0], 0.0, 1.0)
    return score


def _named(likely: Float, names: tuple[str, ...] | list[str], most: int = NAMED) -> NDArray[np.str_]:
    """The likeliest failures, [n, most] or as many as there are.

    Args:
        likely: Of each failure, in any unit that grows, [n, failures].
        names: Of the failures.
        most: How many are named.
    """
    order = np.argsort(-likely, axis=1, kind="stable")[:, :most]
    found: NDArray[np.str_] = np.asarray(names, dtype=np.str_)[order]
    return found


def _columns(
    rows: Rows, score: Float, margin: NDArray[Any], named: NDArray[np.str_]
) -> dict[str, NDArray[Any]]:
    truly = np.asarray(rows.truth["failure"], dtype=np.str_)
    return {
        "score": score,
        "code": class_of(score),
        "margin": margin.astype(np.int64),
        "named": (named == truly[:, None]).any(axis=1),
        "first_named": named[:, 0] == truly,
    }


def _rule(rows: Rows) -> NDArray[np.int64]:
    """Class by the most loaded line and the lowest voltage: how many of the thresholds are passed."""
    loading, low = rows.column("loading_max_metered_pct"), rows.column("v_min_metered_pu")
    passed = np.zeros(len(rows), dtype=np.int64)
    for most, least in zip(LOADING_PCT, VOLTAGE_PU, strict=True):
        passed += (loading > most) | (low < least)
    return passed


DEFINITION = GridStability()
