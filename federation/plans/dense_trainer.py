"""Local training of a network of dense layers: what `fedavg` calls at a site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from federation.families.averaging import Sample, Weights, Work
from models import dense_networks
from models.dense_networks import FARTHEST, DenseCourse


class DenseTrainer:
    """Trains by `models.dense_networks`; Keras is imported by the first training in a process, not before.

    `options` holds the units of each hidden layer as `hidden_1` and so on, and the share of units left out
    behind the first of them as `dropout_1` and so on.
    """

    def initial(self, options: Mapping[str, Any], columns: int, seed: int) -> Weights:
        """First weights."""
        hidden = tuple(int(units) for units in _numbered(options, "hidden"))
        return dense_networks.initial(columns, hidden, seed)

    def train(self, weights: Weights, rows: Sample, work: Work) -> Weights:
        """Weights after some epochs; Adam begins anew each time."""
        from models import keras_dense

        course = DenseCourse(
            epochs=work.epochs,
            batch=work.batch,
            learning_rate=work.learning_rate,
            dropout=_numbered(work.options, "dropout"),
        )
        data = tuple(part.astype(np.float32) for part in (_cut(rows.X), rows.y, rows.weight))
        after, _ = keras_dense.train(weights, data, course, work.seed, None)
        return after

    def loss(self, weights: Weights, rows: Sample, options: Mapping[str, Any]) -> float:
        """Mean Huber loss, as in training but without dropout."""
        del options
        error = np.abs(dense_networks.forward(weights, _cut(rows.X)) - rows.y)
        each = np.where(error <= 1.0, 0.5 * error**2, error - 0.5)
        return float(np.average(each, weights=rows.weight))


def _numbered(options: Mapping[str, Any], name: str) -> tuple[float, ...]:
    found = sorted(key for key in options if key.startswith(f"{name}_"))
    return tuple(float(options[key]) for key in found)


def _cut(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scaled inputs as the fitted network cuts them."""
    return np.clip(X, -FARTHEST, FARTHEST)
