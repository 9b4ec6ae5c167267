"""Decoders against answers worked out by hand."""

import numpy as np
import pytest

from serving.answers import build_decoder
from serving.errors import SnapshotError


def test_voltage_anomaly__many_outliers__five_furthest_in_order():
    names = [f"v{k}" for k in range(7)]
    parameters = {
        "threshold": -0.1,
        "names": names,
        "centre": [0.0] * 7,
        "scale": [1.0] * 7,
        "z_limit": 3.5,
        "limit": 5,
    }
    decode = build_decoder("voltage_anomaly", parameters, names, "voltage_anomaly:1")
    inputs = np.array([[4.0, -9.0, 3.5, 5.0, 0.0, -6.0, 7.0], [0.0, 0.0, 3.5, 0.0, -3.4, 0.0, 0.0]])
    first, second = decode(np.array([[-0.5], [-0.1]]), inputs)
    assert first.outlier_features == ["v1", "v6", "v5", "v3", "v0"]
    assert first.anomaly_detected is True
    assert second.outlier_features == []
    assert second.anomaly_detected is False


def test_voltage_anomaly__inputs_in_another_order_than_names__found_by_name():
    parameters = {
        "threshold": 0.0,
        "names": ["b", "a"],
        "centre": [1.0, 2.0],
        "scale": [0.1, 0.1],
        "z_limit": 3.5,
        "limit": 5,
    }
    decode = build_decoder("voltage_anomaly", parameters, ["a", "b"], "voltage_anomaly:1")
    (answer,) = decode(np.array([[0.3]]), np.array([[2.0, 1.9]]))
    assert answer.outlier_features == ["b"]


def test_voltage_anomaly__lists_of_different_length__refused():
    parameters = {
        "threshold": 0.0,
        "names": ["a"],
        "centre": [1.0, 2.0],
        "scale": [0.1],
        "z_limit": 3.5,
        "limit": 5,
    }
    with pytest.raises(SnapshotError, match="differ in length"):
        build_decoder("voltage_anomaly", parameters, ["a"], "voltage_anomaly:1")


def test_phase_imbalance__deviation_below_the_mean__counts_by_size():
    parameters = {
        "classes": ["balanced", "minor", "moderate", "severe"],
        "critical_phase_features": ["a", "b", "c"],
    }
    decode = build_decoder("phase_imbalance", parameters, ["c", "b", "a"], "phase_imbalance:1")
    raw = np.array([[0.1, 0.6, 0.2, 0.1], [0.0, 0.0, 0.1, 0.9]])
    inputs = np.array([[-0.06, 0.03, 0.03], [-0.02, -0.04, 0.06]])
    first, second = decode(raw, inputs)
    assert (first.imbalance_class, first.confidence, first.critical_phase) == ("minor", 0.6, "C")
    assert (second.imbalance_class, second.confidence, second.critical_phase) == ("severe", 0.9, "A")
