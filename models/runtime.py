"""Compiled models in ONNX Runtime, as serving runs them: one thread, no spinning."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.graphs import INPUT
from models.protocol import Native


class CompiledModel:
    """A session on a serialised graph with one input and one output."""

    def __init__(self, onnx: bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            onnx, sess_options=options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Output of the graph for the rows of `X` [n, columns], float64 [n, k]."""
        (output,) = self._session.run(None, {INPUT: np.ascontiguousarray(X, dtype=np.float64)})
        return np.asarray(output, dtype=np.float64)


def native_seconds_per_call(native: Native, calls: int = 30) -> float:
    """Median wall time of `predict` of the native estimator with one row of its own input."""
    row = native.example[:1]
    # Keras draws a progress bar unless told not to.
    options = {"verbose": 0} if native.flavour == "keras" else {}

    def call() -> None:
        native.estimator.predict(row, **options)

    call()
    return _median_seconds(call, calls)


def seconds_per_call(model: CompiledModel, X: NDArray[np.float64], calls: int = 200) -> float:
    """Median wall time of one call with all rows of `X`."""
    return _median_seconds(lambda: model(X), calls)


def _median_seconds(call: Callable[[], Any], calls: int) -> float:
    took = []
    for _ in range(calls):
        started = time.perf_counter()
        call()
        took.append(time.perf_counter() - started)
    return float(np.median(took))
