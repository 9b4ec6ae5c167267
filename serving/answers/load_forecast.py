"""`load_forecast`: what a feeder will draw, with an interval that holds nine outcomes of ten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from data_contracts.answers import Answer
from data_contracts.answers.energy import HorizonIntervals, HorizonValues, LoadForecast
from serving.answers.parameters import Decode, FloatArray, columns, convert_parameters

HOURS = 24
Positive = Annotated[float, msgspec.Meta(ge=0)]
Hourly = Annotated[
    list[tuple[Positive, Positive, Positive]], msgspec.Meta(min_length=HOURS, max_length=HOURS)
]


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decoder's parameters.

    Attributes:
        horizons: Names of the horizons in the order of the graph's outputs.
        rated_feature: Input with log10 of the point's rated apparent power in MVA.
        level_feature: Input with the level of the feeder's last week, of rated power.
        hour_features: Inputs with sine and cosine of the local hour.
        least_level_pu: Smallest level that counts.
        half_by_hour: Half width of the interval at each full local hour and horizon, of the level.
        mape: Error of this version on validation days, %.
    """

    horizons: tuple[Literal["15min"], Literal["1h"], Literal["24h"]]
    rated_feature: str
    level_feature: str
    hour_features: tuple[str, str]
    least_level_pu: Annotated[float, msgspec.Meta(gt=0)]
    half_by_hour: Hourly
    mape: Positive


def build(given: Mapping[str, Any], features: Sequence[str], version: str) -> Decode:
    """Decoder of raw outputs [rows, 3]: load at each horizon, of rated power.

    Raises:
        SnapshotError: A parameter is wrong, or a named feature is not among the model's inputs.
    """
    parameters = convert_parameters("load_forecast", given, Parameters)
    named = (parameters.rated_feature, parameters.level_feature, *parameters.hour_features)
    rated, level, sine, cosine = columns("load_forecast", named, features).tolist()
    half_by_hour = np.array(parameters.half_by_hour)

    def decode(raw: FloatArray, inputs: FloatArray) -> list[Answer]:
        # Between full hours the half widths are interpolated.
        hour = np.arctan2(inputs[:, sine], inputs[:, cosine]) * (HOURS / (2.0 * np.pi)) + HOURS
        whole = np.floor(hour)
        share = (hour - whole)[:, None]
        before = whole.astype(np.int64) % HOURS
        half = (1.0 - share) * half_by_hour[before] + share * half_by_hour[(before + 1) % HOURS]
        half = half * np.maximum(inputs[:, level], parameters.least_level_pu)[:, None]
        rated_w = 1e6 * 10.0 ** inputs[:, rated][:, None]
        loads, lows, highs = ((part * rated_w).tolist() for part in (raw, raw - half, raw + half))
        return [
            LoadForecast(
                status="ok",
                model_version=version,
                forecasted_load=HorizonValues(min_15=load[0], h_1=load[1], h_24=load[2]),
                confidence_interval=HorizonIntervals(
                    min_15=(low[0], high[0]), h_1=(low[1], high[1]), h_24=(low[2], high[2])
                ),
                mape=parameters.mape,
            )
            for load, low, high in zip(loads, lows, highs, strict=True)
        ]

    return decode
