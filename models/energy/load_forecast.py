"""`load_forecast`: what a feeder will draw in a quarter of an hour, in an hour and at this time tomorrow.

Prophet forecasts what is linear in the load of the last days, with a daily shape for each kind of day; an
LSTM over the hours of today, of the same hours of like days and of those that followed then forecasts what it
leaves over. A public holiday counts as a Sunday, and where the day a week before was of another kind than the
one forecast, the latest like day stands in for it (`features.context.load_history`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from models import load_inputs, load_model, load_rivals, load_rows, load_scores, observed, observed_load
from models.dataset import Built
from models.declaration import Bar, Output, Params, Shown, Target, Trial
from models.errors import ModelError
from models.load_combination import CombinedLoad
from models.load_inputs import HORIZONS, SERIES
from models.load_intervals import at_hour, conformal
from models.load_model import LoadModel
from models.load_scores import COVERAGE, NAIVE
from models.metrics import Columns
from models.n_beats_model import NBeatsModel
from models.networks import Course
from models.plain import Plain, Said
from models.protocol import Compiled, Definition, Native
from models.rows import Rows
from models.subsets import spread
from models.time_splits import TimeSplit

Float = NDArray[np.float64]

FITTED_ROWS, PROPHET_ROWS = 60_000, 6000
QUARTER = "mean net load of the quarter of an hour that ends then, W"
W_MAGNITUDE = 1e8
OBSERVED = {"load": ("p_w",)}
"""Columns of a measured table that are needed; holidays are used where they are told."""

IN_WORDS = {"15min": "15 minutes", "1h": "an hour", "24h": "a day"}


Fitted = LoadModel | NBeatsModel | CombinedLoad
"""What an algorithm of this model is fitted to."""


class LoadForecast(Definition[Fitted]):
    """Prophet with the load history as regressors, and an LSTM for its residuals."""

    name = "load_forecast"
    version = 1
    title = "Load of a feeder in 15 min, 1 h and 24 h with 90 % intervals"
    module = "energy"
    algorithm = "Prophet on the load history; LSTM of 20 units and dense layers of 64, 64, 3 on its residuals"
    proof = "forecast"
    library = "keras"
    one_split = True
    tables = ("load",)
    source = "table"
    features = load_inputs.FEATURES
    truth_columns = ()
    target = Target(QUARTER, ("p_w",))
    point_kinds = ("feeder",)
    minimum_readings = 1
    outputs = (
        Output("forecasted_load", truth=QUARTER, metric="wape_24h", magnitude=W_MAGNITUDE),
        Output("confidence_interval", truth=QUARTER, metric="coverage_24h", magnitude=W_MAGNITUDE),
        Output("mape", formula="100 · Σ abs(error) / Σ abs(load) on validation days, mean of the horizons"),
    )
    metrics = (
        load_scores.skill(),
        *(load_scores.wape(f"wape_{name}", name) for name in HORIZONS),
        *(load_scores.coverage(f"coverage_{name}", name) for name in HORIZONS),
        *(load_scores.gap(f"gap_share_{name}", name) for name in HORIZONS),
        *(load_scores.width(f"interval_width_pct_{name}", name) for name in HORIZONS),
        *(load_scores.wape(f"wape_{name}_holiday", name, f"holiday_{name}") for name in HORIZONS),
    )
    headline = "skill"
    opponents = (*NAIVE, "boosted_lags")
    bars = (
        *(
            Bar(
                f"wape_{name}",
                beats=(*NAIVE, "tree3"),
                cuts=dict.fromkeys(NAIVE, 0.10),
                not_worse=("boosted_lags",),
            )
            for name in HORIZONS
        ),
        *(Bar(f"coverage_{name}", contains=COVERAGE) for name in HORIZONS),
    )
    shown = tuple(Shown("value", f"p_{name}", f"p_{name}", unit="of rated power") for name in HORIZONS)
    plain = Plain(
        purpose="Foretells the load of each feeder in 15 minutes, one hour and a day, and how sure that is.",
        main="wape_24h",
        said={
            **{
                f"wape_{name}": Said(f"mean error of the load in {text}, of the load", "%", 1.0)
                for name, text in IN_WORDS.items()
            },
            **{
                f"coverage_{name}": Said(f"of the loads in {text} lie in the interval meant for 90 %")
                for name, text in IN_WORDS.items()
            },
        },
        rivals={
            "persistence": "the load staying as it is",
            "yesterday": "the load of yesterday",
            "last_week": "the load of a week ago",
            "boosted_lags": "boosted trees on the loads before",
        },
    )
    family = "fedavg"
    claim = "approximate"
    defaults: ClassVar[Params] = {"learning_rate": 4e-3, "batch": 256, "epochs": 6}
    limits = (
        "Needs eight days of history without a gap. A public holiday is forecast as a Sunday "
        "(wape_*_holiday): holidays come from the country's calendar (data_contracts/holidays.py) unless the "
        "request names them; one that neither knows is forecast as an ordinary day. No weather to come, no "
        "switching: a feeder that takes over a neighbour's load is forecast wrongly for a week. Yearly terms "
        "need two years of data. Errors count in rated power, so that every feeder weighs by how much of its "
        "rating it uses."
    )

    def rows(self, dataset: Dataset, start: date) -> Built:
        """Quarters of the table `load` with eight days before them and a day behind them."""
        return load_rows.build(dataset, self, start)

    def observed_rows(self, dataset: Dataset, split: TimeSplit) -> Built:
        """Quarters of an ingested table `load`, likewise."""
        observed.check(self, dataset, OBSERVED)
        return observed_load.build(dataset, self, split)

    def suggest(self, trial: Trial) -> dict[str, float | int | str | bool]:
        """Step size, batch and epochs."""
        return {
            "learning_rate": trial.suggest_float("learning_rate", 1.5e-3, 8e-3, log=True),
            "batch": trial.suggest_categorical("batch", (128, 256, 512)),
            "epochs": trial.suggest_int("epochs", 4, 8),
        }

    def subset(self, rows: Rows, most: int, rng: np.random.Generator) -> Rows:
        """A few quarters of every run of days."""
        return spread(rows, most, rng)

    def fit(self, train: Rows, params: Params, seed: int) -> Fitted:
        """Fit Prophet on some rows, the network on what it leaves over of more."""
        rng = np.random.default_rng(seed)
        some = spread(train, FITTED_ROWS, rng)
        few = np.sort(rng.permutation(len(some))[:PROPHET_ROWS])
        course = Course(
            epochs=int(params["epochs"]),
            batch=int(params["batch"]),
            learning_rate=float(params["learning_rate"]),
        )
        X = some.inputs(self.features)
        return load_model.fit(
            X,
            load_rivals.wanted(some),
            np.asarray(some.truth["local_s"], dtype=np.float64),
            course,
            seed,
            linear=few,
        )

    def calibrate(self, fitted: Fitted, validation: Rows) -> Fitted:
        """Width of the intervals and the error that answers state."""
        X, y = validation.inputs(self.features), load_rivals.wanted(validation)
        error = np.abs(fitted.predict(X) - y).sum(axis=0) / np.abs(y).sum(axis=0)
        intervals = conformal(fitted, X, y, COVERAGE)
        return replace(fitted, intervals=intervals, mape=float(100.0 * error.mean()))

    def score(self, fitted: Fitted, rows: Rows) -> float:
        """Skill over the best naive forecast, mean of the horizons."""
        return self.metric("skill").of(self.answer(fitted, rows), rows)

    def answer(self, fitted: Fitted, rows: Rows) -> Columns:
        """Forecasts and their intervals, of rated power."""
        X = rows.inputs(self.features)
        return load_rivals.answer(fitted.predict(X), fitted.half(X))

    def served(self, decoder: Mapping[str, Any], raw: Float, rows: Rows) -> Columns:
        """Forecasts and intervals of a compiled version, of rated power."""
        level = np.maximum(rows.column(decoder["level_feature"]), decoder["least_level_pu"])[:, None]
        sine, cosine = (rows.column(name) for name in decoder["hour_features"])
        return load_rivals.answer(raw, level * at_hour(np.array(decoder["half_by_hour"]), sine, cosine))

    def raw(self, fitted: Fitted, X: Float) -> Float:
        """Forecasts with the network answered by Keras, of rated power, float64 [n, 3]."""
        return fitted.predict(X, keras=True)

    def opponent(self, name: str, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """A naive forecast, or boosted trees on the history and the calendar."""
        del validation
        if name == "boosted_lags":
            some = spread(train, load_rivals.ROWS, np.random.default_rng(0))
            return load_rivals.answer(load_rivals.boosted(some, rows, self.features))
        return load_rivals.answer(load_rivals.columns_of(rows, name))

    def tree3(self, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """The boosted trees' inputs in a tree of depth 3 for each horizon."""
        del validation
        some = spread(train, load_rivals.TREE_ROWS, np.random.default_rng(0))
        return load_rivals.answer(load_rivals.tree3(some, rows, self.features))

    def oracle_answer(self, rows: Rows) -> Columns | None:
        """The load without its random part in the weather to come; departures of now as far as they last."""
        known = load_rivals.columns_of(rows, "oracle")
        return load_rivals.answer(known) if np.isfinite(known).all() else None

    def shuffled(self) -> Mapping[str, tuple[str, ...]]:
        """The hours of a series together: one nearly repeats the next one."""
        inside = {name for series in SERIES for name in series}
        alone = {name: (name,) for name in self.features if name not in inside}
        return {**alone, **{series[0].partition(".")[0]: series for series in SERIES}}

    def compile(self, fitted: Fitted) -> Compiled:
        """Prophet's coefficients and the network in one graph; the intervals in the decoder."""
        onnx = fitted.graph(self.name, len(self.features))
        decoder = {
            "horizons": list(HORIZONS),
            "rated_feature": "s_rated_log",
            "level_feature": "load_week_level_pu",
            "hour_features": ["hour_sin", "hour_cos"],
            "least_level_pu": load_inputs.LEAST_LEVEL_PU,
            "half_by_hour": (fitted.intervals.factor * fitted.intervals.hourly).tolist(),
            "mape": fitted.mape,
        }
        return Compiled(onnx, ("load_pu",), decoder)

    def decode(
        self, decoder: Mapping[str, Any], raw: Float, columns: Mapping[str, Float]
    ) -> list[dict[str, Any]]:
        """Watts from shares of rated power."""
        rated_w = 1e6 * 10.0 ** columns[decoder["rated_feature"]][:, None]
        level = np.maximum(columns[decoder["level_feature"]], decoder["least_level_pu"])[:, None]
        sine, cosine = (columns[name] for name in decoder["hour_features"])
        half = level * at_hour(np.array(decoder["half_by_hour"]), sine, cosine)
        return [
            {
                "forecasted_load": dict(zip(decoder["horizons"], load, strict=True)),
                "confidence_interval": {
                    name: [low, high]
                    for name, low, high in zip(decoder["horizons"], lows, highs, strict=True)
                },
                "mape": decoder["mape"],
            }
            for load, lows, highs in zip(
                (raw * rated_w).tolist(),
                ((raw - half) * rated_w).tolist(),
                ((raw + half) * rated_w).tolist(),
                strict=True,
            )
        ]

    def native(self, fitted: Fitted, example: Rows) -> Native | None:
        """The Keras model of what Prophet leaves over; Prophet is kept as its coefficients.

        Raises:
            ModelError: The model was fitted by another algorithm.
        """
        from models import load_training

        if not isinstance(fitted, LoadModel):
            raise ModelError(f"{self.name}: {type(fitted).__name__} is not of this algorithm")
        X = example.inputs(self.features)
        form = fitted.prophet
        return Native(
            load_training.loaded(fitted.weights, load_model.SHAPE),
            fitted.rows(X, load_inputs.known(X)),
            flavour="keras",
            parameters={
                "mean": fitted.mean.tolist(),
                "scale": fitted.scale.tolist(),
                "unit": fitted.unit.tolist(),
                "prophet": {
                    name: getattr(form, name).tolist()
                    for name in ("mean", "scale", "constant", "regressors", "daily", "shift", "yearly")
                },
            },
        )


DEFINITION = LoadForecast()
