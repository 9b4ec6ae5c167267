"""What of a model is watched for drift while it is served, with the deciles of its training rows.

A few quantities of each: what the model goes by most, as the literature of its subject has it, and what it
says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

DIGITS = 6
MOST_FEATURES = 4

FEATURES: Mapping[str, tuple[str, ...]] = {
    "voltage_anomaly": ("v_mean_pu", "v_min_dip_pu", "v_max_rise_pu", "vuf_line_pct"),
    "harmonic_analysis": ("thd_v_wave_pct", "thd_worst_pct", "h5_v_pct", "h7_v_pct"),
    "frequency_stability": ("f_mean_hz", "seq_slope_hz_s.0"),
    "phase_imbalance": ("v_mean_pu", "vuf_line_pct", "pvur_pct"),
    "equipment_failure": ("asset_age_y", "maintenance_age_h", "asset_anomalies_30d", "asset_load_pu"),
    "overload_risk": ("loading_60min_pu", "top_oil_c", "ambient_c", "hot_spot_ahead_c"),
    "power_quality_index": ("thd_worst_pct", "vuf_line_pct", "pst", "v_std_pu"),
    "voltage_sag": ("wind_m_s", "lightning_per_h", "ambient_c", "events_7d"),
    "load_forecast": ("load_week_level_pu", "load_day_mean_pu", "load_like_1h_pu"),
    "energy_loss": ("no_load_share", "station_tan_phi", "infeed_v_pu", "ambient_c"),
    "power_flow_optimization": ("station_tan_phi", "station_low_share", "infeed_v_pu", "bank_share"),
    "demand_response": (
        "profile_load_factor", "profile_peak_hours_share", "profile_night_share", "price_response_pct",
    ),
    "reactive_power": ("bank_p_fed_pu", "bank_q_fed_pu", "bank_v_pu", "station_tan_phi"),
    "load_balancing": ("moves0_imbalance_pct", "moves0_utilisation_pct"),
    "grid_stability": (
        "load_metered_mw", "renewable_share_metered", "inertia_estimate_s", "loading_max_metered_pct",
    ),
    "optimal_dispatch": ("system_load_mw", "b08_wind_mw", "b04_solar_mw", "b31_gas_per_mwh"),
}  # fmt: skip

OUTPUTS: Mapping[str, tuple[str, ...]] = {
    "voltage_anomaly": ("anomaly_score", "anomaly_detected"),
    "harmonic_analysis": ("thd_estimate", "harmonic_level"),
    "frequency_stability": ("predicted_frequency", "trend"),
    "phase_imbalance": ("imbalance_class", "confidence"),
    "equipment_failure": ("failure_risk", "risk_level"),
    "overload_risk": ("risk_score", "risk_level"),
    "power_quality_index": ("power_quality_index", "quality_grade"),
    "voltage_sag": ("sag_probability", "likely_cause"),
    "load_forecast": ("mape",),
    "energy_loss": ("estimated_loss", "loss_category"),
    "power_flow_optimization": ("efficiency_gain",),
    "demand_response": ("demand_cluster", "dr_potential"),
    "reactive_power": ("recommended_compensation", "expected_power_factor"),
    "load_balancing": ("balance_score", "expected_imbalance_reduction"),
    "grid_stability": ("stability_score", "stability_class"),
    "optimal_dispatch": ("cost_savings",),
}


def watched(
    model: str, columns: Mapping[str, Float], answers: Sequence[Mapping[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """What the specification of a version says under `watched`; JSON-able.

    Args:
        model: Name of the model.
        columns: Its inputs over training rows by name, NaN where unknown.
        answers: Its answers on rows that it was not fitted to.
    """
    names = [name for name in FEATURES[model] if name in columns]
    return {
        "features": [figures(name, columns[name]) for name in names],
        "outputs": [output(name, [answer.get(name) for answer in answers]) for name in OUTPUTS[model]],
    }


def figures(name: str, values: Float) -> dict[str, Any]:
    """A number's edges at the deciles of its known values, each once, and the share of every bin.

    A figure on an edge belongs below it. The last share is that of missing values.
    """
    known = values[np.isfinite(values)]
    edges: Float = np.zeros(0)
    if known.size:
        deciles = np.quantile(known, np.linspace(0.1, 0.9, 9), method="lower")
        edges = np.unique([float(f"{value:.{DIGITS - 1}e}") for value in deciles.tolist()])
    counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    return {"name": name, "edges": edges.tolist(), "shares": _shares([*counts, values.size - known.size])}


def output(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """A field of the answers: a number as `figures`, anything else by its words."""
    known = [value for value in values if value is not None]
    if known and not any(isinstance(value, bool | str) for value in known):
        return figures(name, np.array([np.nan if value is None else value for value in values], dtype=float))
    told = [str(value).lower() if isinstance(value, bool) else value for value in known]
    words = sorted(set(told))
    counts = [*(told.count(one) for one in words), 0, len(values) - len(known)]
    return {"name": name, "values": words, "shares": _shares(counts)}


def _shares(counts: Sequence[int]) -> list[float]:
    total = max(1, sum(counts))
    return [float(round(count / total, DIGITS)) for count in counts]
