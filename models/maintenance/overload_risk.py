"""`overload_risk`: how hot a transformer's hottest spot gets within the next hour.

What counts is the future: the largest true hot spot of the next sixty minutes. The standard's model with the
load held says a first figure; a machine estimates what it misses, and the level is cut from the sum. A second
machine estimates the minutes until 120 °C are exceeded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from features.context import day_ago
from models import support_vectors, thermal_rows
from models.dataset import Built
from models.estimates import absolute_error, among
from models.fourier import FourierMachine
from models.metrics import Columns, brier, macro_f1, precision, share
from models.protocol import Bar, Compiled, Definition, Native, Output, Params, Target, Trial
from models.rows import Rows, concatenate
from models.subsets import spread
from models.support_vectors import Machine
from models.thermal_standard import hot_spot_c

Float = NDArray[np.float64]

CLASSES = ("low", "medium", "high", "critical")
LIMITS_C = (98.0, 120.0, 140.0)
OVER_C = LIMITS_C[1]
OVER, CRITICAL = 2, 3
ACTIONS = (
    "none: the load may stay",
    "watch the load; make sure that all cooling is available",
    "start all cooling and prepare to move load to a parallel transformer",
    "move load away now: the hot spot is about to exceed 140 °C, where gas bubbles may form in the oil",
)
# Recall of the level critical that its cut must reach on validation rows, above the bar's.
CRITICAL_RECALL = 0.97
TUNED_ROWS, FITTED_ROWS = 1500, 5500
# Most rows that exceed the limit do so already; the tube must not hold them all. Minutes.
DELAY_ROWS, DELAY_C, DELAY_EPSILON = 1500, 30.0, 0.75
# Rows that come near a limit teach most: their largest hot spot, °C, and their share.
NEAR_C, NEAR_SHARE = 100.0, 0.7
CORRECTED = "load_held_corrected"
HELD = "hot_spot_held_c"
DAY_AGO = tuple(feature.name for feature in day_ago.FEATURES)
_AHEAD = np.arange(1.0, thermal_rows.AHEAD_MIN + 1.0)


def level_of(temperature_c: Float, cuts_c: tuple[float, ...] = LIMITS_C) -> NDArray[np.int64]:
    """Level by temperature; a cut itself belongs to the level above it."""
    codes: NDArray[np.int64] = np.searchsorted(cuts_c, temperature_c, side="right").astype(np.int64)
    return codes


@dataclass(frozen=True, slots=True)
class Cuts:
    """How an estimated temperature becomes a level.

    Attributes:
        levels_c: Estimates from which on each level but the first begins.
        score: Slope (1/K) and middle (°C) of the probability of the level `high` or above.
    """

    levels_c: tuple[float, float, float] = LIMITS_C
    score: tuple[float, float] = (0.5, OVER_C)


@dataclass(frozen=True, slots=True)
class OverloadMachines:
    """The fitted model.

    Attributes:
        heat: What the standard's forecast misses of the largest hot spot of the hour, K.
        delay: Minutes until `OVER_C` is exceeded.
        cuts: Where levels begin if the day before is known, and if it is not.
    """

    heat: Machine | FourierMachine
    delay: Machine | FourierMachine
    cuts: tuple[Cuts, Cuts] = (Cuts(), Cuts())


_JUDGED = (
    macro_f1("macro_f1", len(CLASSES), "code", "code"),
    share("critical_recall", "critical", "says_critical"),
    precision("critical_precision", "says_critical", "critical"),
    absolute_error("hot_spot_mae_c", "hottest_c", "hottest_c", "counted"),
    brier("brier", "probability", "over"),
    absolute_error("time_mae_min", "minutes", "minutes", "exceeds"),
)


class OverloadRisk(Definition[OverloadMachines]):
    """Support vector regression with a radial kernel on loading, temperatures and time."""

    name = "overload_risk"
    version = 1
    title = "Largest hot spot of a transformer within the hour, as a level"
    module = "maintenance"
    algorithm = "support vector machine with a radial kernel"
    proof = "forecast"
    tables = ("thermal",)
    source = "table"
    features = (
        "utilisation_mva_pu",
        *(f"loading_{minutes}min_pu" for minutes in (5, 15, 30, 60, 120, 240)),
        "loading_slope_15min_pu_h",
        "loading_slope_60min_pu_h",
        *DAY_AGO,
        "top_oil_c",
        "ambient_c",
        "oil_excess_k",
        "gradient_k",
        HELD,
        "hour_sin",
        "hour_cos",
        "s_rated_log",
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
    opponents = ("load_held",)
    references = (CORRECTED,)
    bars = (
        Bar("macro_f1", None, beats=("load_held", "tree3")),
        Bar("critical_recall", 0.95),
        Bar("critical_precision", 0.70),
    )
    family = "random_fourier"
    claim = "surrogate"
    defaults: ClassVar[Params] = {"C": 20.0, "gamma": 0.02, "epsilon": 3.0}
    limits = (
        "Knows the load of the last four hours, and of the same time yesterday where the history is 25 h "
        "long: blocks of load that come by the clock are a surprise without it, and so is what is switched "
        "or planned within the hour. How far a winding's gradient lies off the nameplate is not known to it. "
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
            "C": trial.suggest_float("C", 2.0, 100.0, log=True),
            "gamma": trial.suggest_float("gamma", 0.003, 0.1, log=True),
            "epsilon": trial.suggest_float("epsilon", 1.5, 5.0, log=True),
        }

    def subset(self, rows: Rows, most: int, rng: np.random.Generator) -> Rows:
        """A few rows of every episode, hot ones first."""
        return _hot_ones_too(rows, min(most, TUNED_ROWS), rng)

    def fit(self, train: Rows, params: Params, seed: int) -> OverloadMachines:
        """Fit both machines, that of the delay on the rows that exceed the limit."""
        rng = np.random.default_rng(seed)
        some = _hot_ones_too(train, FITTED_ROWS, rng)
        wanted = {name: float(params[name]) for name in ("C", "gamma", "epsilon")}
        heat = support_vectors.fit(some.inputs(self.features), hottest_c(some) - some.column(HELD), **wanted)
        late = train.select(np.asarray(train.truth["exceeds"], dtype=bool))
        # Without a row that exceeds the limit there is no delay to learn: the machine answers the longest.
        late = spread(late, DELAY_ROWS, rng) if len(late) else some
        delay = support_vectors.fit(
            late.inputs(self.features),
            np.asarray(late.truth["minutes"], dtype=np.float64),
            C=DELAY_C,
            gamma=wanted["gamma"],
            epsilon=DELAY_EPSILON,
        )
        return OverloadMachines(heat, delay)

    def calibrate(self, fitted: OverloadMachines, validation: Rows) -> OverloadMachines:
        """Cuts between the levels and the curve of the probability."""
        return replace(fitted, cuts=_calibrated(self._estimate(fitted, validation), validation))

    def score(self, fitted: OverloadMachines, rows: Rows) -> float:
        """Mean absolute error of the temperature on rows near a limit, negative; on all where none is."""
        error = np.abs(self._estimate(fitted, rows) - hottest_c(rows))
        near = hottest_c(rows) >= NEAR_C
        return -float(error[near].mean() if near.any() else error.mean())

    def answer(self, fitted: OverloadMachines, rows: Rows) -> Columns:
        """Temperature, level, probability and minutes."""
        minutes = fitted.delay.predict(rows.inputs(self.features))
        return _columns(fitted.cuts, day_known(rows), self._estimate(fitted, rows), minutes)

    def raw(self, fitted: OverloadMachines, X: Float) -> Float:
        """Temperature and minutes by the library that fitted the machines, float64 [n, 2]."""
        found = []
        for machine in (fitted.heat, fitted.delay):
            if machine.native is None:
                found.append(machine.predict(X))
            else:
                found.append(np.asarray(machine.native.predict(machine.scaled(X)), dtype=np.float64))
        return np.stack([X[:, self.features.index(HELD)] + found[0], found[1]], axis=1)

    def opponent(self, name: str, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """The standard's model with the present load and cooling held for an hour.

        Corrected, its mean error on rows near a limit in the validation split is taken out.
        """
        missed_k = 0.0
        if name == CORRECTED:
            near = validation.select(hottest_c(validation) >= NEAR_C)
            held = np.asarray(
                self.opponent("load_held", train, validation, near)["hottest_c"], dtype=np.float64
            )
            missed_k = float(np.mean(hottest_c(near) - held)) if len(near) else 0.0
        ahead = missed_k + hot_spot_c(
            _AHEAD,
            oil_c=rows.column("top_oil_c"),
            ambient_c=rows.column("ambient_c"),
            load_pu=np.asarray(rows.truth["stage_load_pu"], dtype=np.float64),
            loss_ratio=np.asarray(rows.truth["loss_ratio"], dtype=np.float64),
            stage=np.asarray(rows.truth["stage"], dtype=np.int64),
        )
        over = ahead > OVER_C
        minutes = np.where(over.any(axis=1), over.argmax(axis=1) + 1.0, float(_AHEAD.size))
        hottest = ahead.max(axis=1)
        code = level_of(hottest)
        return {"code": code, "says_critical": code == CRITICAL, "hottest_c": hottest, "minutes": minutes}

    def tree3(self, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """The same two targets in regression trees of depth 3, cut at the limits.

        Its few leaves leave no room for cuts of its own: for the recall that the model is cut for, whole
        leaves of hours that are only high would be called critical.
        """
        from sklearn.tree import DecisionTreeRegressor

        X, late = train.inputs(self.features), np.asarray(train.truth["exceeds"], dtype=bool)
        heat = DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, train.truth["hottest_c"])
        late = late if late.any() else np.ones(len(train), dtype=bool)
        delay = DecisionTreeRegressor(max_depth=3, random_state=0).fit(X[late], train.truth["minutes"][late])
        own = heat.predict(validation.inputs(self.features))
        cuts = Cuts(score=_logistic(own, np.asarray(validation.truth["over"], dtype=bool)))
        X = rows.inputs(self.features)
        return _columns((cuts, cuts), day_known(rows), heat.predict(X), delay.predict(X))

    def compile(self, fitted: OverloadMachines) -> Compiled:
        """Two kernels and their weighted sums in double precision."""
        from models.graphs import INPUT, Graph

        graph = Graph()
        held = graph.columns(INPUT, np.array([self.features.index(HELD)]), HELD)
        parts = [
            graph.add("Add", [held, fitted.heat.add_to(graph, INPUT, "missed_k")], "hottest_c"),
            fitted.delay.add_to(graph, INPUT, "minutes"),
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
        cuts = tuple(
            Cuts(tuple(levels), tuple(score))
            for levels, score in zip(decoder["cuts_c"], decoder["score"], strict=True)
        )
        known = np.isfinite(columns[decoder["day_ago"]])
        found = _columns((cuts[0], cuts[1]), known, raw[:, 0], raw[:, 1])
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
            machine.scaled(example.inputs(self.features)),
            parameters={"centre": machine.centre.tolist(), "scale": machine.scale.tolist()},
        )

    def _estimate(self, fitted: OverloadMachines, rows: Rows) -> Float:
        estimate: Float = rows.column(HELD) + fitted.heat.predict(rows.inputs(self.features))
        return estimate


def _columns(
    cuts: tuple[Cuts, Cuts], day_known: NDArray[np.bool_], hottest: Float, minutes: Float
) -> Columns:
    """Levels by the cuts of each row's form."""
    code = np.where(day_known, *(level_of(hottest, one.levels_c) for one in cuts))
    slope, middle = np.where(day_known[:, None], *(np.array(one.score) for one in cuts)).T
    probability = 1.0 / (1.0 + np.exp(-np.clip(slope * (hottest - middle), -50.0, 50.0)))
    return {
        "code": code,
        "says_critical": code == CRITICAL,
        "hottest_c": hottest,
        "probability": probability,
        "minutes": np.clip(minutes, 1.0, float(thermal_rows.AHEAD_MIN)),
    }


