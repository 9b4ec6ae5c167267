"""The ONNX nodes of `models.dense_networks`, from a network's weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.dense_networks import FARTHEST, DenseNet
from models.graphs import Graph


def add_dense_net(graph: Graph, source: str, net: DenseNet) -> str:
    """Add scaling and layers in double precision: float64 [n, 1].

    Args:
        graph: The graph.
        source: Name of the network's unscaled inputs, float64 [n, inputs].
        net: The network.
    """
    centred = graph.add("Sub", [source, graph.constant("mean", net.mean)], "centred")
    scaled = graph.add("Div", [centred, graph.constant("scale", net.scale)], "scaled")
    bounds = [graph.constant(name, np.array(at)) for name, at in (("low", -FARTHEST), ("high", FARTHEST))]
    state = graph.add("Clip", [scaled, *bounds], "cut")
    layers = list(zip(net.weights[::2], net.weights[1::2], strict=True))
    for place, layer in enumerate(layers[:-1]):
        dense = _add_layer(graph, state, layer, f"dense_{place + 1}")
        state = graph.add("Relu", [dense], f"active_{place + 1}")
    return _add_layer(graph, state, layers[-1], "added")


def _add_layer(graph: Graph, source: str, layer: tuple[NDArray[np.float32], ...], name: str) -> str:
    kernel, bias = (
        graph.constant(f"{name}_{part}", array.astype(np.float64))
        for part, array in zip("wb", layer, strict=True)
    )
    return graph.add("Gemm", [source, kernel, bias], name)
