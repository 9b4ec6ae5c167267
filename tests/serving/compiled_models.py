"""Small real models in the compiled form: a graph, its decoder's parameters and golden answers."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import features
from data_contracts.version import CONTRACT_VERSION

VOLTAGE_INPUTS = ["v_min_pu", "v_max_pu", "vuf_line_pct"]
PHASE_INPUTS = ["vuf_line_pct", "v_dev_a_pu", "v_dev_b_pu", "v_dev_c_pu"]
POINT_KINDS = ["infeed", "transformer_bay", "bus", "feeder"]


def tree_onnx(inputs: int, nodes: list[tuple[int, float, int, int] | list[float]], output: str) -> bytes:
    """One tree: a node is (input, threshold, left, right), a leaf the list of its values."""
    from onnx import TensorProto, helper

    leaf = [isinstance(node, list) for node in nodes]
    width = len(next(node for node in nodes if isinstance(node, list)))
    weights = [
        (k, n, w) for k, node in enumerate(nodes) if isinstance(node, list) for n, w in enumerate(node)
    ]
    inner = [(0, 0.0, 0, 0) if isinstance(node, list) else node for node in nodes]
    tree = helper.make_node(
        "TreeEnsembleRegressor",
        ["rounded"],
        [output],
        domain="ai.onnx.ml",
        n_targets=width,
        nodes_treeids=[0] * len(nodes),
        nodes_nodeids=list(range(len(nodes))),
        nodes_featureids=[node[0] for node in inner],
        nodes_modes=["LEAF" if end else "BRANCH_LEQ" for end in leaf],
        nodes_values=[node[1] for node in inner],
        nodes_truenodeids=[node[2] for node in inner],
        nodes_falsenodeids=[node[3] for node in inner],
        target_treeids=[0] * len(weights),
        target_nodeids=[k for k, _, _ in weights],
        target_ids=[n for _, n, _ in weights],
        target_weights=[w for _, _, w in weights],
    )
    graph = helper.make_graph(
        [helper.make_node("Cast", ["features"], ["rounded"], to=TensorProto.FLOAT), tree],
        "tree",
        [helper.make_tensor_value_info("features", TensorProto.DOUBLE, ["n", inputs])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", width])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()


def fragile_onnx() -> bytes:
    """A score of 0.4 that breaks at run time where the first input is below 0.9: it reads beyond a table."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Less", ["features", "limit"], ["low"]),
        helper.make_node("Cast", ["low"], ["place"], to=TensorProto.INT64),
        helper.make_node("Gather", ["place", "first"], ["column"], axis=1),
        helper.make_node("Gather", ["table", "column"], ["anomaly_score"], axis=0),
    ]
    constants = [
        numpy_helper.from_array(np.array(0.9), "limit"),
        numpy_helper.from_array(np.array([0]), "first"),
        numpy_helper.from_array(np.array([0.4], dtype=np.float32), "table"),
    ]
    graph = helper.make_graph(
        nodes,
        "fragile",
        [helper.make_tensor_value_info("features", TensorProto.DOUBLE, ["n", 3])],
        [helper.make_tensor_value_info("anomaly_score", TensorProto.FLOAT, ["n", 1])],
        constants,
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9
    ).SerializeToString()


