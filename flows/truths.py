"""What was truly so in an episode, in the words of each model's answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from data_contracts.columns import PHASES
from data_contracts.compensation import planned_steps
from flows.episodes import Episode
from models import failure_outlook, frequency_regimes, hot_spot_levels
from models.catalogue import definition
from models.dataset import truth_windows
from models.energy import energy_loss
from models.monitoring import harmonic_analysis, phase_imbalance
from models.rows import Names

Labels = Mapping[str, Any]


def truth_of(model: str, episode: Episode) -> dict[str, Any]:
    """The fields of a model's answer whose truth is known here, the one that decides first.

    Args:
        model: Model of the catalogue.
        episode: What was asked.

    Returns:
        Empty where the model's truth is not known or not defined in this window.
    """
    return TRUTHS[model](episode) if model in TRUTHS else {}


def agreement(model: str, answered: Mapping[str, Any], truth: Mapping[str, Any]) -> bool | None:
    """Whether an answer tells the truth: intervals hold it, else its deciding field is told rightly.

    Args:
        model: Model of the catalogue.
        answered: Fields of its answer; empty where there is none.
        truth: What `truth_of` says.

    Returns:
        None where there is no answer, no truth, or none that a single case could prove.
    """
    field = next(iter(truth), None)
    if field is None or field not in answered:
        return None
    if model == "load_forecast":
        bounds = answered["confidence_interval"]
        return all(bounds[name][0] <= load <= bounds[name][1] for name, load in truth[field].items())
    return bool(answered[field] == truth[field])


def thd_pct(capture: Mapping[str, Any]) -> float:
    """True distortion of a captured voltage, worst phase, %, from its row of `waveforms_truth`."""
    return float(max(capture[f"thd_v_{phase}_pct"] for phase in PHASES))


def _labels(model: str, episode: Episode) -> Labels | None:
    """Labels of the window by the model's own declaration; None where its truth does not cover it."""
    if not episode.window.recorded:
        return None
    declared = definition(model)
    windows, known = truth_windows(
        episode.truth,
        declared,
        Names.of([episode.window.scenario_id]),
        Names.of([episode.window.point]),
        np.asarray([episode.window.seconds[-1]], dtype=np.int64),
    )
    return declared.label(windows) if known.all() else None


def _of_phase_imbalance(episode: Episode) -> dict[str, Any]:
    labels = _labels("phase_imbalance", episode)
    if labels is None:
        return {}
    truth: dict[str, Any] = {"imbalance_class": phase_imbalance.CLASSES[int(labels["code"][0])]}
    if labels["unbalanced"][0]:
        truth["critical_phase"] = phase_imbalance.PHASES[int(labels["phase"][0])]
    return truth


def _of_voltage_anomaly(episode: Episode) -> dict[str, Any]:
    labels = _labels("voltage_anomaly", episode)
    return {} if labels is None else {"anomaly_detected": bool(labels["anomaly"][0])}


def _of_harmonic_analysis(episode: Episode) -> dict[str, Any]:
    if episode.capture is None:
        return {}
    thd = thd_pct(episode.capture)
    code = int(harmonic_analysis.class_of(np.asarray([thd]))[0])
    return {"harmonic_level": harmonic_analysis.CLASSES[code], "thd_estimate": round(thd, 2)}


def _of_frequency_stability(episode: Episode) -> dict[str, Any]:
    if episode.f_ahead_hz is None:
        return {}
    now = float(episode.truth["f_hz"][-1].as_py())
    code = int(frequency_regimes.trend_of(np.asarray([episode.f_ahead_hz - now]))[0])
    return {
        "trend": frequency_regimes.TRENDS[code],
        "predicted_frequency": round(episode.f_ahead_hz, 4),
    }


def _of_overload_risk(episode: Episode) -> dict[str, Any]:
    told = episode.window.told
    if told is None or "hot_spots_c" not in told.truth:
        return {}
    ahead = np.asarray(told.truth["hot_spots_c"], dtype=np.float64)
    code = int(hot_spot_levels.level_of(ahead.max(keepdims=True))[0])
    truth: dict[str, Any] = {"risk_level": hot_spot_levels.CLASSES[code]}
    if code >= hot_spot_levels.OVER:
        truth["time_to_overload"] = float(np.argmax(ahead > hot_spot_levels.OVER_C) + 1)
    return truth


