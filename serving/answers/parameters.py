"""What every decoder shares: its type, and strict reading of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from data_contracts.answers import Answer
from serving.errors import SnapshotError

FloatArray = NDArray[np.float64]
Decode = Callable[[FloatArray, FloatArray], list[Answer]]
"""From raw outputs [rows, outputs] and inputs [rows, columns] to one answer per row."""

Builder = Callable[[Mapping[str, Any], Sequence[str], str], Decode]
"""From a decoder's parameters, the names of a model's inputs and its version to its decoder."""

Parameters = TypeVar("Parameters")


def convert_parameters(model: str, given: Mapping[str, Any], kind: type[Parameters]) -> Parameters:
    """Read a decoder's parameters strictly.

    Raises:
        SnapshotError: A parameter is missing, unknown or of the wrong type.
    """
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise SnapshotError(f"{model}: spec.json: decoder: {error}", "compile it again") from error


def columns(model: str, names: Sequence[str], features: Sequence[str]) -> NDArray[np.intp]:
    """Positions of `names` among a model's inputs `features`.

    Raises:
        SnapshotError: The decoder reads a feature that is not among the model's inputs.
    """
    strangers = [name for name in names if name not in features]
    if strangers:
        raise SnapshotError(
            f"{model}: spec.json: the decoder reads {', '.join(strangers)}, which is not among the inputs",
            "compile it again",
        )
    return np.array([features.index(name) for name in names], dtype=np.intp)
