"""Answers of the module `monitoring`: what is happening now."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from data_contracts.answers.base import Answer


class VoltageAnomaly(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """Is the voltage of this window unlike normal operation?"""

    anomaly_detected: (
        Annotated[bool, Meta(description="The score lies below the version's threshold")] | UnsetType
    ) = UNSET
    anomaly_score: (
        Annotated[float, Meta(ge=-1, le=1, description="Isolation score; −1 anomalous, 1 ordinary")]
        | UnsetType
    ) = UNSET
    outlier_features: (
        Annotated[
            list[str],
            Meta(max_length=5, description="Features furthest from normal operation, furthest first"),
        ]
        | UnsetType
    ) = UNSET


class HarmonicAnalysis(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """How distorted is the primary voltage?"""

    thd_estimate: (
        Annotated[
            float,
            Meta(ge=0, description="Total harmonic distortion of the primary voltage", extra={"unit": "%"}),
        ]
        | UnsetType
    ) = UNSET
    harmonic_level: (
        Annotated[
            Literal["low", "medium", "high"],
            Meta(description="By THD: low below 3 %, medium 3 to 5 %, high above 5 %"),
        ]
        | UnsetType
    ) = UNSET
    dominant_harmonics: (
        Annotated[list[int], Meta(description="Orders of the largest harmonics, largest first")] | UnsetType
    ) = UNSET


class FrequencyStability(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """Where is the frequency going?"""

    predicted_frequency: (
        Annotated[float, Meta(ge=0, description="Frequency 5 s ahead", extra={"unit": "Hz"})] | UnsetType
    ) = UNSET
    stability_score: (
        Annotated[float, Meta(ge=0, le=100, description="100 is steady at nominal")] | UnsetType
    ) = UNSET
    trend: (
        Annotated[
            Literal["stable", "increasing", "decreasing"], Meta(description="Direction over the next 5 s")
        ]
        | UnsetType
    ) = UNSET


class PhaseImbalance(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """How unbalanced are the voltages, by the true |V2|/|V1|?"""

    imbalance_class: (
        Annotated[
            Literal["balanced", "minor", "moderate", "severe"],
            Meta(
                description="By true VUF: balanced below 2 %, minor 2 to 5, moderate 5 to 10, severe above 10"
            ),
        ]
        | UnsetType
    ) = UNSET
    confidence: (
        Annotated[float, Meta(ge=0, le=1, description="Probability of the class named")] | UnsetType
    ) = UNSET
    critical_phase: (
        Annotated[Literal["A", "B", "C"], Meta(description="Phase that departs most from the mean")]
        | UnsetType
    ) = UNSET
