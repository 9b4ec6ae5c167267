"""`harmonic_analysis`: distortion of the primary voltage, its level, and the orders that make it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import UNSET

from data_contracts.answers import Answer
from data_contracts.answers.monitoring import HarmonicAnalysis
from serving.answers.parameters import Decode, FloatArray, columns, convert_parameters
from serving.errors import SnapshotError

NO_ORDERS = "dominant_harmonics: needs a waveform; a metered THD does not say which orders it is made of"

Positive = Annotated[float, msgspec.Meta(gt=0)]


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decoder's parameters.

    Attributes:
        measured: Input with the THD of the waveform, and that with the meter's, %.
        least_thd_pct: Measured THD below which it counts as this much.
        levels: Names of the levels.
        limits_pct: From the first on a THD is medium, above the second it is high.
        order_features: Inputs with single orders, % of the fundamental.
        orders: Their orders.
        least_order_pct: Smallest order that is named.
        most_orders: Most orders that are named.
    """

    measured: tuple[str, str]
    least_thd_pct: Positive
    levels: tuple[Literal["low"], Literal["medium"], Literal["high"]]
    limits_pct: tuple[float, float]
    order_features: tuple[str, ...]
    orders: tuple[int, ...]
    least_order_pct: Positive
    most_orders: Annotated[int, msgspec.Meta(ge=1)]


def build(given: Mapping[str, Any], features: Sequence[str], version: str) -> Decode:
    """Decoder of raw outputs [rows, 1], ln(true / measured THD).

    The THD of the waveform is what was measured where there is one, else the meter's; orders are named from a
    waveform only, largest first.

    Raises:
        SnapshotError: A parameter is wrong, or a named feature is not among the model's inputs.
    """
    parameters = convert_parameters("harmonic_analysis", given, Parameters)
    if len(parameters.order_features) != len(parameters.orders):
        raise SnapshotError(
            "harmonic_analysis: spec.json: decoder: order_features and orders differ in length",
            "compile it again",
        )
    spectrum, meter = columns("harmonic_analysis", parameters.measured, features).tolist()
    at = columns("harmonic_analysis", parameters.order_features, features)
    medium, high = parameters.limits_pct
    orders, levels, most = parameters.orders, parameters.levels, parameters.most_orders

    def decode(raw: FloatArray, inputs: FloatArray) -> list[Answer]:
        captured = np.isfinite(inputs[:, spectrum])
        measured = np.where(captured, inputs[:, spectrum], inputs[:, meter])
        thd = np.maximum(measured, parameters.least_thd_pct) * np.exp(raw[:, 0])
        known = np.where(np.isnan(inputs[:, at]), -np.inf, inputs[:, at])
        largest = np.argsort(-known, axis=1, kind="stable")[:, :most]
        rows = np.arange(len(known))[:, None]
        named = (known[rows, largest] >= parameters.least_order_pct).sum(axis=1)
        codes = (thd >= medium).astype(np.int64) + (thd > high)
        return [
            HarmonicAnalysis(
                status="ok",
                model_version=version,
                thd_estimate=estimate,
                harmonic_level=levels[code],
                dominant_harmonics=[orders[k] for k in ranked[:count]] if whole else UNSET,
                detail=UNSET if whole else NO_ORDERS,
            )
            for estimate, code, ranked, count, whole in zip(
                thd.tolist(),
                codes.tolist(),
                largest.tolist(),
                named.tolist(),
                captured.tolist(),
                strict=True,
            )
        ]

    return decode
