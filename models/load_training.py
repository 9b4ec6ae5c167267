"""Training of `models.load_network` by Keras: deterministic, quiet, one thread.

As in `models.keras_training`, a model is traced once a process and shape, and each training puts its own
weights and optimiser state into it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.keras_training import JUDGED_AT_A_TIME, LARGEST_GRADIENT, LEAST_RATE, libraries
from models.load_network import Shape, check
from models.networks import Course, Weights

Float = NDArray[np.float32]

DECAY = 0.02
"""Share of a weight that a step takes away, as a multiple of the step size."""


def model(shape: Shape) -> Any:
    """The network as an untrained Keras model; a row is its scaled hours, then its scaled columns."""
    _, keras = libraries()
    layers = keras.layers
    hours = shape.steps * shape.inputs
    row = keras.Input((hours + shape.known,), name="row")
    column = layers.Reshape((hours + shape.known, 1), name="column")(row)
    first_part = layers.Cropping1D((0, shape.known), name="hours")(column)
    steps = layers.Reshape((shape.steps, shape.inputs), name="steps")(first_part)
    known = layers.Flatten(name="known")(layers.Cropping1D((hours, 0), name="columns")(column))
    state = layers.LSTM(shape.units, use_cudnn=False, name="lstm")(steps)
    joined = layers.Concatenate(name="state_and_known")([state, known])
    first = layers.Dense(shape.hidden, activation="relu", name="dense_1")(joined)
    second = layers.Dense(shape.hidden, activation="relu", name="dense_2")(first)
    return keras.Model(row, layers.Dense(shape.outputs, name="answer")(second), name="load_net")


def loaded(weights: Weights, shape: Shape) -> Any:
    """A Keras model that holds `weights`."""
    made = model(shape)
    made.set_weights(list(weights))
    return made


def predict(weights: Weights, shape: Shape, rows: NDArray[Any]) -> NDArray[np.float64]:
    """Answers of Keras itself in single precision, as float64 [n, outputs], for scaled rows."""
    check(weights, shape)
    return _trainer(shape).predict(weights, rows.astype(np.float32))


def train(
    weights: Weights, shape: Shape, data: tuple[Float, Float, Float], course: Course, seed: int
) -> tuple[Weights, list[float]]:
    """Train from `weights` on; the same arguments give the same weights, whatever ran before.

    The loss is the weighted mean absolute error: what a forecast is judged by.

    Args:
        weights: Where to begin.
        shape: Sizes of the network.
        data: Scaled rows, the hours before the columns, [n, steps · inputs + known], targets [n, outputs],
            and the weight of each row [n, 1].
        course: Epochs, batch and step size; dropout and patience are not used.
        seed: Decides the order of the rows.

    Returns:
        The weights after the last epoch, and the loss of each epoch.
    """
    check(weights, shape)
    return _trainer(shape).train(weights, data, course, seed)


@functools.cache
def _trainer(shape: Shape) -> Trainer:
    made = model(shape)
    return Trainer(made, made.weights)


class Trainer:
    """One traced model and optimiser, used again and again.

    Args:
        made: A Keras model from scaled rows to answers.
        variables: Its variables in the order of the arrays that it is given and gives back.
    """

    def __init__(self, made: Any, variables: Sequence[Any]) -> None:
        tf, keras = libraries()
        self._tf = tf
        self._model, self._variables = made, tuple(variables)
        self._optimizer = keras.optimizers.AdamW(1e-3, weight_decay=DECAY, global_clipnorm=LARGEST_GRADIENT)
        self._optimizer.build(self._model.trainable_variables)
        rows = tf.TensorSpec((None, made.input_shape[1]), tf.float32)
        wanted = tf.TensorSpec((None, made.output_shape[1]), tf.float32)
        weight = tf.TensorSpec((None, None), tf.float32)
        order = tf.TensorSpec((None, None), tf.int32)
        self._epoch = tf.function(self._run_epoch, input_signature=((rows, wanted, weight), order))
        self._answer = tf.function(lambda X: self._model(X, training=False), input_signature=(rows,))

    def _run_epoch(self, data: Any, order: Any) -> Any:
        tf, net = self._tf, self._model
        rows, wanted, weight = data
        total = tf.zeros(())
        for at in tf.range(tf.shape(order)[0]):
            chosen = order[at]
            with tf.GradientTape() as tape:
                answers = net(tf.gather(rows, chosen), training=True)
                error = tf.abs(answers - tf.gather(wanted, chosen))
                loss = tf.reduce_mean(tf.gather(weight, chosen) * error)
            gradients = tape.gradient(loss, net.trainable_variables)
            self._optimizer.apply(gradients, net.trainable_variables)
            total += loss
        return total / tf.cast(tf.shape(order)[0], tf.float32)

    def train(
        self, weights: Weights, data: tuple[Float, Float, Float], course: Course, seed: int
    ) -> tuple[Weights, list[float]]:
        """As the function `train`."""
        tf = self._tf
        self._set(weights)
        for variable in self._optimizer.variables:
            variable.assign(np.zeros(variable.shape, dtype=variable.dtype))
        rng = np.random.default_rng(seed)
        n = len(data[0])
        batch = min(course.batch, n)
        batches = math.ceil(n / batch)
        held = tuple(tf.constant(part, tf.float32) for part in data)
        losses: list[float] = []
        for epoch in range(course.epochs):
            fallen = 0.5 * (1.0 + math.cos(math.pi * epoch / course.epochs))
            self._optimizer.learning_rate = course.learning_rate * (LEAST_RATE + (1.0 - LEAST_RATE) * fallen)
            # The last batch is filled up from the front: all batches are equally large.
            order = np.resize(rng.permutation(n), (batches, batch)).astype(np.int32)
            losses.append(float(self._epoch(held, order)))
        return tuple(np.array(one.numpy(), dtype=np.float32) for one in self._variables), losses

    def _set(self, weights: Weights) -> None:
        for variable, array in zip(self._variables, weights, strict=True):
            variable.assign(array)

    def predict(self, weights: Weights, rows: Float) -> NDArray[np.float64]:
        """As the function `predict`."""
        self._set(weights)
        parts = [
            self._answer(self._tf.constant(rows[at : at + JUDGED_AT_A_TIME])).numpy()
            for at in range(0, len(rows), JUDGED_AT_A_TIME)
        ]
        found = np.concatenate(parts) if parts else np.zeros((0, self._model.output_shape[1]))
        return found.astype(np.float64)
