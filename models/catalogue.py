"""All sixteen names, their modules and answers, and where they are defined."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from data_contracts.answers import ANSWERS, MODULE_OF, Answer
from models.errors import ModelError
from models.protocol import Definition

# Where a model is defined, as an object called DEFINITION.
PLACES = {
    "voltage_anomaly": "models.monitoring.voltage_anomaly",
    "harmonic_analysis": "models.monitoring.harmonic_analysis",
    "frequency_stability": "models.monitoring.frequency_stability",
    "phase_imbalance": "models.monitoring.phase_imbalance",
    "equipment_failure": "models.maintenance.equipment_failure",
    "overload_risk": "models.maintenance.overload_risk",
    "voltage_sag": "models.maintenance.voltage_sag",
    "power_quality_index": "models.maintenance.power_quality_index",
    "demand_response": "models.energy.demand_response",
    "energy_loss": "models.energy.energy_loss",
    "load_forecast": "models.energy.load_forecast",
    "load_balancing": "models.decision.load_balancing",
    "grid_stability": "models.decision.grid_stability",
    "optimal_dispatch": "models.decision.optimal_dispatch",
    "reactive_power": "models.decision.reactive_power",
    "power_flow_optimization": "models.energy.power_flow_optimization",
}

ALGORITHMS = {
    "load_forecast": {
        "n_beats": "models.energy.load_forecast_n_beats",
        "combined": "models.energy.load_forecast_combined",
    },
    "voltage_anomaly": {"phase_voltages": "models.monitoring.voltage_anomaly_phases"},
    "phase_imbalance": {"phase_voltages": "models.monitoring.phase_imbalance_phases"},
}
"""Where a model's further algorithms are defined, likewise: the same rows, answers and metrics."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of the catalogue.

    Attributes:
        name: Registered name.
        module: monitoring, maintenance, energy or decision.
        answer: Type of its answer on the wire.
        place: Python module that defines it.
    """

    name: str
    module: str
    answer: type[Answer]
    place: str


CATALOGUE = tuple(Entry(name, MODULE_OF[name], answer, PLACES[name]) for name, answer in ANSWERS.items())
NAMES = tuple(entry.name for entry in CATALOGUE)


def entry(name: str) -> Entry:
    """The catalogue's entry for `name`.

    Raises:
        ModelError: No such model.
    """
    for known in CATALOGUE:
        if known.name == name:
            return known
    raise ModelError(f"no model {name!r}", f"choose one of {', '.join(NAMES)}")


def definition(name: str, algorithm: str = "") -> Definition[Any]:
    """The declaration of `name`, imported when it is first asked for.

    Args:
        name: The model.
        algorithm: One of its further algorithms; empty for its first.

    Raises:
        ModelError: No such model, or it has no such algorithm.
    """
    place = entry(name).place
    if algorithm:
        further = ALGORITHMS.get(name, {})
        if algorithm not in further:
            known = f"it has {', '.join(further)} beside its first" if further else "it has one only"
            raise ModelError(f"{name} has no algorithm {algorithm!r}", known)
        place = further[algorithm]
    found: Definition[Any] = import_module(place).DEFINITION
    return found
