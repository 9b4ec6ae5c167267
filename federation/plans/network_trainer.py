"""Local training of a recurrent network: what `fedavg` calls at a site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from federation.families.averaging import Sample, Weights, Work
from models import networks
from models.networks import Course, Widths


class NetworkTrainer:
    """Trains by `models.networks`; Keras is imported by the first training in a process, not before.

    The `weight` of local data marks rows that weigh `options["marked_weight"]`; all others weigh one.
    """

    def initial(self, options: Mapping[str, Any], columns: int, seed: int) -> Weights:
        """First weights; `options` holds `first`, `second` and `hidden`, the units of the layers."""
        widths = Widths(*(int(options[name]) for name in ("first", "second", "hidden")))
        return networks.initial(widths, columns, seed)

    def train(self, weights: Weights, rows: Sample, work: Work) -> Weights:
        """Weights after some epochs; `options` holds `dropout` too. Adam begins anew each time."""
        course = Course(
            epochs=work.epochs,
            batch=work.batch,
            learning_rate=work.learning_rate,
            dropout=float(work.options["dropout"]),
        )
        importance = _single(_weights(rows, work.options))
        after, _ = networks.train(
            weights, _single(rows.X), _single(rows.y), course, work.seed, importance=importance
        )
        return after

    def loss(self, weights: Weights, rows: Sample, options: Mapping[str, Any]) -> float:
        """Mean Huber loss."""
        return networks.loss(weights, rows.X, rows.y, _weights(rows, options))


def _weights(rows: Sample, options: Mapping[str, Any]) -> NDArray[np.float64]:
    return np.where(rows.weight > 0, float(options["marked_weight"]), 1.0)


def _single(values: NDArray[np.float64]) -> NDArray[np.float32]:
    return values.astype(np.float32)
