"""TOPSIS: alternatives ranked by their distances to the best and the worst of them, and its graph.

C. L. Hwang and K. Yoon, Multiple Attribute Decision Making, Springer 1981, with vector normalisation; all
criteria are costs. An alternative is a block of neighbouring columns, one column a criterion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from models.graphs import Graph

Float = NDArray[np.float64]

TINY = 1e-12
"""Divisor at least: a criterion in which all alternatives are nothing decides nothing."""


@dataclass(frozen=True, slots=True)
class Topsis:
    """Weights of the criteria; they sum to 1."""

    weights: tuple[float, ...]

    def closeness(self, X: Float) -> Float:
        """Distance from the worst over the sum of both distances; 0 where all alternatives are alike.

        Args:
            X: Criteria of n rows, [n, alternatives · criteria].

        Returns:
            [n, alternatives].
        """
        values = X.reshape(len(X), -1, len(self.weights))
        norm = np.maximum(np.sqrt((values**2).sum(axis=1, keepdims=True)), TINY)
        weighted = values / norm * np.array(self.weights)
        to_best = np.sqrt(((weighted - weighted.min(axis=1, keepdims=True)) ** 2).sum(axis=2))
        to_worst = np.sqrt(((weighted - weighted.max(axis=1, keepdims=True)) ** 2).sum(axis=2))
        return np.asarray(to_worst / np.maximum(to_best + to_worst, TINY))

    def add_to(self, graph: Graph, source: str, alternatives: int, name: str) -> str:
        """Add the closeness of `source` [n, alternatives · criteria] to a graph, [n, alternatives]."""
        criteria = len(self.weights)
        tiny = graph.constant("tiny", np.array(TINY))
        second, last = graph.constant("second", np.array([1])), graph.constant("last", np.array([2]))
        shape = graph.constant("shape", np.array([-1, alternatives, criteria]))
        values = graph.add("Reshape", [source, shape], "values")
        squares = graph.add("Mul", [values, values], "squares")
        norm = graph.add("Sqrt", [graph.add("ReduceSum", [squares, second], "sum", keepdims=1)], "norm")
        norm = graph.add("Max", [norm, tiny], "divisor")
        shares = graph.add("Div", [values, norm], "shares")
        weighted = graph.add("Mul", [shares, graph.constant("weights", np.array(self.weights))], "weighted")
        to = {}
        for end, reduce in (("best", "ReduceMin"), ("worst", "ReduceMax")):
            extreme = graph.add(reduce, [weighted], end, axes=[1], keepdims=1)
            apart = graph.add("Sub", [weighted, extreme], f"from_{end}")
            squared = graph.add("Mul", [apart, apart], f"squared_{end}")
            summed = graph.add("ReduceSum", [squared, last], f"sum_{end}", keepdims=0)
            to[end] = graph.add("Sqrt", [summed], f"to_{end}")
        both = graph.add("Max", [graph.add("Add", [to["best"], to["worst"]], "both"), tiny], "both_divisor")
        return graph.add("Div", [to["worst"], both], name)


class TopsisEstimator:
    """The same ranking by pymcdm, as an estimator that can be kept: `predict` gives the closeness.

    Attributes:
        weights: Weights of the criteria.
    """

    def __init__(self, weights: list[float]) -> None:
        self.weights = weights

    def predict(self, X: Float) -> Float:
        """Closeness of rows of criteria [n, alternatives · criteria], float64 [n, alternatives]."""
        from pymcdm.methods import TOPSIS

        method = TOPSIS(normalization_function=_share)
        weights, types = np.array(self.weights), np.full(len(self.weights), -1)
        blocks = np.asarray(X, dtype=np.float64).reshape(len(X), -1, weights.size)
        found = np.zeros(blocks.shape[:2])
        for row, block in enumerate(blocks):
            # pymcdm divides nothing by nothing where all alternatives are alike.
            if np.ptp(block, axis=0).any():
                found[row] = method(block, weights, types)
        return found


def _share(x: Float, cost: bool) -> Float:
    """Vector normalisation of one criterion, larger is better; 0 where all is nothing."""
    share = x / max(float(np.sqrt((x**2).sum())), TINY)
    return np.asarray(1.0 - share if cost else share)