def write_compiled(folder: Path, onnx: bytes, spec: dict[str, Any], golden: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    common = {
        "schema": 1,
        "declaration": 1,
        "input_dtype": "float64",
        "minimum_readings": 1,
        "point_kinds": POINT_KINDS,
        "requires": [],
        "feature_catalogue_digest": features.catalogue_digest(),
        "contract_version": CONTRACT_VERSION,
    }
    (folder / "model.onnx").write_bytes(onnx)
    (folder / "spec.json").write_text(json.dumps(common | spec))
    (folder / "golden.json").write_text(json.dumps({"schema": 1} | golden))
    return folder


def compile_phase_imbalance(folder: Path, **changes: Any) -> Path:
    """Classes by the line-voltage unbalance alone."""
    onnx = tree_onnx(
        4,
        [
            (0, 5.0, 1, 2),
            (0, 2.0, 3, 4),
            (0, 10.0, 5, 6),
            [0.97, 0.01, 0.01, 0.01],
            [0.05, 0.9, 0.05, 0.0],
            [0.0, 0.1, 0.8, 0.1],
            [0.0, 0.0, 0.25, 0.75],
        ],
        "probabilities",
    )
    spec = {
        "model": "phase_imbalance",
        "features": PHASE_INPUTS,
        "onnx_outputs": ["probabilities"],
        "decoder": {
            "classes": ["balanced", "minor", "moderate", "severe"],
            "critical_phase_features": ["v_dev_a_pu", "v_dev_b_pu", "v_dev_c_pu"],
        },
    }
    golden = {
        "features": [[0.4, -0.003, -0.003, 0.006], [3.0, 0.02, -0.05, 0.03], [12.0, -0.4, 0.2, 0.2]],
        "raw": [[0.97, 0.01, 0.01, 0.01], [0.05, 0.9, 0.05, 0.0], [0.0, 0.0, 0.25, 0.75]],
        "answers": [
            {"imbalance_class": "balanced", "confidence": 0.97, "critical_phase": "C"},
            {"imbalance_class": "minor", "confidence": 0.9, "critical_phase": "B"},
            {"imbalance_class": "severe", "confidence": 0.75, "critical_phase": "A"},
        ],
        "tolerance": {"confidence": 2e-6},
    }
    return write_compiled(folder, onnx, spec | changes.get("spec", {}), golden | changes.get("golden", {}))


def compile_voltage_anomaly(folder: Path, low: float = -0.6, **changes: Any) -> Path:
    """Anomalous below 0.9 or above 1.1 pu; `low` is the score of the former."""
    onnx = changes.get("onnx") or tree_onnx(
        3, [(0, 0.9, 1, 2), [low], (1, 1.1, 3, 4), [0.4], [-0.5]], "anomaly_score"
    )
    spec = {
        "model": "voltage_anomaly",
        "minimum_readings": 10,
        "features": VOLTAGE_INPUTS,
        "onnx_outputs": ["anomaly_score"],
        "decoder": {
            "threshold": 0.0,
            "names": VOLTAGE_INPUTS,
            "centre": [1.0, 1.0, 0.3],
            "scale": [0.01, 0.01, 0.2],
            "z_limit": 3.5,
            "limit": 5,
        },
        "watched": {
            "features": [{"name": "v_min_pu", "edges": [0.9, 0.999], "shares": [0.1, 0.8, 0.1, 0.0]}],
            "outputs": [
                {"name": "anomaly_detected", "values": ["false", "true"], "shares": [0.9, 0.1, 0.0, 0.0]},
                {"name": "anomaly_score", "edges": [0.0], "shares": [0.1, 0.9, 0.0]},
            ],
        },
    }
    golden = {
        "features": [[0.99, 1.01, 0.3], [0.5, 1.0, 40.0], [1.0, 1.2, 0.3]],
        "raw": [[0.4], [low], [-0.5]],
        "answers": [
            {"anomaly_detected": False, "anomaly_score": 0.4, "outlier_features": []},
            {
                "anomaly_detected": True,
                "anomaly_score": low,
                "outlier_features": ["vuf_line_pct", "v_min_pu"],
            },
            {"anomaly_detected": True, "anomaly_score": -0.5, "outlier_features": ["v_max_pu"]},
        ],
        "tolerance": {"anomaly_score": 2e-6},
    }
    return write_compiled(folder, onnx, spec | changes.get("spec", {}), golden | changes.get("golden", {}))


HARMONIC_INPUTS = ["thd_v_wave_pct", "h5_v_pct", "h7_v_pct", "thd_worst_pct", "v_nom_log"]


def compile_harmonic_analysis(folder: Path, **changes: Any) -> Path:
    """Half of what the waveform says, four fifths of what the meter says."""
    import numpy as np

    from models.graphs import forest_graph
    from models.trees import LARGEST, TreeArrays

    halves, fifths = math.log(0.5), math.log(0.8)
    tree = TreeArrays(
        feature=np.array([0, -1, -1]),
        threshold=np.array([LARGEST, 0, 0]),
        left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]),
        value=np.array([[0.0], [halves], [fifths]]),
    )
    spec = {
        "model": "harmonic_analysis",
        "features": HARMONIC_INPUTS,
        "optional": HARMONIC_INPUTS[:4],
        "one_of": ["thd_v_wave_pct", "thd_worst_pct"],
        "onnx_outputs": ["ln_ratio"],
        "decoder": {
            "measured": ["thd_v_wave_pct", "thd_worst_pct"],
            "least_thd_pct": 0.01,
            "levels": ["low", "medium", "high"],
            "limits_pct": [3.0, 5.0],
            "order_features": ["h5_v_pct", "h7_v_pct"],
            "orders": [5, 7],
            "least_order_pct": 0.3,
            "most_orders": 3,
        },
    }
    golden = {
        "features": [[8.0, 0.2, 4.0, 9.0, 1.5], [None, None, None, 8.0, 1.5]],
        "raw": [[halves], [fifths]],
        "answers": [
            {"thd_estimate": 4.0, "harmonic_level": "medium", "dominant_harmonics": [7]},
            {"thd_estimate": 6.4, "harmonic_level": "high"},
        ],
        "tolerance": {"thd_estimate": 2e-6},
    }
    onnx = forest_graph("harmonic_analysis", [tree], len(HARMONIC_INPUTS), "ln_ratio")
    return write_compiled(folder, onnx, spec | changes.get("spec", {}), golden | changes.get("golden", {}))


@dataclass(frozen=True)
class Compiler:
    """Makes compiled folders below `root`."""

    root: Path

    def phase_imbalance(self, name: str = "phase", **changes: Any) -> Path:
        return compile_phase_imbalance(self.root / name, **changes)

    def voltage_anomaly(self, name: str = "voltage", low: float = -0.6, **changes: Any) -> Path:
        return compile_voltage_anomaly(self.root / name, low, **changes)

    def harmonic_analysis(self, name: str = "harmonic", **changes: Any) -> Path:
        return compile_harmonic_analysis(self.root / name, **changes)
