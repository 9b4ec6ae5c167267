"""The load forecast by N-BEATS: the network, what its rows and answers are counted in, and intervals.

Loads count in the level of the feeder's last week and as departures from the newest quarter, so that a window
looks the same whatever the feeder and however high it stands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models import load_inputs, n_beats, prophet_form
from models.graphs import INPUT, Graph
from models.load_inputs import HORIZONS, KNOWN, QUARTERS_AHEAD, WEEK_HOURS
from models.load_intervals import Intervals, by_hour
from models.n_beats import DAY_H, Shape
from models.networks import Course, Weights

Float = NDArray[np.float64]

QUARTER_H = 0.25
ENDS_H = (
    *((quarters - 0.5) * QUARTER_H for quarters in QUARTERS_AHEAD),
    *(hour + 0.5 for hour in range(DAY_H)),
)
"""Middle of the quarter of each horizon, then of each hour of the day to come."""

SHAPE = Shape(KNOWN, ENDS_H)
NEWEST = ("load_quarter_0_pu",)
HOURS_SHARE = 0.25
"""What an error of the hours of the day counts for beside one of the horizons."""


@dataclass(frozen=True, slots=True)
class NBeatsModel:
    """Forecasts of the load of rated power at three horizons.

    Attributes:
        weights: The network.
        unit: What one unit of the window and of the network's answers stands for, of the level.
        mean: Mean of what is known beside the window, float64 [KNOWN].
        scale: Its standard deviation, float64 [KNOWN].
        intervals: Half widths.
        mape: 100·Σ|error| / Σ|load| of the validation days, mean of the horizons.
        losses: Loss of each epoch, for its plot.
    """

    weights: Weights
    unit: float
    mean: Float
    scale: Float
    intervals: Intervals
    mape: float = 0.0
    losses: tuple[float, ...] = ()

    def rows(self, X: Float) -> Float:
        """Rows of the network, float64 [n, WINDOW_H + KNOWN]."""
        level, newest = load_inputs.level(X), X[:, load_inputs.places(NEWEST)]
        window = (X[:, load_inputs.places(WEEK_HOURS)] - newest) / (level * self.unit)
        return np.concatenate([window, (load_inputs.known(X) - self.mean) / self.scale], axis=1)

    def predict(self, X: Float, *, keras: bool = False) -> Float:
        """Load at each horizon, of rated power, float64 [n, 3]; by Keras in single precision where asked."""
        rows = self.rows(X)
        if keras:
            from models import n_beats_training

            said = n_beats_training.predict(self.weights, SHAPE, rows)
        else:
            said = n_beats.forward(self.weights, SHAPE, rows)
        departure = self.unit * said[:, : len(HORIZONS)] * load_inputs.level(X)
        found: Float = X[:, load_inputs.places(NEWEST)] + departure
        return found

    def half(self, X: Float) -> Float:
        """Half widths of the intervals, of rated power, float64 [n, 3]."""
        found: Float = self.intervals.half(X) * load_inputs.level(X)
        return found

    def graph(self, name: str, columns: int) -> bytes:
        """One graph from the inputs to the load at each horizon, of rated power."""
        graph = Graph()
        self.add_to(graph, "load_pu")
        return graph.finish(name, columns, "load_pu", len(HORIZONS), double=True)

    def add_to(self, graph: Graph, output: str) -> tuple[str, str]:
        """Add the forecasts to a graph as `output`, of rated power; gives the names of level and `known`."""
        from onnx import TensorProto

        level, known = load_inputs.add_known(graph)
        newest = graph.columns(INPUT, load_inputs.places(NEWEST), "newest_pu")
        hours = graph.columns(INPUT, load_inputs.places(WEEK_HOURS), "week_pu")
        apart = graph.add("Sub", [hours, newest], "week_apart")
        unit = graph.add("Mul", [level, graph.constant("unit", np.array(self.unit))], "unit_pu")
        window = graph.add("Div", [apart, unit], "week_units")
        centred = graph.add("Sub", [known, graph.constant("known_mean", self.mean)], "known_centred")
        scaled = graph.add("Div", [centred, graph.constant("known_scale", self.scale)], "known_scaled")
        row = graph.add("Concat", [window, scaled], "row", axis=1)
        single = graph.add("Cast", [row], "row_f32", to=TensorProto.FLOAT)
        said = n_beats.add_network(
            graph, self.weights, SHAPE, single, first=len(HORIZONS), output="departure_f32"
        )
        double = graph.add("Cast", [said], "departure_units", to=TensorProto.DOUBLE)
        departure = graph.add("Mul", [double, unit], "departure_pu")
        graph.add("Add", [newest, departure], output)
        return level, known


def fit(X: Float, y_pu: Float, day_ahead_pu: Float, course: Course, seed: int) -> NBeatsModel:
    """Fit the network.

    Args:
        X: Inputs, [n, load_inputs.INDEX].
        y_pu: Load at each horizon, of rated power, [n, 3].
        day_ahead_pu: Means of the 24 hours behind now, of rated power, [n, 24].
        course: How the network is trained.
        seed: Decides its first weights and the order of the rows.
    """
    from models import n_beats_training

    level, newest = load_inputs.level(X), X[:, load_inputs.places(NEWEST)]
    known = load_inputs.known(X)
    scale = known.std(axis=0)
    departures = (np.concatenate([y_pu, day_ahead_pu], axis=1) - newest) / level
    # A row's size counts, not each of its hours': the functions of time must keep their shapes.
    unit = max(float(np.abs(departures).mean()), 1e-6)
    bare = NBeatsModel(
        n_beats.initial(SHAPE, seed),
        unit,
        known.mean(axis=0),
        np.where(scale > prophet_form.LEAST_SCALE, scale, 1.0),
        Intervals(np.ones((DAY_H, len(HORIZONS))), np.ones(len(HORIZONS))),
    )
    # Each horizon counts alike, whatever its errors' size; an error counts in rated power.
    size = np.maximum(np.abs(departures).mean(axis=0), 1e-6 * unit)
    share = np.concatenate([np.full(len(HORIZONS), 1.0), np.full(DAY_H, HOURS_SHARE * len(HORIZONS) / DAY_H)])
    counts = share * unit / size * len(share) / share.sum()
    weights, losses = n_beats_training.train(
        bare.weights,
        SHAPE,
        (
            bare.rows(X).astype(np.float32),
            (departures / unit).astype(np.float32),
            (level / level.mean()).astype(np.float32),
            counts.astype(np.float32),
        ),
        course,
        seed,
    )
    fitted = replace(bare, weights=weights, losses=tuple(float(one) for one in losses))
    error = np.abs(y_pu - fitted.predict(X)) / level
    return replace(fitted, intervals=Intervals(by_hour(error, X), np.ones(len(HORIZONS))))
