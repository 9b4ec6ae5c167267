"""An answer of the endpoint set beside the truth of its window."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flows.answers import Answered, compare, happened, markdown, spoken, tallies, write
from flows.episodes import TOPICS, Episode, Window
from switchyard.files import read_json
from switchyard.home import Home

MODELS = ("phase_imbalance", "voltage_anomaly")
START = datetime(2025, 1, 18, 6, 30, tzinfo=UTC)


def episode(*, event: str = "open_conductor", vuf_pct: float | None = 6.0) -> Episode:
    seconds = [START + timedelta(seconds=second) for second in range(10)]
    acts = event != "none"
    truth = pa.table(
        {
            "scenario_id": ["mumbai.mini.11.unbalance.000004"] * 10,
            "point": ["F331.END"] * 10,
            "t": pa.array(seconds, pa.timestamp("ms", tz="UTC")),
            "v_a_v": [19_000.0] * 10,
            "v_b_v": [17_000.0] * 10,
            "v_c_v": [19_100.0] * 10,
            "v_ab_v": [31_000.0] * 10,
            "v_bc_v": [31_100.0] * 10,
            "v_ca_v": [33_000.0] * 10,
            "vuf_pct": pa.array([vuf_pct] * 10, pa.float64()),
            "f_hz": [50.0] * 10,
            "event": [event] * 10,
            "event_phase": ["b" if acts else ""] * 10,
            "severity": pa.array([12.5 if acts else None] * 10, pa.float64()),
            "active": [acts] * 10,
        }
    )
    window = Window(
        topic=TOPICS[1],
        scenario_id="mumbai.mini.11.unbalance.000004",
        point="F331.END",
        seconds=tuple(int(second.timestamp()) for second in seconds),
        strength=6.0,
    )
    return Episode(window, {"substation": "mumbai", "point": "F331.END", "readings": []}, truth)


def response(imbalance: dict[str, Any], anomaly: dict[str, Any]) -> dict[str, Any]:
    return {
        "request_id": "r-1",
        "snapshot": "000001-abc",
        "inference_time_ms": 0.4,
        "monitoring": {"phase_imbalance": imbalance, "voltage_anomaly": anomaly},
    }


SEEN = {
    "status": "ok",
    "model_version": "phase_imbalance:1",
    "imbalance_class": "moderate",
    "confidence": 0.93,
    "critical_phase": "B",
}
ALARM = {
    "status": "ok",
    "model_version": "voltage_anomaly:2",
    "anomaly_detected": True,
    "anomaly_score": -0.5,
    "outlier_features": ["v_dev_b_pu"],
}


def test_compare__right_answers__agree_with_the_truth() -> None:
    asked = compare(episode(), response(SEEN, ALARM), MODELS)
    imbalance, anomaly = asked.comparisons
    assert imbalance.truth == {"imbalance_class": "moderate", "critical_phase": "B"}
    assert imbalance.answered == {"imbalance_class": "moderate", "confidence": 0.93, "critical_phase": "B"}
    assert imbalance.agrees is True
    assert anomaly.truth == {"anomaly_detected": True}
    assert anomaly.agrees is True
    assert anomaly.model_version == "voltage_anomaly:2"
    assert happened(asked) == "open conductor on b, 12.5 × error limit, VUF 6.00 %"


def test_compare__wrong_class__does_not_agree() -> None:
    asked = compare(episode(), response({**SEEN, "imbalance_class": "minor"}, ALARM), MODELS)
    assert asked.comparisons[0].agrees is False


def test_compare__abstained__neither_right_nor_wrong_and_the_reason_kept() -> None:
    silent = {"status": "abstained", "reason": "missing_input", "detail": "v_ll is missing"}
    asked = compare(episode(), response(silent, ALARM), MODELS)
    assert asked.comparisons[0].agrees is None
    assert asked.comparisons[0].reason == "missing_input: v_ll is missing"
    assert asked.comparisons[0].answered == {}


def test_compare__normal_operation__an_alarm_is_wrong() -> None:
    asked = compare(episode(event="none", vuf_pct=0.2), response(SEEN, ALARM), MODELS)
    assert [found.agrees for found in asked.comparisons] == [False, False]
    assert asked.severity is None
    assert happened(asked) == "normal operation, VUF 0.20 %"


def test_compare__unbalance_not_defined__null_in_the_report(tmp_path: Path) -> None:
    asked = compare(episode(vuf_pct=None), response(SEEN, ALARM), MODELS)
    assert asked.vuf_pct is None
    json_path, _ = write(Home(tmp_path), [asked])
    assert read_json(json_path)[0]["vuf_pct"] is None


def monitoring(**answers: dict[str, Any]) -> dict[str, Any]:
    return {**response({}, {}), "monitoring": answers}


def test_compare__capture__its_solved_distortion_is_the_truth() -> None:
    capture = {"thd_v_a_pct": 2.1, "thd_v_b_pct": 4.236, "thd_v_c_pct": 1.0}
    answer = {"status": "ok", "model_version": "harmonic_analysis:1", "harmonic_level": "medium"}
    asked = compare(
        replace(episode(event="none"), capture=capture),
        monitoring(harmonic_analysis={**answer, "thd_estimate": 4.2}),
        ("harmonic_analysis",),
    )
    assert asked.comparisons[0].truth == {"harmonic_level": "medium", "thd_estimate": 4.24}
    assert asked.comparisons[0].agrees is True
    assert happened(asked) == "normal operation, VUF 6.00 %, THD 4.24 %"


def test_compare__no_capture__distortion_has_no_truth() -> None:
    answer = {"status": "ok", "model_version": "harmonic_analysis:1", "harmonic_level": "low"}
    asked = compare(episode(), monitoring(harmonic_analysis=answer), ("harmonic_analysis",))
    assert asked.comparisons[0].truth == {}
    assert asked.comparisons[0].agrees is None


@pytest.mark.parametrize(
    ("ahead_hz", "trend"), [(50.004, "stable"), (50.03, "increasing"), (49.98, "decreasing")]
)
def test_compare__episode_goes_on__the_true_trend_decides(ahead_hz: float, trend: str) -> None:
    answer = {"status": "ok", "model_version": "frequency_stability:1", "trend": "increasing"}
    asked = compare(
        replace(episode(), f_ahead_hz=ahead_hz),
        monitoring(frequency_stability=answer),
        ("frequency_stability",),
    )
    assert asked.comparisons[0].truth == {"trend": trend, "predicted_frequency": ahead_hz}
    assert asked.comparisons[0].agrees is (trend == "increasing")


def test_markdown__answers__one_row_a_model() -> None:
    asked: Answered = compare(episode(), response(SEEN, ALARM), MODELS)
    rows = [line for line in markdown([asked]).splitlines() if line.startswith("| mumbai")]
    assert len(rows) == 2
    assert "imbalance_class moderate, confidence 0.93, critical_phase B" in rows[0]
    assert "anomaly_detected yes" in rows[1]


def test_tallies__answers_and_silence__counted_with_an_example_told_rightly() -> None:
    silent = {"status": "abstained", "reason": "missing_input", "detail": "v_ll is missing"}
    wrong, right, none = (
        compare(episode(), response(answer, ALARM), MODELS)
        for answer in ({**SEEN, "imbalance_class": "minor"}, SEEN, silent)
    )
    imbalance, anomaly = tallies([wrong, right, none])
    assert (imbalance.asked, imbalance.answered, imbalance.judged, imbalance.right) == (3, 2, 2, 1)
    assert imbalance.silent == {"missing_input": 1}
    assert imbalance.example == (right, right.comparisons[0])
    assert (anomaly.answered, anomaly.right, anomaly.silent) == (3, 3, {})
    assert "| phase_imbalance | 3 | 2 | 2 | 1 | 1 missing input |" in markdown([wrong, right, none])


def test_spoken__figures_by_horizon__each_by_its_name_and_intervals_by_their_bounds() -> None:
    fields = {"forecasted_load": {"15min": 5862851.1, "1h": 2.0}, "confidence_interval": {"1h": [1.5, 2.5]}}
    assert spoken(fields) == "forecasted_load 15min 5.8629e+06, 1h 2, confidence_interval 1h 1.5 to 2.5"
