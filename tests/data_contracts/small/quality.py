"""The supply's quality: intervals of ten minutes, voltage events, faults."""

import json

from tests.data_contracts.small.arrow import START_MS


def power_quality_columns():
    """Columns of `power_quality`: four intervals at one point, well within the limits of 33 kV."""
    rows, t = 4, START_MS - START_MS % 600_000
    indicators = {
        "vuf_pct": 0.6, "thd_pct": 2.0, "harmonic_pct": 1.5, "pst": 0.45, "event_severity": 0.0,
        "f_dev_max_hz": 0.05,
    }  # fmt: skip
    limits = {
        "v_min_limit_pu": 0.9, "v_max_limit_pu": 1.1, "vuf_limit_pct": 3.0, "thd_limit_pct": 5.0,
        "harmonic_limit_pct": 3.0, "pst_limit": 0.9, "f_dev_limit_hz": 0.5,
    }  # fmt: skip
    ratios = {"voltage": 0.2, "unbalance": 0.2, "harmonics": 0.5, "flicker": 0.5, "events": 0.0}
    numbers = {
        **indicators, **limits, **{f"{name}_ratio": value for name, value in ratios.items()},
        "frequency_ratio": 0.1, "unified": 0.5, "index": 85.0, "u_a_pu": 1.0, "u_b_pu": 1.02, "u_c_pu": 1.01,
        "u_min_pu": 0.99, "u_max_pu": 1.03, "event_s": 0.0, "f_dev_mean_hz": 0.02, "metered_u_a_pu": 1.001,
        "metered_u_b_pu": 1.021, "metered_u_c_pu": 1.009, "metered_vuf_pct": 0.7, "metered_thd_pct": 2.1,
        "metered_pst": 0.46, "metered_index": 84.0,
    }  # fmt: skip
    counts = {"harmonic_order": 5, "sags": 0, "swells": 0, "rapid_changes": 1}
    return {
        "scenario_id": [f"mumbai.test.1.quality.{k:06d}" for k in range(rows)],
        "point": ["DTX1.LV"] * rows,
        "t": [t + 600_000 * k for k in range(rows)],
        **{name: [value] * rows for name, value in {**numbers, **counts}.items()},
        "flagged": [False] * rows,
        "grade": ["good"] * rows,
        "worst": ["harmonics"] * rows,
    }


def faults_columns():
    """Columns of `faults`: one of each type, cleared in every way."""
    return {
        "scenario_id": [f"mumbai.test.1.fault.{k:06d}" for k in range(4)],
        "bus": ["lv1"] * 4,
        "fault_type": ["LG", "LL", "LLG", "LLL"],
        "phases": ["a", "bc", "ca", "abc"],
        "r_fault_ohm": [0.0, 5.0, 10.0, 50.0],
        "distance_pct": [0.0, 10.0, 50.0, 100.0],
        "prefault_v_pu": [1.0, 1.01, 0.99, 1.0],
        "i_fault_a": [9000.0, 0.0, 2100.0, 380.0],
        "i_fault_b": [0.0, 3000.0, 0.0, 380.0],
        "i_fault_c": [0.0, 3000.0, 2000.0, 380.0],
        "t_start": [START_MS + 3_600_000 * k for k in range(4)],
        "duration_ms": [90.0, 100.0, 350.0, 120.0],
        "cleared_by": ["main", "main", "backup", "breaker_failure"],
        "fault_level_ka": [12.0] * 4,
        "breaker_rating_ka": [31.5] * 4,
        "dips": [json.dumps({"DTX1.LV": [0.1, 0.9, 0.9], "INF1": [0.95, 1.0, 1.0]})] * 4,
    }


def sag_events_columns():
    """Columns of `sag_events`: every kind and cause."""
    return {
        "event_id": [f"e{k}" for k in range(6)],
        "scenario_id": ["mumbai.test.1.sag.000000", None, None, None, None, "mumbai.test.1.swell.000000"],
        "point": ["DTX1.LV"] * 4 + ["F331"] * 2,
        "t": [START_MS + 60_000 * k + 417 for k in (0, 1, 2, 3, 0, 5)],
        "kind": ["sag", "interruption", "rapid_voltage_change", "sag", "sag", "swell"],
        "depth_pct": [40.0, 97.0, 1.5, 12.0, 55.0, 15.0],
        "residual_pu": [0.6, 0.03, 1.035, 0.88, 0.45, 1.15],
        "duration_ms": [90.0, 600.0, 40.0, 2400.0, 350.0, 800.0],
        "cause": [
            "fault",
            "fault",
            "capacitor_switching",
            "motor_starting",
            "fault",
            "load_rejection",
        ],
        "phases": ["a", "abc", "abc", "abc", "bc", "abc"],
        "cleared_by": ["main", "breaker_failure", "", "", "backup", ""],
        "intensity_per_h": [0.2, 0.2, 1.5, 0.4, 0.3, 0.01],
        "total_intensity_per_h": [2.1, 2.1, 2.1, 2.1, 2.3, 2.3],
    }
