"""Local training of the load forecast's network: what `fedavg` calls at a site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from federation.families.averaging import Sample, Weights, Work
from models import load_network
from models.load_model import SHAPE
from models.networks import Course


class LoadTrainer:
    """Trains by `models.load_training`; Keras is imported by the first training in a process, not before."""

    def initial(self, options: Mapping[str, Any], columns: int, seed: int) -> Weights:
        """First weights: an answer of nothing."""
        del options, columns
        return load_network.initial(SHAPE, seed)

    def train(self, weights: Weights, rows: Sample, work: Work) -> Weights:
        """Weights after some epochs; AdamW begins anew each time."""
        from models import load_training

        course = Course(epochs=work.epochs, batch=work.batch, learning_rate=work.learning_rate)
        X, y, weight = (part.astype(np.float32) for part in (rows.X, rows.y, rows.weight[:, None]))
        after, _ = load_training.train(weights, SHAPE, (X, y, weight), course, work.seed)
        return after

    def loss(self, weights: Weights, rows: Sample, options: Mapping[str, Any]) -> float:
        """Weighted mean absolute error, as in training."""
        del options
        error = np.abs(load_network.forward(weights, SHAPE, rows.X) - rows.y)
        return float((rows.weight[:, None] * error).mean())
