"""`grid_stability`: score and class of the grid's stability, and what limits it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from data_contracts.answers import Answer
from data_contracts.answers.decision import GridStability
from serving.answers.parameters import Decode, FloatArray, convert_parameters
from serving.errors import SnapshotError


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decoder's parameters.

    Attributes:
        classes: Names of the classes, the most stable first.
        cuts: Scores: the last class lies below the first, the first class above the second.
        margins: Texts of the margins, in the order of the graph's outputs.
        failures: Names of the failures, in the order of the graph's last outputs.
        named: Failures that an answer names.
    """

    classes: tuple[
        Literal["stable", "marginal", "unstable"],
        Literal["stable", "marginal", "unstable"],
        Literal["stable", "marginal", "unstable"],
    ]
    cuts: tuple[float, float]
    margins: tuple[str, ...]
    failures: tuple[str, ...]
    named: int


def build(given: Mapping[str, Any], features: Sequence[str], version: str) -> Decode:
    """Decoder of raw outputs [rows, 1 + margins + failures]: score and margins of 1, and failures' logits.

    Raises:
        SnapshotError: A parameter is missing, unknown or of the wrong type, or nothing is there to be named.
    """
    del features
    parameters = convert_parameters("grid_stability", given, Parameters)
    if not parameters.margins or not parameters.failures or parameters.named < 1:
        raise SnapshotError("grid_stability: no margins or failures to name", "publish it again")
    count = 1 + len(parameters.margins)
    low, high = parameters.cuts
    stable, marginal, unstable = parameters.classes

    def decode(raw: FloatArray, inputs: FloatArray) -> list[Answer]:
        del inputs
        score = 100.0 * np.clip(raw[:, 0], 0.0, 1.0)
        least = raw[:, 1:count].argmin(axis=1)
        order = np.argsort(-raw[:, count:], axis=1, kind="stable")[:, : parameters.named]
        return [
            GridStability(
                status="ok",
                model_version=version,
                stability_score=value,
                stability_class=stable if value > high else marginal if value >= low else unstable,
                risk_factors=[
                    parameters.margins[margin],
                    *(f"failure of {parameters.failures[place]}" for place in places),
                ],
            )
            for value, margin, places in zip(score.tolist(), least.tolist(), order.tolist(), strict=True)
        ]

    return decode
