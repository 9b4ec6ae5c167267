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
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from features.context import day_ago, equipment
from models import support_vectors, thermal_rows
from models.dataset import Built
from models.estimates import absolute_error, among
from models.fourier import FourierMachine
from models.metrics import Columns, brier, macro_f1, precision, share
from models.protocol import Bar, Compiled, Definition, Native, Output, Params, Shown, Target, Trial
from models.rows import Rows, concatenate
from models.splits import folds
from models.subsets import spread
from models.support_vectors import Machine
from models.thermal_standard import hot_spot_c

if TYPE_CHECKING:
    from models.graphs import Graph

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
# What the bars ask for at the level critical, and how wide the cuts are looked for, K.
CRITICAL_RECALL, CRITICAL_PRECISION = 0.95, 0.70
SEARCHED_K = 10.0
TUNED_ROWS, FITTED_ROWS = 1500, 7000
# Cuts are set on validation rows and on estimates of training rows by machines that have not seen them.
CROSS_FOLDS, CROSS_ROWS = 3, 20_000
# Most rows that exceed the limit do so already; the tube must not hold them all. Minutes.
DELAY_ROWS, DELAY_C, DELAY_EPSILON = 1500, 30.0, 0.75
# Rows that are expected near a limit teach most: expected hot spot, °C, their share, and of them the share
# that knows the day before. What came of a row must not decide whether it is learnt from.
NEAR_C, NEAR_SHARE, DAY_SHARE = 85.0, 0.9, 0.75
# Names closer than this are one.
SAME = 1e-9
# Share of the rows that are learnt as of a transformer that nobody knows.
STRANGERS = 0.1
# From where on the opponent is corrected, °C.
HOT_C = 100.0
CORRECTED, LOAD_KNOWN = "load_held_corrected", "load_known"
AHEAD = "hot_spot_ahead_c"
DAY_AGO = tuple(feature.name for feature in day_ago.FEATURES)
EQUIPMENT = tuple(feature.name for feature in equipment.FEATURES)
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
    opponents = ("load_held",)
    references = (CORRECTED, LOAD_KNOWN)
    bars = (
        Bar("macro_f1", None, beats=("load_held", "tree3")),
        Bar("critical_recall", 0.95),
        Bar("critical_precision", 0.70),
    )
    shown = (
        Shown("chance", "probability", "over"),
        Shown("value", "hottest_c", "hottest_c", unit="°C"),
        Shown("value", "minutes", "minutes", among="exceeds", unit="min"),
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
        return _hot_ones_too(rows, min(most, TUNED_ROWS), rng)

    def fit(self, train: Rows, params: Params, seed: int) -> OverloadMachines:
        """Fit both machines, that of the delay on the rows that exceed the limit."""
        rng = np.random.default_rng(seed)
        heat = self._heat(train, params, rng)
        late = train.select(np.asarray(train.truth["exceeds"], dtype=bool))
        # Without a row that exceeds the limit there is no delay to learn: the machine answers the longest.
        late = spread(late if len(late) else train, DELAY_ROWS, rng)
        delay = support_vectors.fit(
            _with_strangers(late.inputs(self.features), rng),
            np.asarray(late.truth["minutes"], dtype=np.float64),
            C=DELAY_C,
            gamma=float(params["gamma"]),
            epsilon=DELAY_EPSILON,
        )
        return OverloadMachines(heat, delay, known=known_of(train), learnt=(train, params, seed))

    def _heat(self, train: Rows, params: Params, rng: np.random.Generator) -> Machine:
        some = _hot_ones_too(train, FITTED_ROWS, rng)
        return support_vectors.fit(
            _with_strangers(some.inputs(self.features), rng),
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
        return _columns(fitted.cuts, day_known(rows), self._estimate(fitted, rows), minutes)

    def served(self, decoder: Mapping[str, Any], raw: Float, rows: Rows) -> Columns:
        """Temperature, level, probability and minutes of a compiled version."""
        return _columns(_cuts_of(decoder), day_known(rows), raw[:, 0], raw[:, 1])

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
        """The standard's model with the present load and cooling held for an hour.

        Corrected, its mean error on rows that come near a limit in the validation split is taken out. With
        the load known, the standard's model is told the true load of the hour: what a perfect forecast of the
        load would be worth to someone who does not know the windings.
        """
        if name == LOAD_KNOWN:
            hottest = np.asarray(rows.truth["load_known_c"], dtype=np.float64)
            code = level_of(hottest)
            minutes = np.asarray(rows.truth["load_known_min"], dtype=np.float64)
            return {"code": code, "says_critical": code == CRITICAL, "hottest_c": hottest, "minutes": minutes}
        missed_k = 0.0
        if name == CORRECTED:
            near = validation.select(hottest_c(validation) >= HOT_C)
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

        known = known_of(train)
        X, late = told(train.inputs(self.features), known), np.asarray(train.truth["exceeds"], dtype=bool)
        heat = DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, train.truth["hottest_c"])
        late = late if late.any() else np.ones(len(train), dtype=bool)
        delay = DecisionTreeRegressor(max_depth=3, random_state=0).fit(X[late], train.truth["minutes"][late])
        own = heat.predict(told(validation.inputs(self.features), known))
        cuts = Cuts(score=_logistic(own, np.asarray(validation.truth["over"], dtype=bool)))
        X = told(rows.inputs(self.features), known)
        return _columns((cuts, cuts), day_known(rows), heat.predict(X), delay.predict(X))

    def compile(self, fitted: OverloadMachines) -> Compiled:
        """Two kernels and their weighted sums in double precision."""
        from models.graphs import INPUT, Graph

        graph = Graph()
        ahead = graph.columns(INPUT, np.array([self.features.index(AHEAD)]), AHEAD)
        inputs = INPUT if fitted.known is None else self._add_told(graph, fitted.known)
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
        found = _columns(_cuts_of(decoder), known, raw[:, 0], raw[:, 1])
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

    def _add_told(self, graph: Graph, known: tuple[float, ...]) -> str:
        """Add `told` to a graph; the directions are the last of the inputs."""
        from models.graphs import INPUT

        places = np.arange(len(self.features))
        plain = graph.columns(INPUT, places[: -len(EQUIPMENT)], "plain")
        direction = graph.columns(INPUT, places[-len(EQUIPMENT) :], "direction")
        first = graph.columns(INPUT, places[-len(EQUIPMENT) :][:1], "name")
        # A name that no transformer has, for a model that knows none.
        names = graph.constant("names", np.array([known or (np.inf,)]))
        apart = graph.add("Abs", [graph.add("Sub", [first, names], "name_off")], "name_apart")
        nearest = graph.add("ReduceMin", [apart], "name_nearest", axes=[1], keepdims=1)
        same = graph.add("Less", [nearest, graph.constant("name_same", np.array(SAME))], "is_known")
        nobody = graph.constant("nobody", np.array(np.nan))
        kept = graph.add("Where", [same, direction, nobody], "direction_known")
        return graph.add("Concat", [plain, kept], "inputs_known", axis=1)

    def _estimate(self, fitted: OverloadMachines, rows: Rows) -> Float:
        missed = fitted.heat.predict(fitted.told(rows.inputs(self.features)))
        estimate: Float = rows.column(AHEAD) + missed
        return estimate


def told(X: Float, known: tuple[float, ...] | None) -> Float:
    """Inputs with NaN for the directions of transformers that are not among the known, [n, p]."""
    if known is None:
        return X
    first = X[:, -len(EQUIPMENT)]
    apart = np.abs(first[:, None] - np.array([known or (np.inf,)])).min(axis=1)
    out = X.copy()
    out[~(apart < SAME), -len(EQUIPMENT) :] = np.nan
    return out


def known_of(rows: Rows) -> tuple[float, ...]:
    """First coordinates of the directions of the transformers that rows are of."""
    return tuple(np.unique(rows.column(EQUIPMENT[0])).tolist())


def _with_strangers(X: Float, rng: np.random.Generator) -> Float:
    """Inputs of which `STRANGERS` lose their transformer's direction, [n, p]."""
    X[rng.random(len(X)) < STRANGERS, -len(EQUIPMENT) :] = np.nan
    return X


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


def _cuts_of(decoder: Mapping[str, Any]) -> tuple[Cuts, Cuts]:
    """Cuts with the day before and without, from the decoder's parameters."""
    known, unknown = (
        Cuts(tuple(levels), tuple(score))
        for levels, score in zip(decoder["cuts_c"], decoder["score"], strict=True)
    )
    return known, unknown


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


def expected_near(rows: Rows) -> NDArray[np.bool_]:
    """Whether the standard expects each row near a limit or above it, [n]."""
    near: NDArray[np.bool_] = rows.column(AHEAD) >= NEAR_C
    return near


def _hot_ones_too(rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    """At most `most` rows: `NEAR_SHARE` of them expected near a limit or above it, the rest as they come."""
    near, known = expected_near(rows), day_known(rows)
    parts: list[Rows] = []
    for mask, part_of in ((near & known, DAY_SHARE * NEAR_SHARE), (near & ~known, NEAR_SHARE), (~near, 1.0)):
        left = int(part_of * most) - sum(len(part) for part in parts)
        if mask.any() and left > 0:
            parts.append(spread(rows.select(mask), left, rng))
    return concatenate(parts)


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
    first, second = (_best_cut(estimate, code, k, LIMITS_C[k - 1]) for k in (1, 2))
    third = _critical_cut(estimate, code == CRITICAL)
    return Cuts((first, max(first, second), max(first, second, third)), _logistic(estimate, code >= OVER))


def _best_cut(estimate: Float, code: NDArray[np.int64], level: int, limit: float) -> float:
    """Cut near `limit` with the best F1 between the levels below `level` and from it on."""
    candidates, says_count, hit = _tried(estimate, code >= level, limit)
    f1 = 2.0 * hit / np.maximum(says_count + (code >= level).sum(), 1)
    return _nearest(candidates, f1, limit)


def _critical_cut(estimate: Float, critical: NDArray[np.bool_]) -> float:
    """Cut that keeps recall and precision of the level critical both as far above what is asked as can be.

    The lesser distance counts: by chance of the episodes either may come out some points lower.
    """
    limit = LIMITS_C[CRITICAL - 1]
    if not critical.any():
        return limit
    candidates, says_count, hit = _tried(estimate, critical, limit)
    recall, right = hit / critical.sum(), hit / np.maximum(says_count, 1)
    margin = np.minimum(recall - CRITICAL_RECALL, right - CRITICAL_PRECISION)
    return _nearest(candidates, margin, limit)


def _tried(
    estimate: Float, true: NDArray[np.bool_], limit: float
) -> tuple[Float, NDArray[np.int64], NDArray[np.int64]]:
    """Cuts around a limit, and the numbers of rows that each takes in, and rightly so."""
    candidates = limit + np.linspace(-SEARCHED_K, SEARCHED_K, int(8 * SEARCHED_K) + 1)
    every, right = np.sort(estimate), np.sort(estimate[true])
    says = every.size - np.searchsorted(every, candidates, side="left")
    hit = right.size - np.searchsorted(right, candidates, side="left")
    return candidates, says.astype(np.int64), hit.astype(np.int64)


def _nearest(candidates: Float, merit: Float, limit: float) -> float:
    """Of the best candidates the one nearest to the limit."""
    best = np.flatnonzero(merit == merit.max())
    return float(candidates[best[np.argmin(np.abs(candidates[best] - limit))]])


def _logistic(estimate: Float, true: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and middle of the logistic curve with the largest likelihood (Platt, 1999)."""
    if true.all() or not true.any():
        return (0.5, OVER_C)
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e3).fit((estimate - OVER_C)[:, None], true)
    slope = max(float(fitted.coef_[0, 0]), 1e-3)
    return slope, OVER_C - float(fitted.intercept_[0]) / slope


DEFINITION = OverloadRisk()
