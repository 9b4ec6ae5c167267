"""`voltage_anomaly`: whether a window departs from normal operation, how far, and in which features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
import numpy as np

from data_contracts.answers import Answer
from data_contracts.answers.monitoring import VoltageAnomaly
from serving.answers.parameters import Decode, FloatArray, columns, convert_parameters
from serving.errors import SnapshotError


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decoder's parameters.

    Attributes:
        threshold: Score below which a window is an anomaly.
        names: Inputs that may be named as outlying.
        centre: Their means in normal operation.
        scale: Their standard deviations in normal operation.
        z_limit: Standard deviations from which an input is named.
        limit: Most inputs that are named.
    """

    threshold: float
    names: tuple[str, ...]
    centre: tuple[float, ...]
    scale: tuple[Annotated[float, msgspec.Meta(gt=0)], ...]
    z_limit: float
    limit: Annotated[int, msgspec.Meta(ge=1)]


def build(given: Mapping[str, Any], features: Sequence[str], version: str) -> Decode:
    """Decoder of raw outputs [rows, 1], the anomaly score in −1 … 1.

    An input is outlying when |z| = |x − centre| / scale exceeds the limit; the furthest come first.

    Raises:
        SnapshotError: A parameter is wrong, or a named feature is not among the model's inputs.
    """
    parameters = convert_parameters("voltage_anomaly", given, Parameters)
    names = parameters.names
    if not len(names) == len(parameters.centre) == len(parameters.scale):
        raise SnapshotError(
            "voltage_anomaly: spec.json: decoder: names, centre and scale differ in length",
            "compile it again",
        )
    at = columns("voltage_anomaly", names, features)
    centre, scale = np.array(parameters.centre), np.array(parameters.scale)
    threshold, z_limit, limit = parameters.threshold, parameters.z_limit, parameters.limit

    def decode(raw: FloatArray, inputs: FloatArray) -> list[Answer]:
        z = np.abs(inputs[:, at] - centre) / scale
        order = np.argsort(-z, axis=1, kind="stable")[:, :limit].tolist()
        outlying = np.minimum((z > z_limit).sum(axis=1), limit).tolist()
        return [
            VoltageAnomaly(
                status="ok",
                model_version=version,
                anomaly_detected=score < threshold,
                anomaly_score=score,
                outlier_features=[names[n] for n in ranked[:count]],
            )
            for score, ranked, count in zip(raw[:, 0].tolist(), order, outlying, strict=True)
        ]

    return decode
