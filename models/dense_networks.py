"""A small network of dense layers as plain arrays: first weights, answer, and training by Keras.

Dense layers with ReLU, the last one without: dense(64) → dropout → dense(32) → dropout → dense(16) → dense(1)
with the default widths. The arrays are Keras' own and in its order (kernel and bias of each layer), so that
what one of Keras, numpy and ONNX holds, the others can take over.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError

Weights = tuple[NDArray[np.float32], ...]
"""Arrays of one network in Keras' order."""

Float = NDArray[np.float64]

FARTHEST = 6.0
"""Scaled inputs are cut at this many standard deviations: beyond it the network knows nothing."""


STILL = 1e-9
"""Spread of an input, as a share of its mean, below which it counts as constant."""


@dataclass(frozen=True, slots=True)
class DenseCourse:
    """How a dense network is trained.

    Attributes:
        epochs: Passes over the rows at most.
        batch: Rows of a step.
        learning_rate: Step size of Adam at the start; it falls to a twentieth along a cosine.
        dropout: Share of the units behind each of the first hidden layers that a step leaves out.
        patience: Epochs without a lower loss on the validation rows after which training ends.
    """

    epochs: int = 60
    batch: int = 256
    learning_rate: float = 3e-3
    dropout: tuple[float, ...] = (0.3, 0.2)
    patience: int = 20


def shapes(inputs: int, hidden: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Shape of each array of a network of `inputs` columns and one output."""
    widths = (inputs, *hidden, 1)
    return tuple(shape for below, units in pairwise(widths) for shape in ((below, units), (units,)))


def widths_of(weights: Weights) -> tuple[int, tuple[int, ...]]:
    """Columns that a network reads, and the units of its hidden layers.

    Raises:
        ModelError: The arrays are not those of such a network.
    """
    found = [array.shape for array in weights]
    if len(weights) >= 2 and not len(weights) % 2 and all(len(shape) == 2 for shape in found[::2]):
        hidden = tuple(shape[1] for shape in found[:-2:2])
        if tuple(found) == shapes(found[0][0], hidden):
            return found[0][0], hidden
    raise ModelError(f"dense layers down to one output are wanted, not {found}")


def initial(inputs: int, hidden: tuple[int, ...], seed: int) -> Weights:
    """First weights as Keras draws them: Glorot-uniform kernels, biases of zero."""
    rng = np.random.default_rng(seed)
    arrays = []
    for shape in shapes(inputs, hidden):
        reach = np.sqrt(6.0 / sum(shape)) if len(shape) == 2 else 0.0
        arrays.append(rng.uniform(-reach, reach, shape).astype(np.float32))
    return tuple(arrays)


def forward(weights: Weights, X: NDArray[np.floating[Any]]) -> Float:
    """Answers in double precision, float64 [n], for scaled columns [n, inputs]."""
    widths_of(weights)
    held = [array.astype(np.float64) for array in weights]
    layer = X.astype(np.float64)
    for kernel, bias in zip(held[:-2:2], held[1:-2:2], strict=True):
        layer = np.maximum(layer @ kernel + bias, 0.0)
    answers: Float = (layer @ held[-2] + held[-1])[:, 0]
    return answers


@dataclass(frozen=True, slots=True)
class DenseNet:
    """A fitted network with the scales of its inputs.

    Attributes:
        weights: The network.
        mean: Mean of each input over the training rows, float64 [inputs].
        scale: Its standard deviation, float64 [inputs].
        losses: Loss of each epoch of training, for its plot.
    """

    weights: Weights
    mean: Float
    scale: Float
    losses: tuple[float, ...] = ()

    def scaled(self, X: Float) -> Float:
        """Inputs in standard deviations from their means, cut at `FARTHEST`, float64 [n, inputs]."""
        found: Float = np.clip((X - self.mean) / self.scale, -FARTHEST, FARTHEST)
        return found

    def predict(self, X: Float) -> Float:
        """Answers, float64 [n], for inputs [n, inputs]."""
        return forward(self.weights, self.scaled(X))


def fit(
    X: Float,
    y: Float,
    course: DenseCourse,
    seed: int,
    *,
    hidden: tuple[int, ...] = (64, 32, 16),
    importance: Float | None = None,
    judges: NDArray[np.bool_] | None = None,
) -> DenseNet:
    """Train a network with Huber's loss; the same rows and seed give the same network.

    Args:
        X: Inputs, [n, inputs].
        y: Wanted answers, in units in which an error of one is large, [n].
        course: How it is trained.
        seed: Decides the first weights, the order of rows and what dropout leaves out.
        hidden: Units of the hidden layers.
        importance: Weight of each row, [n]; all alike where not given.
        judges: Rows that are not trained on but choose the best epoch, [n]; the last epoch where there are
            none.
    """
    from models import keras_dense

    weight = np.ones(len(X)) if importance is None else importance
    apart = np.zeros(len(X), dtype=bool) if judges is None else judges
    mean, spread = X[~apart].mean(axis=0), X[~apart].std(axis=0)
    # What only rounding moves is constant: divided by its spread, the last bit would decide.
    scale = np.where(spread > STILL * np.maximum(np.abs(mean), 1.0), spread, 1.0)
    net = DenseNet(initial(X.shape[1], hidden, seed), mean, scale)
    columns = tuple(part.astype(np.float32) for part in (net.scaled(X), y, weight))

    def some(which: NDArray[np.bool_]) -> tuple[NDArray[np.float32], ...]:
        return tuple(part[which] for part in columns)

    weights, losses = keras_dense.train(
        net.weights, some(~apart), course, seed, some(apart) if apart.any() else None
    )
    return DenseNet(weights, net.mean, net.scale, tuple(losses))
