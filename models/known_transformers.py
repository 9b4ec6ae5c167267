"""Transformers that were learnt from are told apart by direction; all others are taken for their mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from features.context import equipment
from models.rows import Rows

if TYPE_CHECKING:
    from models.graphs import Graph

Float = NDArray[np.float64]

EQUIPMENT = tuple(feature.name for feature in equipment.FEATURES)
# Names closer than this are one.
SAME = 1e-9
# Share of the rows that are learnt as of a transformer that nobody knows.
STRANGERS = 0.1


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


def with_strangers(X: Float, rng: np.random.Generator) -> Float:
    """Inputs of which `STRANGERS` lose their transformer's direction, [n, p]."""
    X[rng.random(len(X)) < STRANGERS, -len(EQUIPMENT) :] = np.nan
    return X


def add_told(graph: Graph, columns: int, known: tuple[float, ...]) -> str:
    """Add `told` of the graph's input [n, columns] to a graph; the directions are the last of the columns."""
    from models.graphs import INPUT

    places = np.arange(columns)
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
