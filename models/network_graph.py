"""The ONNX graph of `models.networks`, node by node from its weights.

Inputs are scaled in double precision and everything after that is single precision, as Keras computes. ONNX's
LSTM takes its gates in another order than Keras (input, output, forget, cell) and its kernels turned.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.graphs import INPUT, Graph
from models.networks import GATES, SequenceNet, widths_of

# Place in Keras' order (input, forget, cell, output) of each gate in ONNX's order.
ONNX_ORDER = (0, 3, 1, 2)


def sequence_graph(name: str, net: SequenceNet, columns: int, output: str) -> bytes:
    """One graph from features float64 [n, columns] to the answer in the target's unit, float32 [n, 1].

    The network reads the first steps · features columns.
    """
    from onnx import TensorProto

    _, inputs = widths_of(net.weights)
    read = net.steps * inputs
    graph = Graph()
    source = INPUT
    if columns > read:
        bounds = [graph.constant(f"read_{word}", np.array([at])) for word, at in _bounds(read)]
        source = graph.add("Slice", [INPUT, *bounds], "read")
    # A column of its own for every step, so that the division needs no reshaping before it.
    centred = graph.add("Sub", [source, graph.constant("mean", np.tile(net.mean, net.steps))], "centred")
    scaled = graph.add("Div", [centred, graph.constant("scale", np.tile(net.scale, net.steps))], "scaled")
    single = graph.add("Cast", [scaled], "scaled_f32", to=TensorProto.FLOAT)
    shape = graph.constant("shape", np.array([-1, net.steps, inputs]))
    rows_first = graph.add("Reshape", [single, shape], "rows_first")
    steps = graph.add("Transpose", [rows_first], "steps_first", perm=[1, 0, 2])
    first = add_lstm(graph, steps, net.weights[0:3], "lstm_1", every_step=True)
    alone = graph.constant("direction", np.array([1]))
    upper = graph.add("Squeeze", [first, alone], "lstm_1_steps")
    last = add_lstm(graph, upper, net.weights[3:6], "lstm_2", every_step=False)
    state = graph.add("Squeeze", [last, graph.constant("one_direction", np.array([0]))], "lstm_2_last")
    hidden = add_dense(graph, state, net.weights[6:8], "hidden")
    active = graph.add("Relu", [hidden], "hidden_active")
    # The unit of the answer is put into the last layer.
    unit = np.float32(net.unit)
    add_dense(graph, active, (net.weights[8] * unit, net.weights[9] * unit), output)
    return graph.finish(name, columns, output, 1)


def _bounds(read: int) -> tuple[tuple[str, int], ...]:
    return ("starts", 0), ("ends", read), ("axes", 1)


def add_lstm(
    graph: Graph, source: str, weights: tuple[NDArray[np.float32], ...], name: str, *, every_step: bool
) -> str:
    """Add an LSTM over [steps, n, inputs]: outputs [steps, 1, n, units], or the last one [1, n, units]."""
    from onnx import helper

    kernel, recurrent, bias = weights
    # Keras adds one bias; ONNX adds one of the input and one of the state.
    both = np.concatenate([_gates(bias), np.zeros_like(bias)])
    inputs = [
        source,
        graph.constant(f"{name}_kernel", _gates(kernel).T[None]),
        graph.constant(f"{name}_recurrent", _gates(recurrent).T[None]),
        graph.constant(f"{name}_bias", both[None]),
    ]
    # The operator answers all steps, then the last one; an output without a name is left out.
    outputs = [f"{name}_y"] if every_step else ["", f"{name}_y"]
    graph.nodes.append(helper.make_node("LSTM", inputs, outputs, name=name, hidden_size=recurrent.shape[0]))
    return f"{name}_y"


def _gates(array: NDArray[np.float32]) -> NDArray[np.float32]:
    parts = np.split(array, GATES, axis=-1)
    return np.concatenate([parts[place] for place in ONNX_ORDER], axis=-1)


def add_dense(graph: Graph, source: str, weights: tuple[NDArray[np.float32], ...], name: str) -> str:
    """Add a dense layer without its activation: float32 [n, units]."""
    kernel, bias = (
        graph.constant(f"{name}_{part}", array) for part, array in zip("wb", weights, strict=True)
    )
    return graph.add("Gemm", [source, kernel, bias], name)
