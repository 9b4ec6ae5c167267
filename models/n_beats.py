"""N-BEATS in its interpretable form as plain arrays: its shapes, bases, first weights, answer and ONNX nodes.

Oreshkin et al., "N-BEATS: Neural basis expansion analysis for interpretable time series forecasting", ICLR
2020, sections 3.1 to 3.3: blocks in a row each explain part of the window before now (the backcast), which
the next block no longer sees, and add to the forecast. A block is a few dense layers and two sets of
coefficients of fixed functions of time: polynomials in the stack of the trend, cosines and sines in that of
the seasonality; the blocks of a stack share their weights.

Two things are as in N-BEATSx (Olivares et al., Int. J. Forecasting 39, 2023): the dense layers see what else
is known (calendar, newest quarters) beside the window. Functions of time are evaluated wherever a forecast is
wanted: at every hour of the day to come in training, and at the horizons.

Arrays are in Keras' order: a kernel [inputs, units], then its bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from models.graphs import Graph
from models.networks import Weights

Float = NDArray[np.float64]

WINDOW_H, DAY_H = 168, 24
LAYERS, BLOCKS = 4, 3
STACKS = ("trend", "seasonality")
DEGREE = 3
"""Of the polynomials."""
BACK_HARMONICS, DAY_HARMONICS = 48, 11
"""Periods of the week down to 3.5 h behind now, of the day down to 2.2 h ahead."""
PER_STACK = 2 * LAYERS + 2
AT_A_TIME = 8192


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a network.

    Attributes:
        known: Columns that are known beside the window.
        ends_h: Hours from now to the middle of each thing that is forecast.
        units: Units of each dense layer.
    """

    known: int
    ends_h: tuple[float, ...]
    units: int = 96


@cache
def bases(stack: str, ends_h: tuple[float, ...]) -> tuple[Float, Float]:
    """Functions of time of a stack at the hours of the window and at what is forecast, [functions, times]."""
    back = np.arange(WINDOW_H) + 0.5 - WINDOW_H
    ahead = np.array(ends_h)
    if stack == "trend":
        return _powers(back / WINDOW_H), _powers(ahead / DAY_H)
    return _waves(back / WINDOW_H, BACK_HARMONICS), _waves(ahead / DAY_H, DAY_HARMONICS)


def _powers(time: Float) -> Float:
    found: Float = time ** np.arange(DEGREE + 1.0)[:, None]
    return found


def _waves(turns: Float, harmonics: int) -> Float:
    angle = 2.0 * np.pi * np.arange(1.0, harmonics + 1.0)[:, None] * turns
    return np.concatenate([np.ones((1, turns.size)), np.cos(angle), np.sin(angle)])


def shapes(shape: Shape) -> tuple[tuple[int, ...], ...]:
    """Shape of each array: each stack's dense layers, then the kernels of its two sets of coefficients."""
    found: list[tuple[int, ...]] = []
    for stack in STACKS:
        below = WINDOW_H + shape.known
        for _ in range(LAYERS):
            found += [(below, shape.units), (shape.units,)]
            below = shape.units
        found += [(shape.units, len(basis)) for basis in bases(stack, shape.ends_h)]
    return tuple(found)


def check(weights: Weights, shape: Shape) -> None:
    """See that arrays are those of a network of this shape.

    Raises:
        ModelError: They are not.
    """
    found = tuple(array.shape for array in weights)
    if found != shapes(shape):
        raise ModelError(f"an N-BEATS network of {shapes(shape)} is wanted, not {found}")


def initial(shape: Shape, seed: int) -> Weights:
    """First weights: Glorot-uniform kernels, no bias, and a forecast of nothing."""
    rng = np.random.default_rng(seed)
    arrays: list[Float] = []
    for place, size in enumerate(shapes(shape)):
        last = place % PER_STACK == PER_STACK - 1
        reach = 0.0 if last or len(size) == 1 else np.sqrt(6.0 / sum(size))
        # A backcast of many functions adds up; it begins small.
        reach *= 0.1 if place % PER_STACK == PER_STACK - 2 else 1.0
        arrays.append(rng.uniform(-reach, reach, size) if reach else np.zeros(size))
    return tuple(array.astype(np.float32) for array in arrays)


