"""Decoders: from a compiled model's raw outputs to the fields that its answer has on the wire.

One module per model that can be served; adding a model means adding its module to `_DECODERS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from serving.answers import (
    demand_response,
    energy_loss,
    equipment_failure,
    frequency_stability,
    grid_stability,
    harmonic_analysis,
    load_balancing,
    load_forecast,
    optimal_dispatch,
    overload_risk,
    phase_imbalance,
    power_flow_optimization,
    power_quality_index,
    reactive_power,
    voltage_anomaly,
    voltage_sag,
)
from serving.answers.parameters import Builder, Decode
from serving.errors import SnapshotError

_DECODERS: dict[str, Builder] = {
    "equipment_failure": equipment_failure.build,
    "demand_response": demand_response.build,
    "energy_loss": energy_loss.build,
    "frequency_stability": frequency_stability.build,
    "grid_stability": grid_stability.build,
    "harmonic_analysis": harmonic_analysis.build,
    "load_balancing": load_balancing.build,
    "load_forecast": load_forecast.build,
    "optimal_dispatch": optimal_dispatch.build,
    "overload_risk": overload_risk.build,
    "phase_imbalance": phase_imbalance.build,
    "power_flow_optimization": power_flow_optimization.build,
    "power_quality_index": power_quality_index.build,
    "reactive_power": reactive_power.build,
    "voltage_anomaly": voltage_anomaly.build,
    "voltage_sag": voltage_sag.build,
}


def build_decoder(model: str, parameters: Mapping[str, Any], features: Sequence[str], version: str) -> Decode:
    """Decoder of a model.

    Args:
        model: Name of the model.
        parameters: The decoder's parameters, from `spec.json`.
        features: Names of the model's inputs, in order.
        version: What the answers give as their `model_version`.

    Raises:
        SnapshotError: This version has no decoder for the model, or the parameters do not fit it.
    """
    build = _DECODERS.get(model)
    if build is None:
        raise SnapshotError(
            f"{model} has no decoder in this version of Switchyard",
            f"serve with the version that trained it, or publish only {', '.join(_DECODERS)}",
        )
    return build(parameters, tuple(features), version)
