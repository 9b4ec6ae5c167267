"""A load forecast that is the weighted mean of several: a network, boosted trees and what is naive.

Bates and Granger, "The combination of forecasts", Operational Research Quarterly 20, 1969: where errors
differ, a mean of forecasts is better than each of them unless one is much better. Weights are not negative
and add up to one (Clemen, International Journal of Forecasting 5, 1989). They are those of the smallest
absolute error on validation days, which no member learnt from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models import load_inputs
from models.graphs import INPUT, Graph
from models.load_inputs import HORIZONS, WEEK_HOURS
from models.load_intervals import Intervals
from models.load_trees import LoadTrees
from models.n_beats import DAY_H
from models.n_beats_model import NBeatsModel

Float = NDArray[np.float64]

MEMBERS = ("network", "trees", "persistence", "day_before", "like_day", "week")
NAIVE = (
    ("load_quarter_0_pu",) * len(HORIZONS),
    ("load_day_before_15min_pu", "load_day_before_1h_pu", "load_quarter_0_pu"),
    tuple(f"load_like_{name}_pu" for name in HORIZONS),
)
"""Known load that a naive member says will come, by horizon. The last one says the mean of a week's days."""

FIRST_HOURS = (0, 0, DAY_H - 1)
"""Hour of a day behind now in which each horizon's quarter lies."""

PARTS = 10
"""Weights are multiples of one part of so many."""

MOST_ROWS = 8000
UNJUDGED = (0.5, 0.5, 0.0, 0.0, 0.0, 0.0)
"""Weights before validation days have been looked at."""


@dataclass(frozen=True, slots=True)
class CombinedLoad:
    """Forecasts of the load of rated power at three horizons.

    Attributes:
        network: N-BEATS.
        trees: Boosted trees.
        weights: Weight of each of `MEMBERS` at each horizon, float64 [members, 3].
        intervals: Half widths.
        mape: 100·Σ|error| / Σ|load| of the validation days, mean of the horizons.
    """

    network: NBeatsModel
    trees: LoadTrees
    weights: Float
    intervals: Intervals
    mape: float = 0.0

    @property
    def losses(self) -> tuple[float, ...]:
        """Loss of each epoch of the network."""
        return self.network.losses

    def members(self, X: Float, *, keras: bool = False) -> Float:
        """What each member says, of rated power, float64 [members, n, 3]."""
        naive = [X[:, load_inputs.places(names)] for names in NAIVE]
        naive.append(X[:, load_inputs.places(WEEK_HOURS)] @ of_week())
        return np.stack([self.network.predict(X, keras=keras), self.trees.predict(X), *naive])

    def predict(self, X: Float, *, keras: bool = False) -> Float:
        """Load at each horizon, of rated power, float64 [n, 3]; the network's by Keras where asked."""
        found: Float = (self.weights[:, None, :] * self.members(X, keras=keras)).sum(axis=0)
        return found

    def half(self, X: Float) -> Float:
        """Half widths of the intervals, of rated power, float64 [n, 3]."""
        found: Float = self.intervals.half(X) * load_inputs.level(X)
        return found

    def judged(self, X: Float, y_pu: Float) -> CombinedLoad:
        """The same members with weights from rows that none of them learnt from.

        Args:
            X: Inputs, [n, load_inputs.INDEX].
            y_pu: Load at each horizon, of rated power, [n, 3].
        """
        some = slice(None, None, -(-len(X) // MOST_ROWS))
        said, wanted = self.members(X[some]), y_pu[some]
        columns = [weigh(said[:, :, at], wanted[:, at]) for at in range(len(HORIZONS))]
        return replace(self, weights=np.stack(columns, axis=1))

    def graph(self, name: str, columns: int) -> bytes:
        """One graph from the inputs to the load at each horizon, of rated power."""
        graph = Graph()
        level, known = self.network.add_to(graph, "network_pu")
        said = ["network_pu", self.trees.add_to(graph, level, known)]
        said += [
            graph.columns(INPUT, load_inputs.places(names), f"{member}_pu")
            for member, names in zip(MEMBERS[2:], NAIVE, strict=False)
        ]
        hours = graph.columns(INPUT, load_inputs.places(WEEK_HOURS), "hours_of_week")
        said.append(graph.add("MatMul", [hours, graph.constant("week_means", of_week())], "week_means_pu"))
        parts = [
            graph.add("Mul", [one, graph.constant(f"{member}_weights", row)], f"{member}_part")
            for member, one, row in zip(MEMBERS, said, self.weights, strict=True)
        ]
        graph.add("Sum", parts, "load_pu")
        return graph.finish(name, columns, "load_pu", len(HORIZONS), double=True)


def of_week() -> Float:
    """Share of each of the last 168 hours in the mean of seven days at each horizon's hour, [168, 3]."""
    found = np.zeros((len(WEEK_HOURS), len(HORIZONS)))
    for at, first in enumerate(FIRST_HOURS):
        found[first::DAY_H, at] = DAY_H / len(WEEK_HOURS)
    return found


def weigh(said: Float, wanted: Float) -> Float:
    """Weights of the smallest absolute error, float64 [members].

    Args:
        said: What each member says, [members, n].
        wanted: What came, [n].
    """
    possible = _simplex(len(said))
    errors = [float(np.abs(weights @ said - wanted).sum()) for weights in possible]
    best: Float = possible[int(np.argmin(errors))]
    return best


@cache
def _simplex(members: int) -> Float:
    """Weights that are multiples of one part and add up to one, the first members' first, [k, members]."""

    def shares(left: int, of: int) -> list[tuple[int, ...]]:
        if of == 1:
            return [(left,)]
        return [(one, *rest) for one in range(left, -1, -1) for rest in shares(left - one, of - 1)]

    return np.array(shares(PARTS, members), dtype=np.float64) / PARTS