def forward(weights: Weights, shape: Shape, rows: Float) -> Float:
    """Answers in double precision, float64 [n, ends], some thousand rows at a time.

    Args:
        weights: The network.
        shape: Its sizes.
        rows: The hours of the window, the earliest first, then the scaled columns, [n, WINDOW_H + known].
    """
    held = [array.astype(np.float64) for array in weights]
    parts = [
        sum(_by_stack(held, shape, rows[at : at + AT_A_TIME]).values())
        for at in range(0, len(rows), AT_A_TIME)
    ]
    return np.concatenate(parts) if parts else np.empty((0, len(shape.ends_h)))


def by_stack(weights: Weights, shape: Shape, rows: Float) -> dict[str, Float]:
    """What each stack adds to the forecast, float64 [n, ends] by its name: the interpretation."""
    return _by_stack([array.astype(np.float64) for array in weights], shape, rows)


def _by_stack(held: list[Float], shape: Shape, rows: Float) -> dict[str, Float]:
    window, known = rows[:, :WINDOW_H], rows[:, WINDOW_H:]
    said: dict[str, Float] = {}
    for number, stack in enumerate(STACKS):
        own = held[number * PER_STACK : (number + 1) * PER_STACK]
        back, ahead = bases(stack, shape.ends_h)
        said[stack] = np.zeros((len(rows), len(shape.ends_h)))
        for _ in range(BLOCKS):
            state = np.concatenate([window, known], axis=1)
            for layer in range(LAYERS):
                state = np.maximum(state @ own[2 * layer] + own[2 * layer + 1], 0.0)
            window = window - state @ own[-2] @ back
            said[stack] += state @ own[-1] @ ahead
    return said


def add_network(graph: Graph, weights: Weights, shape: Shape, rows: str, *, first: int, output: str) -> str:
    """Add the network to a graph; the functions of time are multiplied into the coefficients' kernels.

    Args:
        graph: Where to add it.
        weights: The network.
        shape: Its sizes.
        rows: Name of the rows, float32 [n, WINDOW_H + known].
        first: How many of the ends are answered, from the first on.
        output: Name of the answers, float32 [n, first].
    """
    window = graph.columns(rows, np.arange(WINDOW_H), "window")
    known = graph.columns(rows, WINDOW_H + np.arange(shape.known), "row_known")
    forecasts = []
    for number, stack in enumerate(STACKS):
        own = weights[number * PER_STACK : (number + 1) * PER_STACK]
        back, ahead = bases(stack, shape.ends_h)
        kernels = [
            (
                graph.constant(f"{stack}_{layer}_w", own[2 * layer]),
                graph.constant(f"{stack}_{layer}_b", own[2 * layer + 1]),
            )
            for layer in range(LAYERS)
        ]
        behind = graph.constant(f"{stack}_back", (own[-2].astype(np.float64) @ back).astype(np.float32))
        coming = (own[-1].astype(np.float64) @ ahead[:, :first]).astype(np.float32)
        coming_name = graph.constant(f"{stack}_ahead", coming)
        for block in range(BLOCKS):
            name = f"{stack}_{block}"
            state = graph.add("Concat", [window, known], f"{name}_row", axis=1)
            for layer, (kernel, bias) in enumerate(kernels):
                dense = graph.add("Gemm", [state, kernel, bias], f"{name}_dense_{layer}")
                state = graph.add("Relu", [dense], f"{name}_active_{layer}")
            explained = graph.add("MatMul", [state, behind], f"{name}_backcast")
            window = graph.add("Sub", [window, explained], f"{name}_rest")
            forecasts.append(graph.add("MatMul", [state, coming_name], f"{name}_forecast"))
    return graph.add("Sum", forecasts, output)
