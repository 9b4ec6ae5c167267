"""Answers of the 16 models: names, modules and output fields, fixed because gateways depend on them."""

from __future__ import annotations

from data_contracts.answers.base import COMMON, Answer, Status
from data_contracts.answers.decision import GridStability, LoadBalancing, OptimalDispatch, ReactivePower
from data_contracts.answers.energy import DemandResponse, EnergyLoss, LoadForecast, PowerFlowOptimization
from data_contracts.answers.fields import AnswerField, output_fields
from data_contracts.answers.maintenance import EquipmentFailure, OverloadRisk, PowerQualityIndex, VoltageSag
from data_contracts.answers.monitoring import (
    FrequencyStability,
    HarmonicAnalysis,
    PhaseImbalance,
    VoltageAnomaly,
)

ANSWERS: dict[str, type[Answer]] = {
    "voltage_anomaly": VoltageAnomaly,
    "harmonic_analysis": HarmonicAnalysis,
    "frequency_stability": FrequencyStability,
    "phase_imbalance": PhaseImbalance,
    "equipment_failure": EquipmentFailure,
    "overload_risk": OverloadRisk,
    "power_quality_index": PowerQualityIndex,
    "voltage_sag": VoltageSag,
    "load_forecast": LoadForecast,
    "energy_loss": EnergyLoss,
    "power_flow_optimization": PowerFlowOptimization,
    "demand_response": DemandResponse,
    "reactive_power": ReactivePower,
    "load_balancing": LoadBalancing,
    "grid_stability": GridStability,
    "optimal_dispatch": OptimalDispatch,
}
"""Answer type by model name, in the order of the catalogue (1.1 to 4.4)."""

NAMES: tuple[str, ...] = tuple(ANSWERS)
"""Names of the 16 models."""

MODULES: dict[str, tuple[str, ...]] = {
    "monitoring": NAMES[0:4],
    "maintenance": NAMES[4:8],
    "energy": NAMES[8:12],
    "decision": NAMES[12:16],
}
"""Model names by module."""

MODULE_OF: dict[str, str] = {name: module for module, names in MODULES.items() for name in names}
"""Module by model name."""


def fields(model: str) -> tuple[AnswerField, ...]:
    """The output fields of the model called `model`, without the fields that every answer has.

    Raises:
        KeyError: There is no such model.
    """
    return output_fields(ANSWERS[model])


__all__ = ["ANSWERS", "COMMON", "MODULES", "MODULE_OF", "NAMES", "Answer", "AnswerField", "Status", "fields"]
