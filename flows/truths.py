"""What was truly so in an episode, in the words of each model's answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from data_contracts.columns import PHASES
from flows.episodes import Episode
from models import frequency_regimes
from models.catalogue import definition
from models.dataset import truth_windows
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


def thd_pct(capture: Mapping[str, Any]) -> float:
    """True distortion of a captured voltage, worst phase, %, from its row of `waveforms_truth`."""
    return float(max(capture[f"thd_v_{phase}_pct"] for phase in PHASES))


def _labels(model: str, episode: Episode) -> Labels | None:
    """Labels of the window by the model's own declaration; None where its truth does not cover it."""
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


TRUTHS: Mapping[str, Callable[[Episode], dict[str, Any]]] = {
    "phase_imbalance": _of_phase_imbalance,
    "voltage_anomaly": _of_voltage_anomaly,
    "harmonic_analysis": _of_harmonic_analysis,
    "frequency_stability": _of_frequency_stability,
}
