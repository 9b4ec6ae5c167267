"""Answers of the module `decision`: what to do."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from data_contracts.answers.base import Answer


class Switching(msgspec.Struct, frozen=True, kw_only=True):
    """One capacitor bank: steps in service now and steps to have in service."""

    bank: str
    present: int
    target: int


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """One feeder to move from a transformer or traction phase pair to another."""

    feeder: str
    origin: str
    target: str


class ReactivePower(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """How much reactive power to compensate, and with which banks?"""

    recommended_compensation: (
        Annotated[float, Meta(description="Compensation to add; negative to take off", extra={"unit": "var"})]
        | UnsetType
    ) = UNSET
    expected_power_factor: (
        Annotated[float, Meta(ge=0, le=1, description="Power factor afterwards")] | UnsetType
    ) = UNSET
    capacitor_switching_plan: (
        Annotated[list[Switching], Meta(description="Banks to switch, in order")] | UnsetType
    ) = UNSET


class LoadBalancing(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """Which feeders to move so that transformers and phases share the load?"""

    balancing_recommendation: (
        Annotated[list[Transfer], Meta(description="Feeder transfers, in order; empty to leave things")]
        | UnsetType
    ) = UNSET
    balance_score: (
        Annotated[float, Meta(ge=0, le=100, description="Balance now; 100 is even")] | UnsetType
    ) = UNSET
    expected_imbalance_reduction: (
        Annotated[float, Meta(le=100, description="Imbalance removed by the transfers", extra={"unit": "%"})]
        | UnsetType
    ) = UNSET


class GridStability(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """How far is the grid from losing stability?"""

    stability_score: (
        Annotated[float, Meta(ge=0, le=100, description="Margin to the nearest limit; 100 is far")]
        | UnsetType
    ) = UNSET
    stability_class: (
        Annotated[
            Literal["stable", "marginal", "unstable"],
            Meta(description="By score: stable above 80, marginal 60 to 80, unstable below 60"),
        ]
        | UnsetType
    ) = UNSET
    risk_factors: (
        Annotated[list[str], Meta(description="What limits the margin, most limiting first")] | UnsetType
    ) = UNSET


class OptimalDispatch(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """What should each unit produce?"""

    dispatch_recommendation: (
        Annotated[dict[str, float], Meta(description="Output of each unit", extra={"unit": "MW"})] | UnsetType
    ) = UNSET
    expected_cost: (
        Annotated[float, Meta(description="Cost of that dispatch", extra={"unit": "currency/h"})] | UnsetType
    ) = UNSET
    cost_savings: (
        Annotated[
            float,
            Meta(le=100, description="Saved against merit order at fixed shares", extra={"unit": "%"}),
        ]
        | UnsetType
    ) = UNSET
