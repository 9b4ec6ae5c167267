"""`voltage_sag`: will a point see a voltage event within ten minutes, how deep, how long and from what?

An event is a sag below 0.9 of nominal, an interruption, or a rapid voltage change of 3 % (1 % where a bank is
switched). Three forests estimate the probability of each cause, as competing risks; each reads what drives
its cause, so that a few hundred events are not spent on finding out what the calendar has to do with storms.
Two further forests say how deep and how long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from models import forest, sag_rows
from models.dataset import Built
from models.forest import Forest
from models.likelihood import Rare, gain, gain_share, pinball, share_of
from models.metrics import Columns, share
from models.plain import Plain, Said
from models.protocol import Bar, Compiled, Definition, Native, Output, Params, Shown, Target, Trial
from models.rows import Rows, concatenate

Float = NDArray[np.float64]

CAUSES = sag_rows.CAUSES
POINT = ("v_nom_log", "s_rated_log")
CLOCK = ("hour_local", "hour_sin", "hour_cos", "weekday_sin", "weekday_cos", "weekend")
WEATHER = ("ambient_c", "wind_m_s", "lightning_per_h")
HISTORY = (
    "events_10min", "events_1h", "events_24h", "events_7d", "sags_24h", "arcs_fading", "others_fading",
    "since_event_h", "since_arc_h", "deepest_24h_pct", "longest_24h_log",
)  # fmt: skip
DRIVERS = (
    (*WEATHER, "v_nom_log", "arcs_fading"),
    ("hour_local", "weekend", "weekday_sin", "ambient_c", "v_nom_log"),
    ("hour_local", "weekend", "v_nom_log"),
)  # fmt: skip
"""What drives each of CAUSES."""
SIZE_DRIVERS = ("hour_local", "weekend", "v_nom_log", "wind_m_s", "lightning_per_h", "arcs_fading")
"""What says which cause is likely, and with it how deep and how long."""

TUNED_EVENTS, FITTED_EVENTS, QUIET_PER_EVENT = 1000, 5000, 3
COMES = Rare("event", "reference", "weight")
SCALES = (0.2, 5.0)
TREES = {"rates": 30, "sizes": 15}
SIZE_ROWS, SIZE_LEAVES, SIZE_LEAF = 1000, 16, 60


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


def together(rates: Float, scale: float) -> Float:
    """Probability that an event of any cause comes, from the estimates [n, 3] of the causes; [n]."""
    risk = scale * np.maximum(rates, 0.0).sum(axis=1)
    found: Float = -np.expm1(-risk)
    return found


class VoltageSag(Definition[SagForests]):
    """Random forests on weather, clock and the events of the last week."""

    name = "voltage_sag"
    version = 1
    title = "Voltage events of the next ten minutes: probability, depth, duration, cause"
    module = "maintenance"
    algorithm = "random forest"
    one_split = True
    proof = "forecast"
    tables = ("load", "sag_events")
    source = "table"
    features = (*CLOCK, *POINT, *WEATHER, *HISTORY)
    truth_columns = ()
    target = Target(
        "sag, interruption or rapid voltage change at the point within 10 min, and its cause",
        ("t", "kind", "cause", "depth_pct", "duration_ms"),
        CAUSES,
    )
    point_kinds = ("infeed", "transformer_bay", "bus", "feeder")
    minimum_readings = 1
    outputs = (
        Output("sag_probability", truth="whether an event comes within 10 min", metric="gain"),
        Output(
            "expected_sag_depth",
            truth="depth of the event, where one comes",
            metric="depth_pinball_pct",
            magnitude=100.0,
        ),
        Output(
            "expected_duration",
            truth="duration of the event, where one comes",
            metric="duration_pinball_log",
            magnitude=1e4,
        ),
        Output("likely_cause", truth="cause of the event, where one comes", metric="cause_accuracy"),
    )
    metrics = (
        gain("gain", "probability", COMES),
        gain_share("gain_share", "probability", "oracle_probability", COMES),
        share("cause_accuracy", "event", "right"),
        share_of("cause_share", "right", "oracle_right", "event"),
        pinball("depth_pinball_pct", "depth_pct", "depth_pct", "event"),
        pinball("duration_pinball_log", "duration_log", "duration_log", "event"),
    )
    headline = "gain"
    opponents = ("hour", "last_hour")
    oracle = (
        "the true intensity just before each event, times the shares of events that the point counts; its "
        "integral by its expectation"
    )
    bars = (
        Bar("gain", None, beats=("hour", "last_hour", "tree3")),
        Bar("gain_share", 0.90),
        Bar("cause_share", 0.95),
        Bar("depth_pinball_pct", None, beats=("hour", "last_hour")),
        Bar("duration_pinball_log", None, beats=("hour", "last_hour")),
    )
    shown = (
        Shown("chance", "probability", "event", weight="weight"),
        Shown("value", "depth_pct", "depth_pct", among="event", unit="%"),
        Shown("value", "duration_log", "duration_log", among="event", unit="log10 ms"),
    )
    class_among = "event"
    plain = Plain(
        purpose="Tells how likely the voltage dips within ten minutes, how deep, how long and from what.",
        main="gain_share",
        said={
            "gain": Said("information on each event over a constant rate", "nat", 1.0),
            "gain_share": Said("of what can be known about the dips to come is known"),
            "cause_share": Said("of the causes that can be foretold are foretold"),
            "depth_pinball_pct": Said("error of the foretold depth (pinball)", "% of the voltage", 1.0),
            "duration_pinball_log": Said("error of the foretold duration (pinball)", "decades", 1.0),
        },
        rivals={
            "hour": "the usual rate of this hour",
            "last_hour": "the rate after as many events in the last hour",
        },
    )
    family = "weighted_forests"
    claim = "exact"
    defaults: ClassVar[Params] = {"min_samples_leaf": 30, "max_leaf_nodes": 64, "max_features": 0.5}
    limits = (
        "Needs the point's events of the last seven days. Cannot know of switching that is planned, nor of "
        "the motors that a customer is about to start. Load rejection and other rises of the voltage are not "
        "forecast. Trained on stations with 360 to 440 events a year: with one year of a few stations its "
        "share of the oracle's gain, whose integral is an expectation, is known within a factor of two only. "
        "Weather is that of the last whole quarter: the terms of the true intensity, fitted to these inputs, "
        "reach 84 % of its gain. Depth and duration can hardly be foretold: medians by the true shares of "
        "the causes are 6 % and 3 % better than those of the hour."
    )

    def rows(self, dataset: Dataset, start: date) -> Built:
        """Steps of ten minutes at measurement points, with the event that comes."""
        return sag_rows.build(dataset, self, start)

    def suggest(self, trial: Trial) -> dict[str, float | int | str | bool]:
        """Size of the trees and columns of a split."""
        return {
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", 12, 80, log=True),
            "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 24, 96, log=True),
            "max_features": trial.suggest_float("max_features", 0.3, 1.0),
        }

    def scaled(self, params: Params, tuned_rows: int, rows: int) -> dict[str, float | int | str | bool]:
        """The leaf size keeps its share of the rows that a forest is grown on."""
        most = FITTED_EVENTS * (1 + QUIET_PER_EVENT)
        size = round(float(params["min_samples_leaf"]) * min(rows, most) / tuned_rows)
        return {**params, "min_samples_leaf": max(size, 1)}

    def subset(self, rows: Rows, most: int, rng: np.random.Generator) -> Rows:
        """Some of the steps with an event and of the others, with weights that say so."""
        return _thinned(rows, min(most // (1 + QUIET_PER_EVENT), TUNED_EVENTS), rng)

    def fit(self, train: Rows, params: Params, seed: int) -> SagForests:
        """Grow a forest for each cause on weighted steps, two more on the steps with an event."""
        some = _thinned(train, FITTED_EVENTS, np.random.default_rng(seed))
        event, weight = np.asarray(some.truth["event"], dtype=bool), _weight(some)
        grown: dict[str, Any] = {
            "n_estimators": TREES["rates"],
            "max_samples": 0.5,
            "min_samples_leaf": int(params["min_samples_leaf"]),
            "max_leaf_nodes": int(params["max_leaf_nodes"]),
            "max_features": float(params["max_features"]),
        }
        first, second, third = (
            forest.fit(some.inputs(drivers), _is(some, k).astype(np.float64), seed, weight=weight, **grown)
            for k, drivers in enumerate(DRIVERS)
        )
        sizes: dict[str, Any] = {
            "n_estimators": TREES["sizes"],
            "criterion": "absolute_error",
            "min_samples_leaf": SIZE_LEAF,
            "max_leaf_nodes": SIZE_LEAVES,
            "max_features": float(params["max_features"]),
        }
        happened = np.random.default_rng(seed).permutation(np.flatnonzero(event))[:SIZE_ROWS]
        X = some.inputs(SIZE_DRIVERS)[happened]
        sizes["weight"] = weight[happened]
        depth = forest.fit(X, _ln_depth(some)[happened], seed, **sizes)
        lasting = np.asarray(some.truth["duration_log"], dtype=np.float64)[happened]
        return SagForests((first, second, third), depth, forest.fit(X, lasting, seed, **sizes))

    def calibrate(self, fitted: SagForests, validation: Rows) -> SagForests:
        """As many events as come are forecast."""
        return replace(fitted, scale=_scale(self._rates(fitted, validation), validation))

    def score(self, fitted: SagForests, rows: Rows) -> float:
        """Gain of log-likelihood per event."""
        return self.metric("gain").of(self.answer(fitted, rows), rows)

    def answer(self, fitted: SagForests, rows: Rows) -> Columns:
        """Probability, cause, depth and duration of every step."""
        X = rows.inputs(SIZE_DRIVERS)
        return _answered(
            self._rates(fitted, rows), fitted.scale, fitted.depth.predict(X), fitted.duration.predict(X), rows
        )

    def served(self, decoder: Mapping[str, Any], raw: Float, rows: Rows) -> Columns:
        """Probability, cause, depth and duration of a compiled version."""
        return _answered(raw[:, : len(CAUSES)], decoder["scale"], raw[:, -2], raw[:, -1], rows)

    def raw(self, fitted: SagForests, X: Float) -> Float:
        """Three probabilities, ln of the depth, log10 of the duration by the library, float64 [n, 5]."""
        grown = zip(
            (*fitted.rates, fitted.depth, fitted.duration),
            (*DRIVERS, SIZE_DRIVERS, SIZE_DRIVERS),
            strict=True,
        )
        found = [_native(one, X[:, _places(self.features, drivers)]) for one, drivers in grown]
        return np.stack(found, axis=1)

    def opponent(self, name: str, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """Rate, most common cause, median depth and duration by the hour or by the last hour's count."""
        del validation
        if name == "hour":
            groups = [np.floor(one.column("hour_local")).astype(np.int64) for one in (train, rows)]
        else:
            groups = [np.minimum(one.column("events_1h"), 3.0).astype(np.int64) for one in (train, rows)]
        return _by_group(train, rows, groups[0], groups[1])

    def tree3(self, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """A tree of depth 3 for each of the five, on the same inputs, scaled alike."""
        from sklearn.tree import DecisionTreeRegressor

        def grown(target: Float, weight: Float, which: NDArray[np.bool_]) -> Any:
            tree = DecisionTreeRegressor(max_depth=3, random_state=0)
            return tree.fit(train.inputs(self.features)[which], target[which], weight[which])

        event, weight = np.asarray(train.truth["event"], dtype=bool), _weight(train)
        every = np.ones(len(train), dtype=bool)
        rates = [grown(_is(train, k).astype(np.float64), weight, every) for k in range(len(CAUSES))]
        depth = grown(_ln_depth(train), weight, event)
        lasting = grown(np.asarray(train.truth["duration_log"], dtype=np.float64), weight, event)
        of_validation = np.stack([one.predict(validation.inputs(self.features)) for one in rates], axis=1)
        X = rows.inputs(self.features)
        found = np.stack([one.predict(X) for one in rates], axis=1)
        return _answered(found, _scale(of_validation, validation), depth.predict(X), lasting.predict(X), rows)

    def oracle_answer(self, rows: Rows) -> Columns:
        """The true intensity; a cause that has at least half of it counts as known."""
        return {
            "probability": rows.truth["oracle_probability"],
            "right": rows.truth["oracle_right"],
        }

    def compile(self, fitted: SagForests) -> Compiled:
        """Five forests side by side in double precision."""
        from models.graphs import INPUT, Graph

        graph = Graph()
        source = graph.rounded(INPUT, "rounded")
        parts = []
        for cause, drivers, one in zip(CAUSES, DRIVERS, fitted.rates, strict=True):
            inputs = graph.columns(source, _places(self.features, drivers), f"{cause}_inputs")
            parts.append(graph.forest(inputs, one.trees, cause))
        sizes = graph.columns(source, _places(self.features, SIZE_DRIVERS), "size_inputs")
        parts.append(graph.forest(sizes, fitted.depth.trees, "depth"))
        parts.append(graph.forest(sizes, fitted.duration.trees, "duration"))
        graph.add("Concat", parts, "forecast", axis=1)
        onnx = graph.finish(self.name, len(self.features), "forecast", len(parts), double=True)
        return Compiled(onnx, ("forecast",), {"causes": list(CAUSES), "scale": fitted.scale})

    def decode(
        self, decoder: Mapping[str, Any], raw: Float, columns: Mapping[str, Float]
    ) -> list[dict[str, Any]]:
        """Probability, depth, duration and cause by name."""
        del columns
        probability = together(raw[:, : len(CAUSES)], decoder["scale"])
        cause = np.argmax(raw[:, : len(CAUSES)], axis=1)
        depth, lasting = np.clip(np.exp(raw[:, -2]), 0.0, 100.0), 10.0 ** raw[:, -1]
        return [
            {
                "sag_probability": chance,
                "expected_sag_depth": pct,
                "expected_duration": ms,
                "likely_cause": decoder["causes"][which],
            }
            for chance, pct, ms, which in zip(
                probability.tolist(), depth.tolist(), lasting.tolist(), cause.tolist(), strict=True
            )
        ]

    def native(self, fitted: SagForests, example: Rows) -> Native | None:
        """The forest of the faults; it reads its own inputs."""
        if fitted.rates[0].native is None:
            return None
        return Native(
            fitted.rates[0].native,
            example.inputs(DRIVERS[0]),
            ("sklearn.tree._tree.Tree",),
            {"inputs": list(DRIVERS[0]), "scale": fitted.scale},
        )

    def _rates(self, fitted: SagForests, rows: Rows) -> Float:
        return np.stack(
            [one.predict(rows.inputs(drivers)) for one, drivers in zip(fitted.rates, DRIVERS, strict=True)],
            axis=1,
        )


def _places(names: tuple[str, ...], wanted: tuple[str, ...]) -> NDArray[np.int64]:
    return np.array([names.index(name) for name in wanted], dtype=np.int64)


def _native(one: Forest, X: Float) -> Float:
    if one.native is None:
        return one.predict(X)
    found: Float = one.native.predict(X.astype(np.float32))
    return found


def _weight(rows: Rows) -> Float:
    return np.asarray(rows.truth["weight"], dtype=np.float64)


def _is(rows: Rows, cause: int) -> NDArray[np.bool_]:
    """Steps in which an event of a cause comes, bool [n]."""
    found: NDArray[np.bool_] = np.asarray(rows.truth["event"], dtype=bool) & (
        np.asarray(rows.truth["code"], dtype=np.int64) == cause
    )
    return found


def _ln_depth(rows: Rows) -> Float:
    """Logarithm of the depth in %; 0 without an event."""
    found: Float = np.log(np.maximum(np.asarray(rows.truth["depth_pct"], dtype=np.float64), 1.0))
    return found


def _scale(rates: Float, rows: Rows) -> float:
    """Events that came over those forecast, within SCALES."""
    weight = _weight(rows)
    forecast = float((weight * rates.sum(axis=1)).sum())
    came = float(weight[np.asarray(rows.truth["event"], dtype=bool)].sum())
    return float(np.clip(came / forecast, *SCALES)) if forecast > 0.0 else 1.0


def _answered(rates: Float, scale: float, ln_depth: Float, duration_log: Float, rows: Rows) -> Columns:
    code = np.argmax(rates, axis=1)
    return {
        "probability": together(rates, scale),
        "code": code,
        "right": code == rows.truth["code"],
        "depth_pct": np.clip(np.exp(ln_depth), 0.0, 100.0),
        "duration_log": duration_log,
    }


def _thinned(rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    """At most `most` steps with an event and so many times as many others; weights make up for it.

    Points of one voltage level see the same events under the same circumstances: one of them stands for all.
    """
    event, weight = np.asarray(rows.truth["event"], dtype=bool), _weight(rows)
    parts = []
    for which, keep in ((event, most), (~event, most * QUIET_PER_EVENT)):
        own = rng.permutation(np.flatnonzero(which))
        if not own.size:
            continue
        stands_for = weight[own]
        if which is event:
            own, stands_for = _once(rows, own, stands_for)
        chosen = np.sort(rng.permutation(own.size)[:keep])
        part, total = rows.select(own[chosen]), float(weight[which].sum())
        heavier = stands_for[chosen] * (total / stands_for[chosen].sum())
        parts.append(replace(part, truth={**part.truth, "weight": heavier}))
    return concatenate(parts)


def _once(rows: Rows, own: NDArray[np.int64], weight: Float) -> tuple[NDArray[np.int64], Float]:
    """The first of the rows `own` of each step, station, voltage and cause, and the weight of all of them."""
    told_apart = (rows.t, rows.substation.codes, rows.kind.codes, rows.truth["code"])
    keys = np.stack([np.asarray(key, dtype=np.float64)[own] for key in told_apart], axis=1)
    _, first, group = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    together_weigh: Float = np.bincount(group.ravel(), weight).astype(np.float64)
    return own[first], together_weigh


def _by_group(train: Rows, rows: Rows, groups: NDArray[np.int64], asked: NDArray[np.int64]) -> Columns:
    """What came in training in each group, [n]; a group without an event answers as all together."""
    event, weight = np.asarray(train.truth["event"], dtype=bool), _weight(train)
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


DEFINITION = VoltageSag()
