"""A small recurrent network as plain arrays: its shapes, first weights, answer, and training by Keras.

Two LSTM layers and two dense ones, one output: LSTM(first) → LSTM(second) → dropout → dense(hidden), ReLU →
dense(1). The arrays are Keras' own and in its order (kernel, recurrent kernel, bias of each LSTM; kernel,
bias of each dense layer; the gates of an LSTM lie side by side as input, forget, cell, output), so that what
one of Keras, numpy and ONNX holds, the others can take over.

An LSTM's step (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000):
i, f, o = σ(x·W + h·U + b), c ← f·c + i·tanh(x·W_c + h·U_c + b_c), h ← o·tanh(c).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError

Weights = tuple[NDArray[np.float32], ...]
"""Arrays of one network in Keras' order."""

GATES = 4
ARRAYS = 10


@dataclass(frozen=True, slots=True)
class Widths:
    """Units of each layer.

    Attributes:
        first: Units of the LSTM that reads the steps.
        second: Units of the LSTM above it, of which only the last step counts.
        hidden: Units of the dense layer before the output.
    """

    first: int = 64
    second: int = 32
    hidden: int = 16


@dataclass(frozen=True, slots=True)
class Course:
    """How a network is trained.

    Attributes:
        epochs: Passes over the rows at most.
        batch: Rows of a step.
        learning_rate: Step size of Adam at the start; it falls to a twentieth along a cosine.
        dropout: Share of the second LSTM's units that a step leaves out.
        patience: Epochs without a lower loss on the validation rows after which training ends.
    """

    epochs: int = 12
    batch: int = 256
    learning_rate: float = 2e-3
    dropout: float = 0.2
    patience: int = 5


def shapes(widths: Widths, inputs: int) -> tuple[tuple[int, ...], ...]:
    """Shape of each array of a network whose steps have `inputs` features."""
    found: list[tuple[int, ...]] = []
    for below, units in ((inputs, widths.first), (widths.first, widths.second)):
        found += [(below, GATES * units), (units, GATES * units), (GATES * units,)]
    for below, units in ((widths.second, widths.hidden), (widths.hidden, 1)):
        found += [(below, units), (units,)]
    return tuple(found)


def widths_of(weights: Weights) -> tuple[Widths, int]:
    """Units of each layer, and the features of a step.

    Raises:
        ModelError: The arrays are not those of such a network.
    """
    if len(weights) == ARRAYS and all(array.ndim in {1, 2} for array in weights):
        widths = Widths(len(weights[1]), len(weights[4]), weights[6].shape[-1])
        inputs = len(weights[0])
        if tuple(array.shape for array in weights) == shapes(widths, inputs):
            return widths, inputs
    raise ModelError(f"a network of {ARRAYS} arrays is wanted, not {[array.shape for array in weights]}")


def initial(widths: Widths, inputs: int, seed: int) -> Weights:
    """First weights as Keras draws them: Glorot-uniform and orthogonal kernels, a forget bias of one."""
    rng = np.random.default_rng(seed)
    arrays: list[NDArray[np.float64]] = []
    for place, shape in enumerate(shapes(widths, inputs)):
        recurrent = place in {1, 4}
        if recurrent:
            arrays.append(orthogonal(rng, shape))
        elif len(shape) == 2:
            reach = np.sqrt(6.0 / sum(shape))
            arrays.append(rng.uniform(-reach, reach, shape))
        else:
            bias = np.zeros(shape)
            if place in {2, 5}:
                units = shape[0] // GATES
                bias[units : 2 * units] = 1.0
            arrays.append(bias)
    return tuple(array.astype(np.float32) for array in arrays)


