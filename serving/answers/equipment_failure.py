"""`equipment_failure`: risk and time of a failure, and what raises the risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta

from data_contracts.answers import Answer
from data_contracts.answers.maintenance import EquipmentFailure
from serving.answers.parameters import Decode, FloatArray, convert_parameters
from serving.errors import SnapshotError

Level = Literal["low", "medium", "high"]
LN2 = float(np.log(2.0))


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decoder's parameters.

    Attributes:
        factors: Name of the factor that each raw output but the last is the contribution of.
        levels: Names of the levels.
        cuts: Risk from which the second level begins, and above which the third does.
        start: Margin before any contribution.
        curve: Slope and level of the calibrated logit over the margin.
        time_start_d: What the last raw output counts from, ln of days.
        time_scale: Scale of the Weibull law's logarithm, 1 over its shape.
        horizon_d: Days that the risk is about.
        most_h: Longest time that is given, h.
        most_factors: Factors that are named at most.
        least_contribution: Contribution from which on a factor is named.
    """

    factors: Annotated[list[str], Meta(min_length=1)]
    levels: tuple[Level, Level, Level]
    cuts: tuple[float, float]
    start: float
    curve: tuple[float, float]
    time_start_d: float
    time_scale: float
    horizon_d: Annotated[float, Meta(gt=0)]
    most_h: float
    most_factors: Annotated[int, Meta(ge=1, le=5)]
    least_contribution: float


def build(given: Mapping[str, Any], features: Sequence[str], version: str) -> Decode:
    """Decoder of raw outputs [rows, factors + 1]: contributions to the logit, then ln of the time.

    Raises:
        SnapshotError: A parameter is wrong.
    """
    del features
    parameters = convert_parameters("equipment_failure", given, Parameters)
    names = parameters.factors
    slope, level = parameters.curve

    def decode(raw: FloatArray, inputs: FloatArray) -> list[Answer]:
        del inputs
        if raw.shape[1] != len(names) + 1:
            raise SnapshotError(
                f"equipment_failure: {raw.shape[1]} outputs for {len(names)} factors", "compile it again"
            )
        contributions = raw[:, :-1]
        margin = contributions.sum(axis=1) + parameters.start
        risk = 1.0 / (1.0 + np.exp(-np.clip(slope * margin + level, -50.0, 50.0)))
        code = ((risk >= parameters.cuts[0]).astype(np.int64) + (risk > parameters.cuts[1])).tolist()
        hours = _hours(parameters, risk, raw[:, -1]).tolist()
        order = np.argsort(-contributions, axis=1, kind="stable")[:, : parameters.most_factors].tolist()
        count = (contributions >= parameters.least_contribution).sum(axis=1).tolist()
        return [
            EquipmentFailure(
                status="ok",
                model_version=version,
                failure_risk=probability,
                risk_level=parameters.levels[at],
                time_to_failure=until,
                contributing_factors=[names[k] for k in largest[:named]],
            )
            for probability, at, until, largest, named in zip(
                risk.tolist(), code, hours, order, count, strict=True
            )
        ]

    return decode


def _hours(parameters: Parameters, risk: FloatArray, log_days: FloatArray) -> FloatArray:
    """Hours until the chance of having failed is a half, by hazards constant within and after the horizon."""
    gone = -np.log1p(-np.minimum(risk, 1.0 - 1e-12))
    median = np.exp(np.clip(log_days + parameters.time_start_d, -20.0, 20.0)) * LN2**parameters.time_scale
    with np.errstate(divide="ignore"):
        soon = parameters.horizon_d * LN2 / gone
    late = parameters.horizon_d + median * (LN2 - gone) / LN2
    found: FloatArray = np.minimum(24.0 * np.where(gone >= LN2, soon, late), parameters.most_h)
    return found
