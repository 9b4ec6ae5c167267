"""`phase_imbalance`: class of the voltage unbalance, its confidence and the phase that is furthest off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from data_contracts.answers import Answer
from data_contracts.answers.monitoring import PhaseImbalance
from serving.answers.parameters import Decode, FloatArray, columns, convert_parameters

PHASES: tuple[Literal["A", "B", "C"], ...] = ("A", "B", "C")


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decoder's parameters.

    Attributes:
        classes: Name of each probability's class, in the order of the graph's output.
        critical_phase_features: Inputs with the deviations of phases a, b and c from their mean, pu.
    """

    classes: tuple[Literal["balanced", "minor", "moderate", "severe"], ...]
    critical_phase_features: tuple[str, str, str]


def build(given: Mapping[str, Any], features: Sequence[str], version: str) -> Decode:
    """Decoder of raw outputs [rows, classes]: the likeliest class, its share, the largest departure.

    The critical phase is the one whose voltage departs most from the mean of the three.

    Raises:
        SnapshotError: A parameter is wrong, or a named feature is not among the model's inputs.
    """
    parameters = convert_parameters("phase_imbalance", given, Parameters)
    phases = columns("phase_imbalance", parameters.critical_phase_features, features)
    classes = parameters.classes

    def decode(raw: FloatArray, inputs: FloatArray) -> list[Answer]:
        likeliest = raw.argmax(axis=1).tolist()
        confidence = raw.max(axis=1).tolist()
        furthest = np.abs(inputs[:, phases]).argmax(axis=1).tolist()
        return [
            PhaseImbalance(
                status="ok",
                model_version=version,
                imbalance_class=classes[k],
                confidence=p,
                critical_phase=PHASES[n],
            )
            for k, p, n in zip(likeliest, confidence, furthest, strict=True)
        ]

    return decode
