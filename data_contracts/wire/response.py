"""The response of `POST /v1/infer`, and the problem documents (RFC 9457) that stand for an error."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from data_contracts.answers import decision, energy, maintenance, monitoring


class Monitoring(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answers about what is happening now. A model that was not asked for is left out."""

    voltage_anomaly: monitoring.VoltageAnomaly | UnsetType = UNSET
    harmonic_analysis: monitoring.HarmonicAnalysis | UnsetType = UNSET
    frequency_stability: monitoring.FrequencyStability | UnsetType = UNSET
    phase_imbalance: monitoring.PhaseImbalance | UnsetType = UNSET


class Maintenance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answers about wear, overload, quality and sags. A model that was not asked for is left out."""

    equipment_failure: maintenance.EquipmentFailure | UnsetType = UNSET
    overload_risk: maintenance.OverloadRisk | UnsetType = UNSET
    power_quality_index: maintenance.PowerQualityIndex | UnsetType = UNSET
    voltage_sag: maintenance.VoltageSag | UnsetType = UNSET


class Energy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answers about load and losses. A model that was not asked for is left out."""

    load_forecast: energy.LoadForecast | UnsetType = UNSET
    energy_loss: energy.EnergyLoss | UnsetType = UNSET
    power_flow_optimization: energy.PowerFlowOptimization | UnsetType = UNSET
    demand_response: energy.DemandResponse | UnsetType = UNSET


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answers about what to do. A model that was not asked for is left out."""

    reactive_power: decision.ReactivePower | UnsetType = UNSET
    load_balancing: decision.LoadBalancing | UnsetType = UNSET
    grid_stability: decision.GridStability | UnsetType = UNSET
    optimal_dispatch: decision.OptimalDispatch | UnsetType = UNSET


class InputQuality(msgspec.Struct, frozen=True, kw_only=True):
    """How good the readings were.

    Attributes:
        validity: The worst validity among them.
        readings: How many there were.
        questionable: How many of them are questionable.
        invalid: How many of them are invalid; a model sees these as missing.
        outside_training: Inputs that lie beyond what a model has learnt from, by model: its answer is an
            extrapolation. Left out where there is none.
    """

    validity: Literal["good", "questionable", "invalid"]
    readings: int
    questionable: int
    invalid: int
    outside_training: dict[str, list[str]] | UnsetType = UNSET


class LimitExceeded(msgspec.Struct, frozen=True, kw_only=True):
    """A limit of the point's voltage level that the latest valid reading exceeds.

    Attributes:
        quantity: `v_min`, `v_max`, `sag`, `interruption`, `swell`, `vuf`, `frequency`, `thd` or `current`; of
            a capture `thd_waveform` and `h<order>_waveform`.
        value: What was measured, in `unit`.
        limit: The limit, in `unit`.
        unit: Unit of both.
        standard: Where the limit comes from.
    """

    quantity: str
    value: float
    limit: float
    unit: str
    standard: str


class FieldError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One field that breaks the contract.

    Attributes:
        field: Its path in the item, such as `readings[3].v[1]`.
        rule: The rule's name.
        message: What must hold and what was found.
        value: What was found, where it can be shown.
    """

    field: str
    rule: str
    message: str
    value: str | float | int | bool | UnsetType | None = UNSET


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem document (RFC 9457).

    Attributes:
        type: A URI reference that names the kind of problem.
        title: The kind of problem in words.
        status: HTTP status.
        detail: What is wrong this time and what to do about it.
        instance: The request that had it.
        errors: The fields that break the contract.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str | UnsetType = UNSET
    errors: list[FieldError] | UnsetType = UNSET


class Response(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to one item: four modules of four models, or the problem that the item had.

    Attributes:
        request_id: Names the request in logs; the same for all items of a batch.
        timestamp: When it was answered.
        snapshot: The set of model versions that answered.
        inference_time_ms: From the decoded item to its answers.
        input_quality: How good the readings were.
        limit_exceeded: Limits that the latest valid reading exceeds; empty where it exceeds none.
        problem: Set, in place of everything below, for an item of a batch that breaks the contract.
    """

    request_id: str
    timestamp: datetime
    snapshot: str | UnsetType = UNSET
    inference_time_ms: float | UnsetType = UNSET
    input_quality: InputQuality | UnsetType = UNSET
    limit_exceeded: list[LimitExceeded] | UnsetType = UNSET
    monitoring: Monitoring | UnsetType = UNSET
    maintenance: Maintenance | UnsetType = UNSET
    energy: Energy | UnsetType = UNSET
    decision: Decision | UnsetType = UNSET
    problem: Problem | UnsetType = UNSET


class BatchResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The answers to a batch, in the order of its items."""

    items: list[Response]