def day_known(rows: Rows) -> NDArray[np.bool_]:
    """Whether the inputs of each row hold the day before, [n]."""
    return np.isfinite(rows.column(DAY_AGO[0]))


def hottest_c(rows: Rows) -> Float:
    """Largest true hot spot of each row's next hour, °C, [n]."""
    return np.asarray(rows.truth["hottest_c"], dtype=np.float64)


def _hot_ones_too(rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    """At most `most` rows: `NEAR_SHARE` of them near a limit or above it, the rest as they come."""
    near = hottest_c(rows) >= NEAR_C
    if not near.any():
        return spread(rows, most, rng)
    chosen = spread(rows.select(near), int(NEAR_SHARE * most), rng)
    return concatenate([chosen, spread(rows.select(~near), most - len(chosen), rng)])


def _calibrated(estimate: Float, validation: Rows) -> tuple[Cuts, Cuts]:
    """Cuts with the day before and without, from estimates of validation rows."""
    known, code = day_known(validation), np.asarray(validation.truth["code"], dtype=np.int64)
    return levels_cut((estimate[known], code[known]), (estimate[~known], code[~known]))


def levels_cut(
    known: tuple[Float, NDArray[np.int64]], unknown: tuple[Float, NDArray[np.int64]]
) -> tuple[Cuts, Cuts]:
    """Cuts with the day before and without.

    Args:
        known: Estimates and true levels of validation rows with the day before.
        unknown: Those of rows without. Where one of the two is empty, the other's cuts serve both.
    """
    first, second = (one if one[0].size else other for one, other in ((known, unknown), (unknown, known)))
    return _cuts(*first), _cuts(*second)


def _cuts(estimate: Float, code: NDArray[np.int64]) -> Cuts:
    """Cuts between the levels and the curve of the probability, from estimates and true levels."""
    first, second, third = (_best_cut(estimate, code, k, LIMITS_C[k - 1]) for k in (1, 2, 3))
    third = min(third, _cut_for_recall(estimate[code == CRITICAL], third))
    return Cuts((first, max(first, second), max(first, second, third)), _logistic(estimate, code >= OVER))


def _best_cut(estimate: Float, code: NDArray[np.int64], level: int, limit: float) -> float:
    """Cut near `limit` with the best F1 between the levels below `level` and from it on."""
    true = code >= level
    candidates = limit + np.linspace(-6.0, 6.0, 49)
    says = estimate[None, :] >= candidates[:, None]
    hit = (says & true).sum(axis=1)
    f1 = 2.0 * hit / np.maximum(says.sum(axis=1) + true.sum(), 1)
    # Of equally good cuts the one nearest to the limit.
    best = np.flatnonzero(f1 == f1.max())
    return float(candidates[best[np.argmin(np.abs(candidates[best] - limit))]])


def _cut_for_recall(estimate: Float, cut: float) -> float:
    """Cut that `CRITICAL_RECALL` of the estimates reach; `cut` where there are none."""
    return float(np.quantile(estimate, 1.0 - CRITICAL_RECALL)) if estimate.size else cut


def _logistic(estimate: Float, true: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and middle of the logistic curve with the largest likelihood (Platt, 1999)."""
    if true.all() or not true.any():
        return (0.5, OVER_C)
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e3).fit((estimate - OVER_C)[:, None], true)
    slope = max(float(fitted.coef_[0, 0]), 1e-3)
    return slope, OVER_C - float(fitted.intercept_[0]) / slope


DEFINITION = OverloadRisk()
