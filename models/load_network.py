"""The recurrent part of the load forecast as plain arrays: its shapes, first weights, answer and ONNX nodes.

An LSTM reads the hours of a day; its last state and what is known besides go through two dense layers:
LSTM(units) ‖ known → dense(hidden), ReLU → dense(hidden), ReLU → dense(horizons). Arrays are in Keras' order,
as in `models.networks`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from models.graphs import Graph
from models.network_graph import add_dense, add_lstm
from models.networks import GATES, Weights, lstm_steps, orthogonal

Float = NDArray[np.float64]
ARRAYS = 9
AT_A_TIME = 8192


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a network.

    Attributes:
        steps: Hours that the LSTM reads.
        inputs: Features of an hour.
        known: Columns that are known besides.
        units: Units of the LSTM.
        hidden: Units of each dense layer.
        outputs: Horizons.
    """

    steps: int
    inputs: int
    known: int
    units: int = 24
    hidden: int = 48
    outputs: int = 3


def shapes(shape: Shape) -> tuple[tuple[int, ...], ...]:
    """Shape of each array."""
    units, hidden = shape.units, shape.hidden
    return (
        (shape.inputs, GATES * units), (units, GATES * units), (GATES * units,),
        (units + shape.known, hidden), (hidden,), (hidden, hidden), (hidden,),
        (hidden, shape.outputs), (shape.outputs,),
    )  # fmt: skip


def initial(shape: Shape, seed: int) -> Weights:
    """First weights: Glorot-uniform and orthogonal kernels, a forget bias of one, an answer of nothing."""
    rng = np.random.default_rng(seed)
    arrays: list[Float] = []
    for place, size in enumerate(shapes(shape)):
        if place == 1:
            arrays.append(orthogonal(rng, size))
        elif place == ARRAYS - 2 or len(size) == 1:
            arrays.append(np.zeros(size))
        else:
            reach = np.sqrt(6.0 / sum(size))
            arrays.append(rng.uniform(-reach, reach, size))
    arrays[2][shape.units : 2 * shape.units] = 1.0
    return tuple(array.astype(np.float32) for array in arrays)


def check(weights: Weights, shape: Shape) -> None:
    """See that arrays are those of a network of this shape.

    Raises:
        ModelError: They are not.
    """
    found = tuple(array.shape for array in weights)
    if found != shapes(shape):
        raise ModelError(f"a network of {shapes(shape)} is wanted, not {found}")


def forward(weights: Weights, shape: Shape, rows: Float) -> Float:
    """Answers in double precision, float64 [n, outputs], some thousand rows at a time.

    Args:
        weights: The network.
        shape: Its sizes.
        rows: Scaled rows: the features of each hour side by side, then the columns,
            [n, steps · inputs + known].
    """
    held = [array.astype(np.float64) for array in weights]
    parts = [_forward(held, shape, rows[at : at + AT_A_TIME]) for at in range(0, len(rows), AT_A_TIME)]
    return np.concatenate(parts) if parts else np.empty((0, shape.outputs))


def _forward(held: list[Float], shape: Shape, rows: Float) -> Float:
    hours = shape.steps * shape.inputs
    steps = rows[:, :hours].reshape(len(rows), shape.steps, shape.inputs)
    state = lstm_steps(steps, held[0], held[1], held[2])[:, -1]
    first = np.maximum(np.concatenate([state, rows[:, hours:]], axis=1) @ held[3] + held[4], 0.0)
    second = np.maximum(first @ held[5] + held[6], 0.0)
    answers: Float = second @ held[7] + held[8]
    return answers


def add_network(graph: Graph, weights: Weights, shape: Shape, rows: str, *, unit: Float, output: str) -> str:
    """Add the network to a graph.

    Args:
        graph: Where to add it.
        weights: The network.
        shape: Its sizes.
        rows: Name of the scaled rows, float32 [n, steps · inputs + known].
        unit: What one unit of each output stands for, float64 [outputs]; put into the last layer.
        output: Name of the answers, float32 [n, outputs].
    """
    hours = shape.steps * shape.inputs
    size = graph.constant("steps_shape", np.array([-1, shape.steps, shape.inputs]))
    rows_first = graph.add(
        "Reshape", [graph.columns(rows, np.arange(hours), "row_hours"), size], "rows_first"
    )
    hours_first = graph.add("Transpose", [rows_first], "hours_first", perm=[1, 0, 2])
    last = add_lstm(graph, hours_first, weights[0:3], "lstm", every_step=False)
    state = graph.add("Squeeze", [last, graph.constant("one_direction", np.array([0]))], "lstm_last")
    known = graph.columns(rows, hours + np.arange(shape.known), "row_known")
    joined = graph.add("Concat", [state, known], "state_and_known", axis=1)
    first = graph.add("Relu", [add_dense(graph, joined, weights[3:5], "dense_1")], "dense_1_active")
    second = graph.add("Relu", [add_dense(graph, first, weights[5:7], "dense_2")], "dense_2_active")
    single = unit.astype(np.float32)
    return add_dense(graph, second, (weights[7] * single, weights[8] * single), output)
