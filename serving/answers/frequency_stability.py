"""`frequency_stability`: frequency five seconds ahead, how stable it is, and which way it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from data_contracts.answers import Answer
from data_contracts.answers.monitoring import FrequencyStability
from serving.answers.parameters import Decode, FloatArray, columns, convert_parameters

Positive = Annotated[float, msgspec.Meta(gt=0)]
Trend = Literal["stable", "increasing", "decreasing"]


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decoder's parameters.

    Attributes:
        mean_feature: Input with the mean of the readings, Hz.
        from_mean_feature: Input with the newest reading minus that mean, Hz.
        deviation_feature: Input with the newest reading minus nominal, Hz.
        trends: Name of the trend of a small change, of a rise and of a fall.
        trend_hz: Change from which on it is not stable.
        horizon_s: Seconds over which the graph predicts the change.
        band_hz: Departure from nominal at which the score is 0.
        rocof_hz_s: Rate of change at which the score is 0.
    """

    mean_feature: str
    from_mean_feature: str
    deviation_feature: str
    trends: tuple[Trend, Trend, Trend]
    trend_hz: Positive
    horizon_s: Positive
    band_hz: Positive
    rocof_hz_s: Positive


def build(given: Mapping[str, Any], features: Sequence[str], version: str) -> Decode:
    """Decoder of raw outputs [rows, 1], the predicted change in Hz.

    The score is 100 · max(0, 1 − |Δf| / band) · max(0, 1 − |change| / (horizon · RoCoF limit)), Δf being the
    predicted departure from nominal.

    Raises:
        SnapshotError: A parameter is wrong, or a named feature is not among the model's inputs.
    """
    parameters = convert_parameters("frequency_stability", given, Parameters)
    named = (parameters.mean_feature, parameters.from_mean_feature, parameters.deviation_feature)
    mean, from_mean, deviation = columns("frequency_stability", named, features).tolist()
    trends, trend_hz, band_hz = parameters.trends, parameters.trend_hz, parameters.band_hz
    largest_hz = parameters.horizon_s * parameters.rocof_hz_s

    def decode(raw: FloatArray, inputs: FloatArray) -> list[Answer]:
        change = raw[:, 0]
        predicted = (inputs[:, mean] + inputs[:, from_mean] + change).tolist()
        level = np.maximum(1.0 - np.abs(inputs[:, deviation] + change) / band_hz, 0.0)
        rate = np.maximum(1.0 - np.abs(change) / largest_hz, 0.0)
        score = (100.0 * level * rate).tolist()
        code = np.where(np.abs(change) >= trend_hz, np.where(change > 0, 1, 2), 0).tolist()
        return [
            FrequencyStability(
                status="ok",
                model_version=version,
                predicted_frequency=f,
                stability_score=points,
                trend=trends[k],
            )
            for f, points, k in zip(predicted, score, code, strict=True)
        ]

    return decode