def orthogonal(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A random matrix with orthonormal rows."""
    q, r = np.linalg.qr(rng.standard_normal((shape[1], shape[0])))
    turned: NDArray[np.float64] = (q * np.sign(np.diag(r))).T
    return turned


def train(
    weights: Weights,
    X: NDArray[np.float32],
    y: NDArray[np.float32],
    course: Course,
    seed: int,
    *,
    importance: NDArray[np.float32] | None = None,
    validation: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32] | None] | None = None,
) -> tuple[Weights, list[float]]:
    """Train by Keras from `weights` on; the same arguments give the same weights, whatever ran before.

    The loss is Huber's: half the square of an error up to one unit of `y`, its size beyond.

    Args:
        weights: Where to begin.
        X: Scaled steps, [n, steps, inputs].
        y: Targets, [n]; scaled so that ordinary errors are about one.
        course: Epochs, batch, step size, dropout, patience.
        seed: Decides the order of the rows and what dropout leaves out.
        importance: Weight of each row in the loss, [n]; one otherwise.
        validation: Rows, targets and importance by which the best epoch is chosen; the last one otherwise.

    Returns:
        The weights and the loss of each epoch: on the validation rows where there are any, else in training.
    """
    from models import keras_training

    widths_of(weights)
    return keras_training.train(weights, X, y, course, seed, importance=importance, validation=validation)


def loss(
    weights: Weights,
    X: NDArray[np.floating[Any]],
    y: NDArray[np.floating[Any]],
    importance: NDArray[np.floating[Any]] | None = None,
) -> float:
    """Mean Huber loss of a network's answers, as in training but without dropout."""
    error = np.abs(forward(weights, X) - y)
    each = np.where(error <= 1.0, 0.5 * error**2, error - 0.5)
    return float(np.average(each, weights=importance))


def forward(weights: Weights, X: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Answers in double precision, float64 [n], for scaled steps [n, steps, inputs]."""
    widths_of(weights)
    held = [array.astype(np.float64) for array in weights]
    sequence = X.astype(np.float64)
    for kernel, recurrent, bias in (held[0:3], held[3:6]):
        sequence = lstm_steps(sequence, kernel, recurrent, bias)
    hidden = np.maximum(sequence[:, -1] @ held[6] + held[7], 0.0)
    answers: NDArray[np.float64] = (hidden @ held[8] + held[9])[:, 0]
    return answers


def lstm_steps(
    X: NDArray[np.float64],
    kernel: NDArray[np.float64],
    recurrent: NDArray[np.float64],
    bias: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Outputs of every step, [n, steps, units]."""
    n, steps, _ = X.shape
    units = recurrent.shape[0]
    out = np.empty((n, steps, units))
    h, c = np.zeros((n, units)), np.zeros((n, units))
    for step in range(steps):
        gates = X[:, step] @ kernel + h @ recurrent + bias
        into, keep, show = (_sigmoid(gates[:, place * units : (place + 1) * units]) for place in (0, 1, 3))
        c = keep * c + into * np.tanh(gates[:, 2 * units : 3 * units])
        h = show * np.tanh(c)
        out[:, step] = h
    return out


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    # By tanh: exp would overflow.
    value: NDArray[np.float64] = 0.5 * (1.0 + np.tanh(0.5 * x))
    return value


@dataclass(frozen=True, slots=True)
class SequenceNet:
    """A fitted network with the scales of its inputs and of its answer.

    Attributes:
        weights: The network.
        mean: Mean of each feature over all steps of the training rows, float64 [inputs].
        scale: Its standard deviation, float64 [inputs].
        unit: What one unit of the network's answer stands for.
        steps: Steps of a row.
        losses: Loss of each epoch of training, for its plot.
    """

    weights: Weights
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    unit: float
    steps: int
    losses: tuple[float, ...] = ()

    def scaled(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rows [n, steps · inputs] as scaled steps [n, steps, inputs]."""
        steps: NDArray[np.float64] = (X.reshape(len(X), self.steps, -1) - self.mean) / self.scale
        return steps

    def predict(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Answers in the target's own unit, float64 [n]."""
        return self.unit * forward(self.weights, self.scaled(X))


def moments(X: NDArray[np.float64], steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each feature over all rows and steps, float64 [inputs] each.

    A feature that never moves keeps a scale of one.
    """
    flat = X.reshape(len(X) * steps, -1)
    spread = flat.std(axis=0)
    return flat.mean(axis=0), np.where(spread > 0, spread, 1.0)