def _told(episode: Episode, *names: str) -> Mapping[str, Any]:
    """What was told of the episode besides; empty where one of the names is not among it."""
    told = episode.window.told
    return told.truth if told is not None and all(name in told.truth for name in names) else {}


def _of_equipment_failure(episode: Episode) -> dict[str, Any]:
    told = _told(episode, "risk_30d", "failed_within_30d")
    if not told:
        return {}
    code = int(failure_outlook.level_of(np.asarray([told["risk_30d"]], dtype=np.float64))[0])
    return {
        "risk_level": failure_outlook.LEVELS[code],
        "failure_risk": told["risk_30d"],
        "failed_within_30d": bool(told["failed_within_30d"]),
    }


def _of_power_quality_index(episode: Episode) -> dict[str, Any]:
    told = _told(episode, "grade", "index")
    return {"quality_grade": told["grade"], "power_quality_index": told["index"]} if told else {}


def _of_load_forecast(episode: Episode) -> dict[str, Any]:
    told = _told(episode, "loads_w")
    return {"forecasted_load": dict(told["loads_w"])} if told else {}


def _of_energy_loss(episode: Episode) -> dict[str, Any]:
    told = _told(episode, "total_w", "p_supplied_w")
    if not told:
        return {}
    above = {
        part: told[f"{part}_w"] / told["total_w"] - told[f"design_{part}"] for part in energy_loss.CLASSES
    }
    return {
        "loss_category": max(above, key=above.__getitem__),
        "loss_in_watts": told["total_w"],
        "estimated_loss": 100.0 * told["total_w"] / told["p_supplied_w"],
    }


def _of_voltage_sag(episode: Episode) -> dict[str, Any]:
    told = _told(episode, "events")
    if not told:
        return {}
    truth: dict[str, Any] = {"event_within_10_min": bool(told["events"])}
    if told["events"]:
        first = told["events"][0]
        truth |= {
            "expected_sag_depth": first["depth_pct"],
            "expected_duration": first["duration_ms"],
            "likely_cause": first["cause"],
        }
    return truth


def _of_reactive_power(episode: Episode) -> dict[str, Any]:
    told = _told(episode, "bank", "steps", "bank_steps", "rated_var", "optimal_var", "power_factor")
    if not told:
        return {}
    step_var, present = told["rated_var"] / told["bank_steps"], told["steps"]
    wanted = np.array([told["optimal_var"] / step_var])
    target = int(planned_steps(wanted, np.array([present]), np.array([told["bank_steps"]]))[0])
    switched = [{"bank": told["bank"], "present": present, "target": target}] if target != present else []
    return {
        "capacitor_switching_plan": switched,
        "recommended_compensation": told["optimal_var"] - present * step_var,
        "expected_power_factor": told["power_factor"],
    }


def _of_grid_stability(episode: Episode) -> dict[str, Any]:
    return dict(_told(episode, "stability_class", "stability_score", "limited_by", "failure"))


def _of_demand_response(episode: Episode) -> dict[str, Any]:
    told = _told(episode, "true_class", "flexible_w")
    return {"demand_cluster": told["true_class"], "dr_potential": told["flexible_w"] / 1e3} if told else {}


TRUTHS: Mapping[str, Callable[[Episode], dict[str, Any]]] = {
    "phase_imbalance": _of_phase_imbalance,
    "voltage_anomaly": _of_voltage_anomaly,
    "harmonic_analysis": _of_harmonic_analysis,
    "frequency_stability": _of_frequency_stability,
    "overload_risk": _of_overload_risk,
    "equipment_failure": _of_equipment_failure,
    "power_quality_index": _of_power_quality_index,
    "load_forecast": _of_load_forecast,
    "energy_loss": _of_energy_loss,
    "voltage_sag": _of_voltage_sag,
    "demand_response": _of_demand_response,
    "reactive_power": _of_reactive_power,
    "grid_stability": _of_grid_stability,
}
