"""The fitted load forecast: Prophet's coefficients and a network for what they leave over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.context.load_history import HOURS
from models import load_inputs, load_network, prophet_form
from models.graphs import Graph
from models.load_inputs import HORIZONS, KNOWN, SERIES
from models.load_intervals import Intervals, by_hour
from models.load_network import Shape
from models.networks import Course, Weights
from models.prophet_form import ProphetForm

Float = NDArray[np.float64]

UNITS, HIDDEN = 20, 64
SHAPE = Shape(HOURS, len(SERIES), KNOWN, UNITS, HIDDEN, len(HORIZONS))
WIDE = HOURS * len(SERIES)
"""Columns of a row with the hours; those that are known besides follow."""

MEAN_TO_DEVIATION = 1.25
"""Standard deviation over mean absolute value of a normal variable, about."""


@dataclass(frozen=True, slots=True)
class LoadModel:
    """Forecasts of the load of rated power at three horizons.

    Attributes:
        prophet: The part that is linear in what is known.
        weights: The network that forecasts what Prophet leaves over.
        mean: Mean of each column of a row of the network, float64 [columns].
        scale: Its standard deviation, float64 [columns].
        unit: What one unit of the network's answers stands for, of the level, float64 [3].
        intervals: Half widths.
        mape: 100·Σ|error| / Σ|load| of the validation days, mean of the horizons.
        losses: Loss of each epoch, for its plot.
    """

    prophet: ProphetForm
    weights: Weights
    mean: Float
    scale: Float
    unit: Float
    intervals: Intervals
    mape: float = 0.0
    losses: tuple[float, ...] = ()

    def rows(self, X: Float, known: Float) -> Float:
        """Scaled rows of the network, float64 [n, columns]."""
        return (unscaled(X, known) - self.mean) / self.scale

    def predict(self, X: Float, *, keras: bool = False) -> Float:
        """Load at each horizon, of rated power, float64 [n, 3]; by Keras in single precision where asked."""
        known = load_inputs.known(X)
        rows = self.rows(X, known)
        if keras:
            from models import load_training

            rest = load_training.predict(self.weights, SHAPE, rows)
        else:
            rest = load_network.forward(self.weights, SHAPE, rows)
        total: Float = (self.prophet.predict(X, known) + self.unit * rest) * load_inputs.level(X)
        return total

    def half(self, X: Float) -> Float:
        """Half widths of the intervals, of rated power, float64 [n, 3]."""
        found: Float = self.intervals.half(X) * load_inputs.level(X)
        return found

    def graph(self, name: str, columns: int) -> bytes:
        """One graph from the inputs to the load at each horizon, of rated power."""
        from onnx import TensorProto

        graph = Graph()
        level, known, hours = load_inputs.add_inputs(graph)
        wide = graph.add("Concat", [hours, known], "row", axis=1)
        centred = graph.add("Sub", [wide, graph.constant("row_mean", self.mean)], "row_centred")
        scaled = graph.add("Div", [centred, graph.constant("row_scale", self.scale)], "row_scaled")
        single = graph.add("Cast", [scaled], "row_f32", to=TensorProto.FLOAT)
        rest = load_network.add_network(graph, self.weights, SHAPE, single, unit=self.unit, output="rest_f32")
        parts = [self.prophet.add_to(graph, known), graph.add("Cast", [rest], "rest", to=TensorProto.DOUBLE)]
        whole = graph.add("Sum", parts, "load_levels")
        graph.add("Mul", [whole, level], "load_pu")
        return graph.finish(name, columns, "load_pu", len(HORIZONS), double=True)


def fit(
    X: Float, y_pu: Float, local_s: Float, course: Course, seed: int, *, linear: NDArray[np.int64]
) -> LoadModel:
    """Fit Prophet on some rows and the network on what it leaves over of all of them.

    Args:
        X: Inputs, [n, FEATURES].
        y_pu: Load at each horizon, of rated power, [n, 3].
        local_s: Local time of each row, seconds since 1970, [n].
        course: How the network is trained.
        seed: Decides its first weights and the order of the rows.
        linear: Rows that Prophet is fitted on.
    """
    from models import load_training

    known, level = load_inputs.known(X), load_inputs.level(X)
    y = y_pu / level
    prophet = prophet_form.fit(X[linear], known[linear], y[linear], local_s[linear])
    rest = y - prophet.predict(X, known)
    unit = np.maximum(MEAN_TO_DEVIATION * np.abs(rest).mean(axis=0), 1e-9)
    wide = unscaled(X, known)
    scale = wide.std(axis=0)
    bare = LoadModel(
        prophet,
        load_network.initial(SHAPE, seed),
        wide.mean(axis=0),
        np.where(scale > prophet_form.LEAST_SCALE, scale, 1.0),
        unit,
        Intervals(np.ones((HOURS, len(HORIZONS))), np.ones(len(HORIZONS))),
    )
    rows = bare.rows(X, known).astype(np.float32)
    # An error counts in rated power.
    weight = level / level.mean()
    weights, losses = load_training.train(
        bare.weights, SHAPE, (rows, (rest / unit).astype(np.float32), weight.astype(np.float32)), course, seed
    )
    error = np.abs(rest - unit * load_network.forward(weights, SHAPE, bare.rows(X, known)))
    intervals = Intervals(by_hour(error, X), np.ones(len(HORIZONS)))
    return LoadModel(
        prophet, weights, bare.mean, bare.scale, unit, intervals, losses=tuple(float(one) for one in losses)
    )


def unscaled(X: Float, known: Float) -> Float:
    """Rows of the network before they are scaled, float64 [n, columns]."""
    return np.concatenate([load_inputs.steps(X).reshape(len(X), -1), known], axis=1)
