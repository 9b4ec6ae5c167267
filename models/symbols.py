"""One formula for numpy and for ONNX: arrays and graph values that are reckoned with alike.

A `Symbol` stands for a float64 value of a graph under construction; its operators add nodes. The functions
here take arrays or symbols, so that a formula written with them is written once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from models.graphs import Graph

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Symbol:
    """A value [n, columns] of a graph in double precision.

    Attributes:
        graph: The graph.
        name: The value's name in it.
    """

    graph: Graph
    name: str

    def node(self, operator: str, *others: Symbol | Float | float, **attributes: int) -> Symbol:
        """The result of an operator on this value and others; numbers become constants."""
        names = [self.name]
        for other in others:
            if isinstance(other, Symbol):
                names.append(other.name)
            else:
                name = f"c{len(self.graph.constants)}"
                names.append(self.graph.constant(name, np.asarray(other, dtype=np.float64)))
        made = self.graph.add(operator, names, f"s{len(self.graph.nodes)}", **attributes)
        return Symbol(self.graph, made)

    def __add__(self, other: Symbol | Float | float) -> Symbol:
        return self.node("Add", other)

    def __sub__(self, other: Symbol | Float | float) -> Symbol:
        return self.node("Sub", other)

    def __mul__(self, other: Symbol | Float | float) -> Symbol:
        return self.node("Mul", other)

    def __truediv__(self, other: Symbol | Float | float) -> Symbol:
        return self.node("Div", other)

    def columns(self, places: NDArray[np.int64]) -> Symbol:
        """Some of the columns."""
        return Symbol(self.graph, self.graph.columns(self.name, places, f"s{len(self.graph.nodes)}"))


Value = TypeVar("Value", Symbol, Float)


def columns(x: Value, places: list[int]) -> Value:
    """Some columns of x."""
    chosen = np.asarray(places, dtype=np.int64)
    return x.columns(chosen) if isinstance(x, Symbol) else x[:, chosen]


def log(x: Value) -> Value:
    """Natural logarithm."""
    return x.node("Log") if isinstance(x, Symbol) else np.log(x)


def exponential(x: Value) -> Value:
    """Powers of e."""
    return x.node("Exp") if isinstance(x, Symbol) else np.exp(x)


def absolute(x: Value) -> Value:
    """Absolute value."""
    return x.node("Abs") if isinstance(x, Symbol) else np.abs(x)


def at_most(x: Value, bound: Value | float) -> Value:
    """The smaller of x and the bound."""
    return x.node("Min", bound) if isinstance(x, Symbol) else np.minimum(x, bound)


def at_least(x: Value, bound: Value | float) -> Value:
    """The larger of x and the bound."""
    return x.node("Max", bound) if isinstance(x, Symbol) else np.maximum(x, bound)


def logistic(x: Value) -> Value:
    """1 / (1 + e^(−x))."""
    if isinstance(x, Symbol):
        return (x * -1.0).node("Exp").node("Add", 1.0).node("Reciprocal")
    return 1.0 / (np.exp(x * -1.0) + 1.0)


def largest(x: Value) -> Value:
    """Largest of each row, [n, 1]."""
    if isinstance(x, Symbol):
        return x.node("ReduceMax", axes=[1], keepdims=1)  # type: ignore[arg-type]
    found: Float = x.max(axis=1, keepdims=True)
    return found


def dot(x: Value, vector: Float) -> Value:
    """Weighted sum of each row's columns, [n, 1]."""
    if isinstance(x, Symbol):
        return x.node("MatMul", vector[:, None])
    # Sums of each row alone: a batch gives what its rows give one at a time.
    found: Float = (x * vector).sum(axis=1, keepdims=True)
    return found


def beside(parts: list[Value]) -> Value:
    """Columns of several values beside each other."""
    first = parts[0]
    if isinstance(first, Symbol):
        return first.node("Concat", *parts[1:], axis=1)
    return np.concatenate(parts, axis=1)
