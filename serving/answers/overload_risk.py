"""`overload_risk`: how hot the transformer's hottest spot gets within the hour, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from data_contracts.answers import Answer
from data_contracts.answers.maintenance import OverloadRisk
from serving.answers.parameters import Decode, FloatArray, convert_parameters
from serving.errors import SnapshotError

Level = Literal["low", "medium", "high", "critical"]


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decoder's parameters.

    Attributes:
        levels: Names of the levels.
        cuts_c: Predicted temperature from which on each level but the first begins, °C: where the day before
            is known, and where it is not.
        score: Slope in 1/K and temperature in °C of the logistic curve that gives the probability of the
            third level or a higher one, likewise.
        day_ago: Input that tells whether the day before is known.
        actions: What to do at each level.
        over_level: Place of the level from which on a time is given.
        most_min: Longest time that is given, min.
    """

    levels: tuple[Level, Level, Level, Level]
    cuts_c: tuple[tuple[float, float, float], tuple[float, float, float]]
    score: tuple[tuple[float, float], tuple[float, float]]
    day_ago: str
    actions: tuple[str, str, str, str]
    over_level: int
    most_min: float


def build(given: Mapping[str, Any], features: Sequence[str], version: str) -> Decode:
    """Decoder of raw outputs [rows, 2]: largest hot spot of the hour in °C, minutes until it is too hot.

    Raises:
        SnapshotError: A parameter is wrong.
    """
    parameters = convert_parameters("overload_risk", given, Parameters)
    if parameters.day_ago not in features:
        raise SnapshotError(
            f"overload_risk: {parameters.day_ago} is not among the inputs", "publish it again"
        )
    place = features.index(parameters.day_ago)
    cuts, curves = np.array(parameters.cuts_c), np.array(parameters.score)

    def decode(raw: FloatArray, inputs: FloatArray) -> list[Answer]:
        form = np.isnan(inputs[:, place]).astype(np.intp)
        level = (raw[:, :1] >= cuts[form]).sum(axis=1).tolist()
        slope, middle = curves[form].T
        score = (1.0 / (1.0 + np.exp(-np.clip(slope * (raw[:, 0] - middle), -50.0, 50.0)))).tolist()
        minutes = np.clip(raw[:, 1], 1.0, parameters.most_min).tolist()
        return [
            OverloadRisk(
                status="ok",
                model_version=version,
                risk_level=parameters.levels[code],
                risk_score=probability,
                time_to_overload=until if code >= parameters.over_level else None,
                recommended_action=parameters.actions[code],
            )
            for code, probability, until in zip(level, score, minutes, strict=True)
        ]

    return decode
