"""Answers of the module `maintenance`: what will wear, overload, degrade or fail."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from data_contracts.answers.base import Answer


class EquipmentFailure(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """Will this asset fail or be forced out within 30 days?"""

    failure_risk: (
        Annotated[
            float, Meta(ge=0, le=1, description="Probability of failure or forced outage within 30 days")
        ]
        | UnsetType
    ) = UNSET
    risk_level: (
        Annotated[
            Literal["low", "medium", "high"],
            Meta(description="By failure_risk: low below 0.3, medium 0.3 to 0.7, high above 0.7"),
        ]
        | UnsetType
    ) = UNSET
    time_to_failure: (
        Annotated[float, Meta(ge=0, description="Median time to failure", extra={"unit": "h"})] | UnsetType
    ) = UNSET
    contributing_factors: (
        Annotated[list[str], Meta(max_length=5, description="What raises the risk most, largest first")]
        | UnsetType
    ) = UNSET


class OverloadRisk(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """How hot will the transformer's hot-spot get within the hour?"""

    risk_level: (
        Annotated[
            Literal["low", "medium", "high", "critical"],
            Meta(
                description="By the largest hot-spot of the next 60 min: low below 98 °C, medium 98 to 120, "
                "high 120 to 140, critical above 140"
            ),
        ]
        | UnsetType
    ) = UNSET
    risk_score: (
        Annotated[float, Meta(ge=0, le=1, description="Probability of the level high or critical")]
        | UnsetType
    ) = UNSET
    time_to_overload: (
        Annotated[
            float | None,
            Meta(
                description="Until the hot-spot exceeds 120 °C; null when it does not within the hour",
                extra={"unit": "min"},
            ),
        ]
        | UnsetType
    ) = UNSET
    recommended_action: Annotated[str, Meta(description="What to do about it")] | UnsetType = UNSET


class PowerQualityIndex(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """How good is the supply, by the published index?"""

    power_quality_index: (
        Annotated[float, Meta(ge=0, le=100, description="Index of the 10 min state; 100 is without fault")]
        | UnsetType
    ) = UNSET
    quality_grade: (
        Annotated[
            Literal["excellent", "good", "fair", "poor"],
            Meta(description="By index: excellent above 90, good 70 to 90, fair 50 to 70, poor below 50"),
        ]
        | UnsetType
    ) = UNSET
    improvement_recommendations: (
        Annotated[list[str], Meta(description="What would raise the index most, first things first")]
        | UnsetType
    ) = UNSET


class VoltageSag(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """Will the voltage sag within the next 10 minutes?"""

    sag_probability: (
        Annotated[float, Meta(ge=0, le=1, description="Probability of a sag within 10 min")] | UnsetType
    ) = UNSET
    expected_sag_depth: (
        Annotated[
            float, Meta(ge=0, le=100, description="Depth if one comes, of nominal", extra={"unit": "%"})
        ]
        | UnsetType
    ) = UNSET
    expected_duration: (
        Annotated[float, Meta(ge=0, description="Duration if one comes", extra={"unit": "ms"})] | UnsetType
    ) = UNSET
    likely_cause: (
        Annotated[
            Literal["fault", "motor_starting", "capacitor_switching"], Meta(description="Most probable cause")
        ]
        | UnsetType
    ) = UNSET
