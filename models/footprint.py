"""What a compiled model costs to serve on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from models import compilation
from models.pool import Pool
from models.protocol import Definition
from models.reports import Footprint
from models.runtime import CompiledModel, native_seconds_per_call, seconds_per_call
from models.splits import TEST, TRAIN

BATCH = 1000


def footprint_of(declared: Definition[Any], compiled: Path, pool: Pool, fitted: Any = None) -> Footprint:
    """Size and speed of the compiled model on this machine, beside its native estimator's where there is one.

    Args:
        declared: The model.
        compiled: Its compiled folder.
        pool: Its rows.
        fitted: The fitted model; None where it came from no library, as an aggregated one.
    """
    onnx = (compiled / compilation.MODEL_FILE).read_bytes()
    model = CompiledModel(onnx)
    rows = pool.split(TEST)
    X = rows.inputs(declared.features)
    native = None if fitted is None else declared.native(fitted, rows)
    batch = np.resize(X, (BATCH, X.shape[1]))
    return Footprint(
        model=declared.name,
        version=None,
        compiled_bytes=len(onnx),
        one_row_us=round(1e6 * seconds_per_call(model, X[:1]), 1),
        batch_row_us=round(1e6 * seconds_per_call(model, batch, 20) / BATCH, 2),
        rows_trained=len(pool.split(TRAIN)),
        windows_left_out=pool.left_out,
        native_row_us=None if native is None else round(1e6 * native_seconds_per_call(native), 1),
    )
