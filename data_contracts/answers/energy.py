"""Answers of the module `energy`: how much is needed, lost and could be shifted."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from data_contracts.answers.base import Answer


class HorizonValues(msgspec.Struct, frozen=True, kw_only=True):
    """One figure a horizon."""

    min_15: float = msgspec.field(name="15min")
    h_1: float = msgspec.field(name="1h")
    h_24: float = msgspec.field(name="24h")


class HorizonIntervals(msgspec.Struct, frozen=True, kw_only=True):
    """Lower and upper bound a horizon."""

    min_15: tuple[float, float] = msgspec.field(name="15min")
    h_1: tuple[float, float] = msgspec.field(name="1h")
    h_24: tuple[float, float] = msgspec.field(name="24h")


class Controls(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of what can be switched: tap positions and capacitor steps by the device's name."""

    taps: dict[str, int]
    capacitor_steps: dict[str, int]


class LoadForecast(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """How much will the feeder draw?"""

    forecasted_load: (
        Annotated[HorizonValues, Meta(description="Load in 15 min, 1 h and 24 h", extra={"unit": "W"})]
        | UnsetType
    ) = UNSET
    confidence_interval: (
        Annotated[
            HorizonIntervals, Meta(description="Interval that holds 90 % of outcomes", extra={"unit": "W"})
        ]
        | UnsetType
    ) = UNSET
    mape: (
        Annotated[
            float,
            Meta(ge=0, description="The version's mean absolute error on held-out days", extra={"unit": "%"}),
        ]
        | UnsetType
    ) = UNSET


class EnergyLoss(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """How much is lost here, and in which part?"""

    estimated_loss: (
        Annotated[float, Meta(ge=0, description="Loss of the power that flows through", extra={"unit": "%"})]
        | UnsetType
    ) = UNSET
    loss_in_watts: (
        Annotated[float, Meta(ge=0, description="The same as power", extra={"unit": "W"})] | UnsetType
    ) = UNSET
    loss_category: (
        Annotated[
            Literal["resistive", "reactive", "core"],
            Meta(description="The part furthest above its share by design"),
        ]
        | UnsetType
    ) = UNSET


class PowerFlowOptimization(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """Which taps and capacitor steps lose least at the same energy served?"""

    optimal_configuration: (
        Annotated[Controls, Meta(description="Tap positions and capacitor steps to set")] | UnsetType
    ) = UNSET
    efficiency_gain: (
        Annotated[
            float,
            Meta(
                description="Loss saved, of the present loss, at constant served energy", extra={"unit": "%"}
            ),
        ]
        | UnsetType
    ) = UNSET
    cost_savings: (
        Annotated[float, Meta(description="Value of the loss saved", extra={"unit": "currency/day"})]
        | UnsetType
    ) = UNSET


class DemandResponse(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """What kind of consumer is this, and how much could it shift?"""

    demand_cluster: (
        Annotated[
            Literal["base_load", "peak_shaver", "flexible", "critical"],
            Meta(description="Kind of load profile"),
        ]
        | UnsetType
    ) = UNSET
    dr_potential: (
        Annotated[float, Meta(ge=0, description="Power that could be shifted", extra={"unit": "kW"})]
        | UnsetType
    ) = UNSET
    response_recommendation: Annotated[str, Meta(description="What to ask of it")] | UnsetType = UNSET
