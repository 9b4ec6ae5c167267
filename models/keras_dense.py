"""Training of `models.dense_networks` by Keras: deterministic, one thread, traced once a shape."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.dense_networks import DenseCourse, Weights, widths_of
from models.errors import ModelError
from models.keras_training import JUDGED_AT_A_TIME, LARGEST_GRADIENT, LEAST_RATE, SEEDS, libraries

Float = NDArray[np.float32]
Data = tuple[Float, ...]
"""Scaled inputs [n, inputs], wanted answers [n] and weights [n] of rows."""


def model(
    inputs: int, hidden: tuple[int, ...], dropout: tuple[float, ...] = (), dtype: str = "float32"
) -> Any:
    """The network as an untrained Keras model for scaled inputs [n, inputs]."""
    _, keras = libraries()
    source = keras.Input((inputs,), name="inputs", dtype=dtype)
    layer = source
    for place, units in enumerate(hidden):
        name = f"hidden_{place + 1}"
        layer = keras.layers.Dense(units, activation="relu", name=name, dtype=dtype)(layer)
        if place < len(dropout):
            name = f"dropout_{place + 1}"
            layer = keras.layers.Dropout(dropout[place], seed=place, name=name, dtype=dtype)(layer)
    answer = keras.layers.Dense(1, name="answer", dtype=dtype)(layer)
    return keras.Model(source, answer, name="dense_net")


def loaded(weights: Weights, dropout: tuple[float, ...] = ()) -> Any:
    """A Keras model that holds `weights`."""
    made = model(*widths_of(weights), dropout)
    made.set_weights(list(weights))
    return made


def predict(weights: Weights, X: NDArray[Any]) -> NDArray[np.float64]:
    """Answers of Keras itself in double precision, float64 [n], for scaled inputs [n, inputs]."""
    tf, _ = libraries()
    network = _double(*widths_of(weights))
    network.set_weights(list(weights))
    return np.asarray(network(tf.constant(X, tf.float64), training=False).numpy()[:, 0], dtype=np.float64)


@functools.cache
def _double(inputs: int, hidden: tuple[int, ...]) -> Any:
    return model(inputs, hidden, dtype="float64")


def train(
    weights: Weights, data: Data, course: DenseCourse, seed: int, judges: Data | None
) -> tuple[Weights, list[float]]:
    """Train from `weights` on.

    Args:
        weights: Where training begins.
        data: Rows to train on.
        course: How.
        seed: Decides the order of the rows and what dropout leaves out.
        judges: Rows that choose the best epoch; None for the last one.

    Returns:
        The weights, and the loss of each epoch: on the judges where there are any.

    Raises:
        ModelError: There is dropout behind more layers than are hidden.
    """
    inputs, hidden = widths_of(weights)
    if len(course.dropout) > len(hidden):
        raise ModelError(f"dropout behind {len(course.dropout)} layers, but only {len(hidden)} are hidden")
    return _trainer(inputs, hidden).train(weights, data, course, seed, judges)


@functools.cache
def _trainer(inputs: int, hidden: tuple[int, ...]) -> _Trainer:
    return _Trainer(inputs, hidden)


class _Trainer:
    """One traced model and optimiser, used again and again; what dropout draws follows from a seed."""

    def __init__(self, inputs: int, hidden: tuple[int, ...]) -> None:
        tf, keras = libraries()
        self._tf, self._hidden = tf, hidden
        self._model = model(inputs, hidden)
        self._optimizer = keras.optimizers.Adam(1e-3, global_clipnorm=LARGEST_GRADIENT)
        self._optimizer.build(self._model.trainable_variables)
        rows, each = tf.TensorSpec((None, inputs), tf.float32), tf.TensorSpec((None,), tf.float32)
        order, number = tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((), tf.int32)
        shares = tf.TensorSpec((len(hidden),), tf.float32)
        self._epoch = tf.function(
            self._run_epoch, input_signature=((rows, each, each), order, number, shares)
        )
        self._answer = tf.function(lambda X: self._model(X, training=False)[:, 0], input_signature=(rows,))

    def _run_epoch(self, data: Any, order: Any, seed: Any, dropout: Any) -> Any:
        tf, net = self._tf, self._model
        X, y, importance = data
        total = tf.zeros(())
        for at in tf.range(tf.shape(order)[0]):
            chosen = order[at]
            weight = tf.gather(importance, chosen)
            with tf.GradientTape() as tape:
                answers = self._with_dropout(tf.gather(X, chosen), seed, at, dropout)
                error = tf.abs(answers - tf.gather(y, chosen))
                each = tf.where(error <= 1.0, 0.5 * error * error, error - 0.5)
                loss = tf.reduce_sum(weight * each) / tf.reduce_sum(weight)
            self._optimizer.apply(tape.gradient(loss, net.trainable_variables), net.trainable_variables)
            total += loss
        return total / tf.cast(tf.shape(order)[0], tf.float32)

    def _with_dropout(self, X: Any, seed: Any, step: Any, dropout: Any) -> Any:
        """Answers of the layers one after the other, with a share of each one's units left out."""
        tf, state = self._tf, X
        for place, units in enumerate(self._hidden):
            state = self._model.get_layer(f"hidden_{place + 1}")(state)
            drawn = tf.random.stateless_uniform(
                (tf.shape(X)[0], units), tf.stack([seed, step * len(self._hidden) + place])
            )
            share = dropout[place]
            state *= tf.cast(drawn >= share, tf.float32) / (1.0 - share)
        return self._model.get_layer("answer")(state)[:, 0]

    def begin(self, weights: Weights) -> None:
        """Take over `weights` and forget the training before."""
        self._model.set_weights(list(weights))
        for variable in self._optimizer.variables:
            variable.assign(np.zeros(variable.shape, dtype=variable.dtype))

    def train(
        self, weights: Weights, data: Data, course: DenseCourse, seed: int, judges: Data | None
    ) -> tuple[Weights, list[float]]:
        tf = self._tf
        self.begin(weights)
        rng = np.random.default_rng(seed)
        n = len(data[0])
        batch = min(course.batch, n)
        batches = math.ceil(n / batch)
        held = tuple(tf.constant(part, tf.float32) for part in data)
        shares = np.zeros(len(self._hidden), dtype=np.float32)
        shares[: len(course.dropout)] = course.dropout
        losses: list[float] = []
        best = weights
        for epoch in range(course.epochs):
            fallen = 0.5 * (1.0 + math.cos(math.pi * epoch / course.epochs))
            self._optimizer.learning_rate = course.learning_rate * (LEAST_RATE + (1.0 - LEAST_RATE) * fallen)
            # The last batch is filled up from the front: all batches are equally large.
            order = np.resize(rng.permutation(n), (batches, batch)).astype(np.int32)
            mean = float(self._epoch(held, order, np.int32(seed % SEEDS + epoch), shares))
            losses.append(mean if judges is None else self._judge(judges))
            if judges is None or losses[-1] <= min(losses):
                best = self._weights()
            if judges is not None and epoch - int(np.argmin(losses)) >= course.patience:
                break
        return best, losses

    def answers(self, X: Float) -> NDArray[np.float64]:
        parts = [
            self._answer(self._tf.constant(X[start : start + JUDGED_AT_A_TIME])).numpy()
            for start in range(0, len(X), JUDGED_AT_A_TIME)
        ]
        return np.concatenate(parts).astype(np.float64) if parts else np.zeros(0)

    def _judge(self, judges: Data) -> float:
        X, y, importance = judges
        error = np.abs(self.answers(X) - y)
        each = np.where(error <= 1.0, 0.5 * error**2, error - 0.5)
        return float(np.average(each, weights=importance))

    def _weights(self) -> Weights:
        return tuple(np.asarray(array, dtype=np.float32).copy() for array in self._model.get_weights())
