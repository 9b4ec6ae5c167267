"""`voltage_sag`: will a voltage event come within ten minutes, how deep, how long and from what?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from data_contracts.answers import Answer
from data_contracts.answers.maintenance import VoltageSag
from serving.answers.parameters import Decode, FloatArray, convert_parameters

Cause = Literal["fault", "motor_starting", "capacitor_switching"]


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decoder's parameters.

    Attributes:
        causes: Names of the causes.
        scale: What the estimates of the causes are multiplied by.
    """

    causes: tuple[Cause, Cause, Cause]
    scale: float


def build(given: Mapping[str, Any], features: Sequence[str], version: str) -> Decode:
    """Decoder of raw outputs [rows, 5]: a probability for each cause, ln of the depth, log10 of the duration.

    Raises:
        SnapshotError: A parameter is wrong.
    """
    del features
    parameters = convert_parameters("voltage_sag", given, Parameters)

    def decode(raw: FloatArray, inputs: FloatArray) -> list[Answer]:
        del inputs
        rates = raw[:, :3]
        probability = -np.expm1(-parameters.scale * np.maximum(rates, 0.0).sum(axis=1))
        depth = np.clip(np.exp(raw[:, 3]), 0.0, 100.0)
        duration = 10.0 ** raw[:, 4]
        return [
            VoltageSag(
                status="ok",
                model_version=version,
                sag_probability=chance,
                expected_sag_depth=pct,
                expected_duration=ms,
                likely_cause=parameters.causes[cause],
            )
            for chance, pct, ms, cause in zip(
                probability.tolist(), depth.tolist(), duration.tolist(), rates.argmax(axis=1).tolist(),
                strict=True,
            )
        ]  # fmt: skip

    return decode
