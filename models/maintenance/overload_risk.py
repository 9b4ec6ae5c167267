"""`overload_risk`: how hot a transformer's hottest spot gets within the next hour.

What counts is the future: the largest true hot spot of the next sixty minutes. The standard's model with
yesterday's shape of the load says a first figure; a machine estimates what it misses, and the level is cut
from the sum. A second machine estimates the minutes until 120 °C are exceeded. What the standard misses is
first of all the gradient of the winding, which is each transformer's own: transformers that were learnt from
are told apart, all others are taken for their mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from models import overload_rivals, support_vectors, thermal_rows
from models.dataset import Built
from models.declaration import Bar, Output, Params, Shown, Target, Trial
from models.estimates import absolute_error, among
from models.fourier import FourierMachine
from models.hot_spot_levels import (
    CLASSES,
    CRITICAL,
    OVER,
    OVER_C,
    Cuts,
    columns_of,
    cuts_of,
    level_of,
    levels_cut,
    logistic,
)
from models.known_transformers import EQUIPMENT, add_told, known_of, told, with_strangers
from models.metrics import Columns, brier, macro_f1, precision, share
from models.overload_rows import AHEAD, DAY_AGO, day_known, expected_near, hot_ones_too, hottest_c
from models.plain import Plain, Said
from models.protocol import Compiled, Definition, Native
from models.rows import Rows
from models.splits import folds
from models.subsets import spread
from models.support_vectors import Machine

Float = NDArray[np.float64]

ACTIONS = (
    "none: the load may stay",
    "watch the load; make sure that all cooling is available",
    "start all cooling and prepare to move load to a parallel transformer",
    "move load away now: the hot spot is about to exceed 140 °C, where gas bubbles may form in the oil",
)
TUNED_ROWS, FITTED_ROWS = 1500, 7000
# Cuts are set on validation rows and on estimates of training rows by machines that have not seen them.
CROSS_FOLDS, CROSS_ROWS = 3, 20_000
# Most rows that exceed the limit do so already; the tube must not hold them all. Minutes.
DELAY_ROWS, DELAY_C, DELAY_EPSILON = 1500, 30.0, 0.75


@dataclass(frozen=True, slots=True)
class OverloadMachines:
    """The fitted model.

    Attributes:
        heat: What the standard's forecast misses of the largest hot spot of the hour, K.
        delay: Minutes until `OVER_C` is exceeded.
        cuts: Where levels begin if the day before is known, and if it is not.
        known: First coordinates of the directions of the transformers that were learnt from; None where
            nobody knows them, and every direction is taken as it is.
        learnt: Rows, parameters and seed of the fit until the cuts are set.
    """

    heat: Machine | FourierMachine
    delay: Machine | FourierMachine
    cuts: tuple[Cuts, Cuts] = (Cuts(), Cuts())
    known: tuple[float, ...] | None = ()
    learnt: tuple[Rows, Params, int] | None = None

    def told(self, X: Float) -> Float:
        """Inputs without the directions of transformers that are not known, [n, p]."""
        return told(X, self.known)


_JUDGED = (
    macro_f1("macro_f1", len(CLASSES), "code", "code"),
    share("critical_recall", "critical", "says_critical"),
    precision("critical_precision", "says_critical", "critical"),
    absolute_error("hot_spot_mae_c", "hottest_c", "hottest_c", "counted"),
    brier("brier", "probability", "over"),
    absolute_error("time_mae_min", "minutes", "minutes", "exceeds"),
)


class OverloadRisk(Definition[OverloadMachines]):
    """Support vector regression with a radial kernel on loading, temperatures, time and the transformer."""

    name = "overload_risk"
    version = 2
    title = "Largest hot spot of a transformer within the hour, as a level"
    module = "maintenance"
    algorithm = "support vector machine with a radial kernel"
    proof = "forecast"
    tables = ("thermal",)
    source = "table"
    features = (
        *(f"loading_{minutes}min_pu" for minutes in (5, 60, 240)),
        *DAY_AGO,
        "top_oil_c",
        "ambient_c",
        "oil_excess_k",
        "gradient_k",
        AHEAD,
        "over_120_ahead_min",
        "hour_sin",
        "hour_cos",
        *EQUIPMENT,
    )
    optional = DAY_AGO
    truth_columns = ()
    target = Target(
        "largest hot spot of the next 60 min: below 98, 98–120, 120–140, above 140 °C",
        ("hot_spot_next_60min_max_c",),
        CLASSES,
    )
    point_kinds = ("transformer_bay",)
    minimum_readings = 1
    outputs = (
        Output(
            "risk_level", truth="level of the largest true hot spot of the next 60 min", metric="macro_f1"
        ),
        Output("risk_score", truth="whether that level is high or critical", metric="brier"),
        Output(
            "time_to_overload",
            truth="minutes until the true hot spot exceeds 120 °C, where it does within the hour",
            metric="time_mae_min",
            magnitude=100.0,
        ),
        Output("recommended_action", formula="one text for each risk_level"),
    )
    metrics = (
        *(among(metric, "day_known") for metric in _JUDGED),
        *(among(replace(metric, name=f"{metric.name}_4h"), "hours_known") for metric in _JUDGED),
    )
    headline = "macro_f1"
    opponents = (overload_rivals.HELD,)
    references = (overload_rivals.CORRECTED, overload_rivals.LOAD_KNOWN)
    bars = (
        Bar("macro_f1", None, beats=(overload_rivals.HELD, "tree3")),
        Bar("critical_recall", 0.95),
        Bar("critical_precision", 0.70),
    )
    shown = (
        Shown("chance", "probability", "over"),
        Shown("value", "hottest_c", "hottest_c", unit="°C"),
        Shown("value", "minutes", "minutes", among="exceeds", unit="min"),
    )
    plain = Plain(
        purpose="Warns within the hour when the windings of a transformer are going to be too hot.",
        main="critical_recall",
        said={
            "macro_f1": Said("hits without false calls, every level counted alike (macro F1)"),
            "critical_recall": Said("of the hours above 140 °C to come are called critical"),
            "critical_precision": Said("of the calls that an hour will be critical come true"),
        },
        rivals={"load_held": "the standard's thermal model with the load held"},
    )
    family = "random_fourier"
    claim = "surrogate"
    defaults: ClassVar[Params] = {"C": 20.0, "gamma": 0.05, "epsilon": 2.0}
    limits = (
        "Knows the load of the last four hours, and of the same time yesterday where the history is 25 h "
        "long: blocks of load that come by the clock are a surprise without it, and so is what is switched "
        "within the hour. A winding's gradient lies up to 30 % off what the standard recommends: that of "
        "transformers that it has learnt from it knows, others are taken for their mean, 4 to 5 K off. "
        "Levels are cut so that few critical hours are missed, at the price of some that are only high. "
        "Trained on oil-filled transformers of 50 to 315 MVA with fans and pumps of which some fail. "
        "A level within the estimate's own error of a limit is told by chance."
    )

    def rows(self, dataset: Dataset, start: date) -> Built:
        """Minutes of the table `thermal`, with the level that the next hour brings."""
        built = thermal_rows.build(dataset, self, start, OVER_C)
        hottest = np.asarray(built.rows.truth["hottest_c"], dtype=np.float64)
        code = level_of(hottest)
        truth = {
            **built.rows.truth,
            "code": code,
            "critical": code == CRITICAL,
            "over": code >= OVER,
            "counted": np.ones(code.size, dtype=bool),
            "hours_known": ~np.asarray(built.rows.truth["day_known"], dtype=bool),
        }
        return replace(built, rows=replace(built.rows, truth=truth))

    def suggest(self, trial: Trial) -> dict[str, float | int | str | bool]:
        """Price of errors, width of the kernel and of the tube."""
        return {
            "C": trial.suggest_float("C", 5.0, 100.0, log=True),
            "gamma": trial.suggest_float("gamma", 0.02, 0.1, log=True),
            "epsilon": trial.suggest_float("epsilon", 1.5, 3.0, log=True),
        }

    def subset(self, rows: Rows, most: int, rng: np.random.Generator) -> Rows:
        """A few rows of every episode, those expected to be hot first."""
        return hot_ones_too(rows, min(most, TUNED_ROWS), rng)

    def fit(self, train: Rows, params: Params, seed: int) -> OverloadMachines:
        """Fit both machines, that of the delay on the rows that exceed the limit."""
        rng = np.random.default_rng(seed)
        heat = self._heat(train, params, rng)
        late = train.select(np.asarray(train.truth["exceeds"], dtype=bool))
        # Without a row that exceeds the limit there is no delay to learn: the machine answers the longest.
        late = spread(late if len(late) else train, DELAY_ROWS, rng)
        delay = support_vectors.fit(
            with_strangers(late.inputs(self.features), rng),
            np.asarray(late.truth["minutes"], dtype=np.float64),
            C=DELAY_C,
            gamma=float(params["gamma"]),
            epsilon=DELAY_EPSILON,
        )
        return OverloadMachines(heat, delay, known=known_of(train), learnt=(train, params, seed))

    def _heat(self, train: Rows, params: Params, rng: np.random.Generator) -> Machine:
        some = hot_ones_too(train, FITTED_ROWS, rng)
        return support_vectors.fit(
            with_strangers(some.inputs(self.features), rng),
            hottest_c(some) - some.column(AHEAD),
            C=float(params["C"]),
            gamma=float(params["gamma"]),
            epsilon=float(params["epsilon"]),
        )

    def calibrate(self, fitted: OverloadMachines, validation: Rows) -> OverloadMachines:
        """Cuts between the levels and the curve of the probability.

        Few episodes become critical, so validation rows alone would tell by the chance of some transformers:
        estimates of training rows by machines of the other episodes join them.
        """
        estimate, judged = [self._estimate(fitted, validation)], [_Judged.of(validation)]
        if fitted.learnt is not None:
            train, params, seed = fitted.learnt
            rng = np.random.default_rng(seed + 1)
            for learning, left in folds(train.episode, CROSS_FOLDS, rng) if _enough(train) else ():
                part, other = train.select(learning), train.select(left)
                other = spread(other, CROSS_ROWS // CROSS_FOLDS, rng)
                apart = OverloadMachines(self._heat(part, params, rng), fitted.delay, known=fitted.known)
                estimate.append(self._estimate(apart, other))
                judged.append(_Judged.of(other))
        estimates = np.concatenate(estimate)
        known = np.concatenate([one.day_known for one in judged])
        code = np.concatenate([one.code for one in judged])
        cuts = levels_cut((estimates[known], code[known]), (estimates[~known], code[~known]))
        return replace(fitted, cuts=cuts, learnt=None)

    def score(self, fitted: OverloadMachines, rows: Rows) -> float:
        """Mean absolute error of the temperature on rows expected near a limit, negative; else on all."""
        error = np.abs(self._estimate(fitted, rows) - hottest_c(rows))
        near = expected_near(rows)
        return -float(error[near].mean() if near.any() else error.mean())

    def answer(self, fitted: OverloadMachines, rows: Rows) -> Columns:
        """Temperature, level, probability and minutes."""
        minutes = fitted.delay.predict(fitted.told(rows.inputs(self.features)))
        return columns_of(fitted.cuts, day_known(rows), self._estimate(fitted, rows), minutes)

    def served(self, decoder: Mapping[str, Any], raw: Float, rows: Rows) -> Columns:
        """Temperature, level, probability and minutes of a compiled version."""
        return columns_of(cuts_of(decoder), day_known(rows), raw[:, 0], raw[:, 1])

    def raw(self, fitted: OverloadMachines, X: Float) -> Float:
        """Temperature and minutes by the library that fitted the machines, float64 [n, 2]."""
        found, inputs = [], fitted.told(X)
        for machine in (fitted.heat, fitted.delay):
            if machine.native is None:
                found.append(machine.predict(inputs))
            else:
                found.append(np.asarray(machine.native.predict(machine.scaled(inputs)), dtype=np.float64))
        return np.stack([X[:, self.features.index(AHEAD)] + found[0], found[1]], axis=1)

    def shuffled(self) -> Mapping[str, tuple[str, ...]]:
        """The coordinates of a transformer's direction together."""
        alone = {name: (name,) for name in self.features if name not in EQUIPMENT}
        return {**alone, "equipment": EQUIPMENT}

    def opponent(self, name: str, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """The standard's model of the hour, with what is known of the load by name; see `overload_rivals`."""
        del train
        return overload_rivals.answer(name, validation, rows)

    def tree3(self, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """The same two targets in regression trees of depth 3, cut at the limits.

        Its few leaves leave no room for cuts of its own: for the recall that the model is cut for, whole
        leaves of hours that are only high would be called critical.
        """
        from sklearn.tree import DecisionTreeRegressor

        known = known_of(train)
        X, late = told(train.inputs(self.features), known), np.asarray(train.truth["exceeds"], dtype=bool)
        heat = DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, train.truth["hottest_c"])
        late = late if late.any() else np.ones(len(train), dtype=bool)
        delay = DecisionTreeRegressor(max_depth=3, random_state=0).fit(X[late], train.truth["minutes"][late])
        own = heat.predict(told(validation.inputs(self.features), known))
        cuts = Cuts(score=logistic(own, np.asarray(validation.truth["over"], dtype=bool)))
        X = told(rows.inputs(self.features), known)
        return columns_of((cuts, cuts), day_known(rows), heat.predict(X), delay.predict(X))

    def compile(self, fitted: OverloadMachines) -> Compiled:
        """Two kernels and their weighted sums in double precision."""
        from models.graphs import INPUT, Graph

        graph = Graph()
        ahead = graph.columns(INPUT, np.array([self.features.index(AHEAD)]), AHEAD)
        inputs = INPUT if fitted.known is None else add_told(graph, len(self.features), fitted.known)
        parts = [
            graph.add("Add", [ahead, fitted.heat.add_to(graph, inputs, "missed_k")], "hottest_c"),
            fitted.delay.add_to(graph, inputs, "minutes"),
        ]
        graph.add("Concat", parts, "estimates", axis=1)
        onnx = graph.finish(self.name, len(self.features), "estimates", 2, double=True)
        return Compiled(
            onnx,
            ("estimates",),
            {
                "levels": list(CLASSES),
                "cuts_c": [list(cuts.levels_c) for cuts in fitted.cuts],
                "score": [list(cuts.score) for cuts in fitted.cuts],
                "day_ago": DAY_AGO[0],
                "actions": list(ACTIONS),
                "over_level": OVER,
                "most_min": float(thermal_rows.AHEAD_MIN),
            },
        )

    def decode(
        self, decoder: Mapping[str, Any], raw: Float, columns: Mapping[str, Float]
    ) -> list[dict[str, Any]]:
        """Level, probability, minutes where the level is high or critical, and the action."""
        known = np.isfinite(columns[decoder["day_ago"]])
        found = columns_of(cuts_of(decoder), known, raw[:, 0], raw[:, 1])
        return [
            {
                "risk_level": decoder["levels"][k],
                "risk_score": probability,
                "time_to_overload": until if k >= decoder["over_level"] else None,
                "recommended_action": decoder["actions"][k],
            }
            for k, probability, until in zip(
                found["code"].tolist(), found["probability"].tolist(), found["minutes"].tolist(), strict=True
            )
        ]

    def native(self, fitted: OverloadMachines, example: Rows) -> Native | None:
        """The machine of the temperature; it reads standardised inputs."""
        if fitted.heat.native is None:
            return None
        machine = fitted.heat
        return Native(
            machine.native,
            machine.scaled(fitted.told(example.inputs(self.features))),
            parameters={"centre": machine.centre.tolist(), "scale": machine.scale.tolist()},
        )

    def _estimate(self, fitted: OverloadMachines, rows: Rows) -> Float:
        missed = fitted.heat.predict(fitted.told(rows.inputs(self.features)))
        estimate: Float = rows.column(AHEAD) + missed
        return estimate


@dataclass(frozen=True, slots=True)
class _Judged:
    """What cuts are set by, beside an estimate."""

    day_known: NDArray[np.bool_]
    code: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Rows) -> _Judged:
        return cls(day_known(rows), np.asarray(rows.truth["code"], dtype=np.int64))


def _enough(rows: Rows) -> bool:
    return np.unique(rows.episode.codes).size >= CROSS_FOLDS


DEFINITION = OverloadRisk()
