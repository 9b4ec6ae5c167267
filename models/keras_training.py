"""Training of `models.networks` by Keras: deterministic, quiet, one thread.

Everything that touches TensorFlow goes through `libraries`, which sets it up before its first operation. A
model is traced once a process and shape; each training puts its own weights, optimiser state and random seeds
into it, so that nothing is left over from the training before.
"""

from __future__ import annotations

import functools
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.networks import Course, Weights, Widths, widths_of

Float = NDArray[np.float32]

LEAST_RATE = 0.05
"""Step size of the last epoch as a share of the first one's."""
LARGEST_GRADIENT = 1.0
JUDGED_AT_A_TIME = 4096
SEEDS = 2**30

SETTINGS = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # oneDNN sums in another order on another processor.
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "CUDA_VISIBLE_DEVICES": "-1",
    "KERAS_BACKEND": "tensorflow",
    # Keras writes its settings into the user's home when it is imported; here it cannot.
    "KERAS_HOME": str(Path(os.devnull) / "keras"),
}


@functools.cache
def libraries() -> tuple[Any, Any]:
    """TensorFlow and Keras, set up."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    import keras

    # No progress bars: what Keras has to say goes to its logger.
    keras.config.disable_interactive_logging()
    return tf, keras


def model(widths: Widths, inputs: int, steps: int, dropout: float = 0.0) -> Any:
    """The network as an untrained Keras model for scaled steps [n, steps, inputs]."""
    _, keras = libraries()
    layers = keras.layers
    # Keras numbers the names of layers over the life of the process; these stay the same.
    source = keras.Input((steps, inputs), name="steps")
    first = layers.LSTM(widths.first, return_sequences=True, use_cudnn=False, name="lstm_1")(source)
    second = layers.LSTM(widths.second, use_cudnn=False, name="lstm_2")(first)
    kept = layers.Dropout(dropout, seed=0, name="dropout")(second)
    hidden = layers.Dense(widths.hidden, activation="relu", name="hidden")(kept)
    answer = layers.Dense(1, name="answer")(hidden)
    return keras.Model(source, answer, name="sequence_net")


def loaded(weights: Weights, steps: int, dropout: float = 0.0) -> Any:
    """A Keras model that holds `weights`."""
    made = model(*widths_of(weights), steps, dropout)
    made.set_weights(list(weights))
    return made


def predict(weights: Weights, X: NDArray[Any]) -> NDArray[np.float64]:
    """Answers of Keras itself in single precision, as float64 [n], for scaled steps [n, steps, inputs]."""
    trainer = _trainer(*widths_of(weights), X.shape[1])
    return trainer.predict(weights, X.astype(np.float32))


def train(
    weights: Weights,
    X: Float,
    y: Float,
    course: Course,
    seed: int,
    *,
    importance: Float | None,
    validation: tuple[Float, Float, Float | None] | None,
) -> tuple[Weights, list[float]]:
    """As `models.networks.train`."""
    trainer = _trainer(*widths_of(weights), X.shape[1])
    return trainer.train(weights, X, y, course, seed, importance=importance, validation=validation)


@functools.cache
def _trainer(widths: Widths, inputs: int, steps: int) -> _Trainer:
    return _Trainer(widths, inputs, steps)


class _Trainer:
    """One traced model and optimiser, used again and again.

    Tracing takes as long as some epochs. So that it is done once, what differs from training to training is
    an argument: the share that dropout leaves out is one, and what it draws follows from a seed and the
    number of the step.
    """

    def __init__(self, widths: Widths, inputs: int, steps: int) -> None:
        tf, keras = libraries()
        self._tf, self._units = tf, widths.second
        self._model = model(widths, inputs, steps)
        self._optimizer = keras.optimizers.Adam(1e-3, global_clipnorm=LARGEST_GRADIENT)
        self._optimizer.build(self._model.trainable_variables)
        rows = tf.TensorSpec((None, steps, inputs), tf.float32)
        each = tf.TensorSpec((None,), tf.float32)
        order = tf.TensorSpec((None, None), tf.int32)
        number, share = tf.TensorSpec((), tf.int32), tf.TensorSpec((), tf.float32)
        self._epoch = tf.function(self._run_epoch, input_signature=((rows, each, each), order, number, share))
        self._answer = tf.function(lambda X: self._model(X, training=False)[:, 0], input_signature=(rows,))

    def _run_epoch(self, data: Any, order: Any, seed: Any, dropout: Any) -> Any:
        tf, net = self._tf, self._model
        X, y, importance = data
        total = tf.zeros(())
        for at in tf.range(tf.shape(order)[0]):
            chosen = order[at]
            weight = tf.gather(importance, chosen)
            with tf.GradientTape() as tape:
                answers = self._with_dropout(tf.gather(X, chosen), tf.stack([seed, at]), dropout)
                error = tf.abs(answers - tf.gather(y, chosen))
                each = tf.where(error <= 1.0, 0.5 * error * error, error - 0.5)
                loss = tf.reduce_sum(weight * each) / tf.reduce_sum(weight)
            gradients = tape.gradient(loss, net.trainable_variables)
            self._optimizer.apply(gradients, net.trainable_variables)
            total += loss
        return total / tf.cast(tf.shape(order)[0], tf.float32)

    def _with_dropout(self, X: Any, seed: Any, dropout: Any) -> Any:
        """Answers of the layers one after the other, with a share of the second one's units left out."""
        tf, layer = self._tf, self._model.get_layer
        state = layer("lstm_2")(layer("lstm_1")(X))
        drawn = tf.random.stateless_uniform((tf.shape(X)[0], self._units), seed)
        kept = tf.cast(drawn >= dropout, tf.float32) / (1.0 - dropout)
        return layer("answer")(layer("hidden")(state * kept))[:, 0]

    def _begin(self, weights: Weights) -> None:
        self._model.set_weights(list(weights))
        for variable in self._optimizer.variables:
            variable.assign(np.zeros(variable.shape, dtype=variable.dtype))

    def train(
        self,
        weights: Weights,
        X: Float,
        y: Float,
        course: Course,
        seed: int,
        *,
        importance: Float | None,
        validation: tuple[Float, Float, Float | None] | None,
    ) -> tuple[Weights, list[float]]:
        tf = self._tf
        self._begin(weights)
        rng = np.random.default_rng(seed)
        n = len(X)
        batch = min(course.batch, n)
        batches = math.ceil(n / batch)
        data = tuple(
            tf.constant(part, tf.float32)
            for part in (X, y, np.ones(n, np.float32) if importance is None else importance)
        )
        losses: list[float] = []
        best = weights
        for epoch in range(course.epochs):
            fallen = 0.5 * (1.0 + math.cos(math.pi * epoch / course.epochs))
            rate = course.learning_rate * (LEAST_RATE + (1.0 - LEAST_RATE) * fallen)
            self._optimizer.learning_rate = rate
            # The last batch is filled up from the front: all batches are equally large.
            order = np.resize(rng.permutation(n), (batches, batch)).astype(np.int32)
            drawing = np.int32(seed % SEEDS + epoch)
            mean = float(self._epoch(data, order, drawing, np.float32(course.dropout)))
            losses.append(mean if validation is None else self._judge(*validation))
            if validation is None or losses[-1] <= min(losses):
                best = self._weights()
            if validation is not None and epoch - int(np.argmin(losses)) >= course.patience:
                break
        return best, losses

    def predict(self, weights: Weights, X: Float) -> NDArray[np.float64]:
        self._model.set_weights(list(weights))
        return self._answers(X)

    def _answers(self, X: Float) -> NDArray[np.float64]:
        parts = [
            self._answer(self._tf.constant(X[start : start + JUDGED_AT_A_TIME])).numpy()
            for start in range(0, len(X), JUDGED_AT_A_TIME)
        ]
        return np.concatenate(parts).astype(np.float64) if parts else np.zeros(0)

    def _judge(self, X: Float, y: Float, importance: Float | None) -> float:
        error = np.abs(self._answers(X) - y)
        each = np.where(error <= 1.0, 0.5 * error**2, error - 0.5)
        return float(np.average(each, weights=importance))

    def _weights(self) -> Weights:
        return tuple(np.asarray(array, dtype=np.float32).copy() for array in self._model.get_weights())
