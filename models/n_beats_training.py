"""Training of `models.n_beats` by Keras; the loop is that of `models.load_training`."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.keras_training import libraries
from models.load_training import Trainer
from models.n_beats import BLOCKS, LAYERS, STACKS, WINDOW_H, Shape, bases, check
from models.networks import Course, Weights

Float = NDArray[np.float32]


def model(shape: Shape) -> Any:
    """The network as an untrained Keras model; a row is its window, then its scaled columns.

    The functions of time are dense layers whose kernels are not trained.
    """
    _, keras = libraries()
    layers = keras.layers
    row = keras.Input((WINDOW_H + shape.known,), name="row")
    column = layers.Reshape((WINDOW_H + shape.known, 1), name="column")(row)
    window = layers.Flatten(name="window")(layers.Cropping1D((0, shape.known), name="hours")(column))
    known = layers.Flatten(name="known")(layers.Cropping1D((WINDOW_H, 0), name="columns")(column))
    forecasts = []
    for stack in STACKS:
        dense = [layers.Dense(shape.units, activation="relu", name=f"{stack}_{k}") for k in range(LAYERS)]
        back, ahead = (
            (
                layers.Dense(len(basis), use_bias=False, name=f"{stack}_{side}_coefficients"),
                layers.Dense(
                    basis.shape[1],
                    use_bias=False,
                    trainable=False,
                    kernel_initializer=keras.initializers.Constant(basis.tolist()),
                    name=f"{stack}_{side}_functions",
                ),
            )
            for side, basis in zip(("back", "ahead"), bases(stack, shape.ends_h), strict=True)
        )
        for block in range(BLOCKS):
            state = layers.Concatenate(name=f"{stack}_{block}_row")([window, known])
            for layer in dense:
                state = layer(state)
            explained = back[1](back[0](state))
            window = layers.Subtract(name=f"{stack}_{block}_rest")([window, explained])
            forecasts.append(ahead[1](ahead[0](state)))
    return keras.Model(row, layers.Add(name="answer")(forecasts), name="n_beats")


def variables(made: Any) -> list[Any]:
    """Trained variables of a Keras model in the order of `models.n_beats.shapes`."""
    found: list[Any] = []
    for stack in STACKS:
        for k in range(LAYERS):
            layer = made.get_layer(f"{stack}_{k}")
            found += [layer.kernel, layer.bias]
        found += [made.get_layer(f"{stack}_{side}_coefficients").kernel for side in ("back", "ahead")]
    return found


def loaded(weights: Weights, shape: Shape) -> Any:
    """A Keras model that holds `weights`."""
    check(weights, shape)
    made = model(shape)
    for variable, array in zip(variables(made), weights, strict=True):
        variable.assign(array)
    return made


def predict(weights: Weights, shape: Shape, rows: NDArray[Any]) -> NDArray[np.float64]:
    """Answers of Keras itself in single precision, as float64 [n, ends], for rows of `models.n_beats`."""
    check(weights, shape)
    return _trainer(shape).predict(weights, rows.astype(np.float32))


def train(
    weights: Weights, shape: Shape, data: tuple[Float, Float, Float, Float], course: Course, seed: int
) -> tuple[Weights, list[float]]:
    """Train from `weights` on; the same arguments give the same weights, whatever ran before.

    Args:
        weights: Where to begin.
        shape: Sizes of the network.
        data: Rows, targets [n, ends], the weight of each row [n, 1], and that of each end [ends]: what an
            absolute error there counts for.
        course: Epochs, batch and step size; dropout and patience are not used.
        seed: Decides the order of the rows.

    Returns:
        The weights after the last epoch, and the loss of each epoch.
    """
    check(weights, shape)
    rows, wanted, weight, counts = data
    return _trainer(shape).train(weights, (rows, wanted, (weight * counts).astype(np.float32)), course, seed)


@functools.cache
def _trainer(shape: Shape) -> Trainer:
    made = model(shape)
    return Trainer(made, variables(made))
