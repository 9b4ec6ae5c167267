"""ONNX graphs by hand: columns in double precision, one tree ensemble, few nodes.

Columns are rounded to float32 in front of the trees, as scikit-learn does when it fits and answers, and then
compared in double precision with thresholds in double precision: every row takes the path that the fitted
tree gives it, whatever the last bit of a threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from models.trees import TreeArrays
from models.whitening import LOUDEST_PU, MOVEMENT, QUIETEST_PU, USUAL_PU, Whitening

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto, TensorProto

INPUT = "features"
OPSETS = {"": 17, "ai.onnx.ml": 3}
IR_VERSION = 9
# `TreeEnsemble` came with the fifth set of the ML operators: it answers in double precision, and an inner
# node takes two thirds of the bytes that a node of `TreeEnsembleRegressor` takes.
FOREST_OPSETS = {"": 17, "ai.onnx.ml": 5}
FOREST_IR_VERSION = 10
SUM, NO_TRANSFORM, BRANCH_LEQ = 1, 0, 0


class Graph:
    """Nodes and constants of a graph under construction; each value has a name of its own."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, name: str, value: NDArray[np.generic] | float) -> str:
        """Add a constant tensor and return its name."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add a node of the standard domain and return the name of its output."""
        from onnx import helper

        self.nodes.append(helper.make_node(operator, list(inputs), [output], name=output, **attributes))
        return output

    def rounded(self, source: str, name: str) -> str:
        """Round to float32 and return to float64."""
        from onnx import TensorProto

        self.add("Cast", [source], f"{name}_f32", to=TensorProto.FLOAT)
        return self.add("Cast", [f"{name}_f32"], name, to=TensorProto.DOUBLE)

    def whiten(self, source: str, whitening: Whitening) -> str:
        """Add `Whitening.transform`."""
        last = np.array([whitening.exponent.size + MOVEMENT])
        bounds = [
            self.constant("quietest", np.array(QUIETEST_PU)),
            self.constant("loudest", np.array(LOUDEST_PU)),
        ]
        clipped = self.add("Clip", [self.columns(source, last, "movement"), *bounds], "own")
        own = self.add("Div", [clipped, self.constant("usual", np.array(USUAL_PU))], "own_units")
        powers = self.add("Pow", [own, self.constant("exponent", whitening.exponent)], "powers")
        shaped = self.add("Div", [source, powers], "shaped")
        centred = self.add("Sub", [shaped, self.constant("centre", whitening.centre)], "centred")
        return self.add("MatMul", [centred, self.constant("whitening", whitening.matrix)], "whitened")

    def columns(self, source: str, places: NDArray[np.int64], name: str) -> str:
        """Add a choice of columns by their places."""
        chosen = self.constant(f"{name}_columns", places.astype(np.int64))
        return self.add("Gather", [source, chosen], name, axis=1)

    def ensemble(
        self, source: str, trees: Sequence[TreeArrays], output: str, average: bool, *, sparse: bool = False
    ) -> str:
        """Add one `TreeEnsembleRegressor` over all `trees`; answers are summed, or averaged, in float32.

        Args:
            source: Name of the inputs.
            trees: The trees, of equally many answers.
            output: Name of the output.
            average: Whether answers are averaged.
            sparse: Whether a leaf's answers that are 0 are left out, for leaves with few others.
        """
        from onnx import helper, numpy_helper

        outputs = trees[0].outputs
        if any(tree.outputs != outputs for tree in trees):
            raise ModelError("ensemble: trees have different numbers of outputs")
        sizes = [tree.nodes for tree in trees]
        tree_of = np.repeat(np.arange(len(trees)), sizes)
        node_of = np.concatenate([np.arange(size) for size in sizes])
        leaf = np.concatenate([tree.is_leaf for tree in trees])

        def joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
            return np.where(leaf, 0, np.concatenate(parts))

        at_leaf = np.flatnonzero(leaf)
        values = np.concatenate([tree.value for tree in trees])[at_leaf]
        kept = np.ones(values.shape, dtype=bool)
        if sparse:
            kept = values != 0.0
            kept[:, 0] |= ~kept.any(axis=1)
        of_leaf, target = np.nonzero(kept)
        of_leaf = at_leaf[of_leaf]
        weights = values[kept]
        split = joined([tree.threshold for tree in trees]).astype(np.float64)
        self.nodes.append(
            helper.make_node(
                "TreeEnsembleRegressor",
                [source],
                [output],
                name=output,
                domain="ai.onnx.ml",
                n_targets=outputs,
                aggregate_function="AVERAGE" if average else "SUM",
                post_transform="NONE",
                nodes_treeids=tree_of.tolist(),
                nodes_nodeids=node_of.tolist(),
                nodes_featureids=joined([tree.feature for tree in trees]).tolist(),
                nodes_modes=["LEAF" if end else "BRANCH_LEQ" for end in leaf],
                nodes_values_as_tensor=numpy_helper.from_array(split, "nodes_values"),
                nodes_truenodeids=joined([tree.left for tree in trees]).tolist(),
                nodes_falsenodeids=joined([tree.right for tree in trees]).tolist(),
                nodes_missing_value_tracks_true=joined([tree.missing_left for tree in trees]).tolist(),
                target_treeids=tree_of[of_leaf].tolist(),
                target_nodeids=node_of[of_leaf].tolist(),
                target_ids=target.tolist(),
                target_weights_as_tensor=numpy_helper.from_array(weights, "target_weights"),
            )
        )
        return output

    def forest(self, source: str, trees: Sequence[TreeArrays], output: str) -> str:
        """Add one `TreeEnsemble` over all `trees`: the mean of their answers, float64 [n, 1].

        Raises:
            ModelError: A tree answers more than one value.
        """
        from onnx import helper, numpy_helper

        if any(tree.outputs != 1 for tree in trees):
            raise ModelError("forest: a tree answers more than one value")
        trees = [tree if tree.leaves > 1 else _with_split(tree) for tree in trees]
        inner = np.concatenate([~tree.is_leaf for tree in trees])
        # Inner nodes and leaves are numbered apart, each through all trees.
        number = np.where(inner, np.cumsum(inner), np.cumsum(~inner)) - 1
        start = np.cumsum([0, *(tree.nodes for tree in trees[:-1])])

        def joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
            chosen: NDArray[Any] = np.concatenate(parts)[inner]
            return chosen

        left = joined([tree.left + at for tree, at in zip(trees, start, strict=True)])
        right = joined([tree.right + at for tree, at in zip(trees, start, strict=True)])
        weights = np.concatenate([tree.value[:, 0] for tree in trees])[~inner] / len(trees)
        split = joined([tree.threshold for tree in trees]).astype(np.float64)
        self.nodes.append(
            helper.make_node(
                "TreeEnsemble",
                [source],
                [output],
                name=output,
                domain="ai.onnx.ml",
                n_targets=1,
                aggregate_function=SUM,
                post_transform=NO_TRANSFORM,
                tree_roots=number[start].tolist(),
                nodes_featureids=joined([tree.feature for tree in trees]).tolist(),
                nodes_splits=numpy_helper.from_array(split, "nodes_splits"),
                nodes_modes=numpy_helper.from_array(np.full(split.size, BRANCH_LEQ, np.uint8), "nodes_modes"),
                nodes_truenodeids=number[left].tolist(),
                nodes_trueleafs=(~inner[left]).astype(np.int64).tolist(),
                nodes_falsenodeids=number[right].tolist(),
                nodes_falseleafs=(~inner[right]).astype(np.int64).tolist(),
                nodes_missing_value_tracks_true=joined([tree.missing_left for tree in trees])
                .astype(np.int64)
                .tolist(),
                leaf_weights=numpy_helper.from_array(weights, "leaf_weights"),
                leaf_targetids=np.zeros(weights.size, dtype=np.int64).tolist(),
            )
        )
        return output

    def finish(self, name: str, columns: int, output: str, width: int, *, double: bool = False) -> bytes:
        """Check the graph and serialise it: input `features` float64 [n, columns], one output.

        Args:
            name: Name of the graph.
            columns: Width of the input.
            output: Name of the output.
            width: Its width.
            double: Whether it is float64, as that of `forest`, rather than float32.

        Raises:
            ModelError: ONNX's own checker refuses the graph.
        """
        import onnx
        from onnx import TensorProto, helper

        graph: GraphProto = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info(INPUT, TensorProto.DOUBLE, ["n", columns])],
            [
                helper.make_tensor_value_info(
                    output, TensorProto.DOUBLE if double else TensorProto.FLOAT, ["n", width]
                )
            ],
            self.constants,
        )
        opsets = FOREST_OPSETS if double else OPSETS
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid(domain, version) for domain, version in opsets.items()],
            ir_version=FOREST_IR_VERSION if double else IR_VERSION,
            producer_name="switchyard",
        )
        try:
            onnx.checker.check_model(model, full_check=True)
        except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
            raise ModelError(f"{name}: ONNX refuses the compiled graph: {error}") from error
        return bytes(model.SerializeToString(deterministic=True))


def _with_split(leaf: TreeArrays) -> TreeArrays:
    """A tree that is one leaf, with a split above it that changes nothing: `TreeEnsemble` wants a root."""
    return TreeArrays(
        feature=np.array([0, -1, -1]),
        threshold=np.zeros(3),
        left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]),
        value=np.repeat(leaf.value, 3, axis=0),
    )


def tree_graph(name: str, tree: TreeArrays, columns: int, output: str) -> bytes:
    """One decision tree over `columns` features; output [n, k] holds the leaf's values."""
    graph = Graph()
    graph.ensemble(graph.rounded(INPUT, "rounded"), [tree], output, average=False)
    return graph.finish(name, columns, output, tree.outputs)


def forest_graph(name: str, trees: Sequence[TreeArrays], columns: int, output: str) -> bytes:
    """A regression forest over `columns` features; output [n, 1] holds the mean of the trees' answers."""
    graph = Graph()
    graph.forest(graph.rounded(INPUT, "rounded"), trees, output)
    return graph.finish(name, columns, output, 1, double=True)
