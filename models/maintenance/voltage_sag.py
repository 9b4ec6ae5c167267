"""`voltage_sag`: will a point see a voltage event within ten minutes, how deep, how long and from what?

An event is a sag below 0.9 of nominal, an interruption, or a rapid voltage change of 3 % (1 % where a bank is
switched). Three forests estimate the probability of each cause, as competing risks; each reads what drives
its cause, so that a few hundred events are not spent on finding out what the calendar has to do with storms.
Two further forests say how deep and how long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from models import sag_forests, sag_rivals, sag_rows
from models.dataset import Built
from models.declaration import Bar, Output, Params, Shown, Target, Trial
from models.likelihood import Rare, gain, gain_share, pinball, share_of
from models.metrics import Columns, share
from models.plain import Plain, Said
from models.protocol import Compiled, Definition, Native
from models.rows import Rows
from models.sag_forecast import answered, scale_of, together
from models.sag_forests import DRIVERS, SIZE_DRIVERS, SagForests
from models.sag_subsets import QUIET_PER_EVENT, thinned

Float = NDArray[np.float64]

CAUSES = sag_rows.CAUSES
POINT = ("v_nom_log", "s_rated_log")
CLOCK = ("hour_local", "hour_sin", "hour_cos", "weekday_sin", "weekday_cos", "weekend")
WEATHER = ("ambient_c", "wind_m_s", "lightning_per_h")
HISTORY = (
    "events_10min", "events_1h", "events_24h", "events_7d", "sags_24h", "arcs_fading", "others_fading",
    "since_event_h", "since_arc_h", "deepest_24h_pct", "longest_24h_log",
)  # fmt: skip
TUNED_EVENTS, FITTED_EVENTS = 1000, 5000
COMES = Rare("event", "reference", "weight")


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
        return thinned(rows, min(most // (1 + QUIET_PER_EVENT), TUNED_EVENTS), rng)

    def fit(self, train: Rows, params: Params, seed: int) -> SagForests:
        """Grow a forest for each cause on weighted steps, two more on the steps with an event."""
        some = thinned(train, FITTED_EVENTS, np.random.default_rng(seed))
        return sag_forests.fit(some, params, seed)

    def calibrate(self, fitted: SagForests, validation: Rows) -> SagForests:
        """As many events as come are forecast."""
        return replace(fitted, scale=scale_of(fitted.rates_of(validation), validation))

    def score(self, fitted: SagForests, rows: Rows) -> float:
        """Gain of log-likelihood per event."""
        return self.metric("gain").of(self.answer(fitted, rows), rows)

    def answer(self, fitted: SagForests, rows: Rows) -> Columns:
        """Probability, cause, depth and duration of every step."""
        X = rows.inputs(SIZE_DRIVERS)
        return answered(
            fitted.rates_of(rows), fitted.scale, fitted.depth.predict(X), fitted.duration.predict(X), rows
        )

    def served(self, decoder: Mapping[str, Any], raw: Float, rows: Rows) -> Columns:
        """Probability, cause, depth and duration of a compiled version."""
        return answered(raw[:, : len(CAUSES)], decoder["scale"], raw[:, -2], raw[:, -1], rows)

    def raw(self, fitted: SagForests, X: Float) -> Float:
        """Three probabilities, ln of the depth, log10 of the duration by the library, float64 [n, 5]."""
        return fitted.raw(X, self.features)

    def opponent(self, name: str, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """Rate, most common cause, median depth and duration by the hour or by the last hour's count."""
        del validation
        return sag_rivals.by_like_steps(name, train, rows)

    def tree3(self, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """A tree of depth 3 for each of the five, on the same inputs, scaled alike."""
        return sag_rivals.shallow_trees(train, validation, rows, self.features)

    def oracle_answer(self, rows: Rows) -> Columns:
        """The true intensity; a cause that has at least half of it counts as known."""
        return {
            "probability": rows.truth["oracle_probability"],
            "right": rows.truth["oracle_right"],
        }

    def compile(self, fitted: SagForests) -> Compiled:
        """Five forests side by side in double precision."""
        onnx = sag_forests.graph(fitted, self.name, self.features)
        decoder = {"causes": list(CAUSES), "scale": fitted.scale}
        return Compiled(onnx, (sag_forests.OUTPUT,), decoder)

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


DEFINITION = VoltageSag()
