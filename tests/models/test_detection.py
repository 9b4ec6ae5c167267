import numpy as np
import pytest

from data_contracts.tables.readings_truth import EVENTS, NORMAL_EVENTS, OPERATING_EVENTS
from models import detection
from models.catalogue import definition
from models.monitoring.voltage_anomaly import DEFINITION
from models.protocol import TruthWindows
from models.rows import Names


def windows(events, active, severity):
    """Windows of ten seconds from one text, flag and figure a window and second."""
    texts = Names.of([text for window in events for text in window])
    return TruthWindows(
        {"active": np.array(active, dtype=float), "severity": np.array(severity, dtype=float)},
        {"event": texts},
        10,
    )


def test_kinds__every_event_of_the_contract__has_one_or_is_normal():
    assert set(detection.KIND_OF_EVENT) | {*NORMAL_EVENTS, *OPERATING_EVENTS} == set(EVENTS)
    assert set(detection.KIND_OF_EVENT.values()) == set(detection.KINDS) == set(detection.SHOWS_IN)


def test_label__event_in_the_last_second_only__makes_the_window_anomalous():
    found = detection.label(windows([["sag"] * 10], [[0] * 9 + [1]], [[7.5] * 10]))
    assert found["anomaly"].tolist() == [True]
    assert detection.KINDS[found["kind"][0] - 1] == "sag"
    assert found["severity"].tolist() == [7.5]


def test_label__tap_step_or_event_that_does_not_act__is_normal():
    found = detection.label(
        windows([["tap_step"] * 10, ["drift"] * 10], [[1] * 10, [0] * 10], [[np.nan] * 10, [9.0] * 10])
    )
    assert not found["anomaly"].any()
    assert found["severity"].tolist() == [0.0, 0.0]


def test_named__far_features__come_largest_first_and_at_most_five():
    z = np.array([[0.1, -9.0, 4.0, 3.4, 5.0, 6.0, 7.0, 8.0], [0.0] * 8])
    places = detection.named(z, 3.5, 5)
    assert places.tolist() == [[1, 7, 6, 5, 4], [-1] * 5]


def test_shows_in__every_feature_named__is_an_input_of_the_model():
    for names in detection.SHOWS_IN.values():
        assert names <= set(DEFINITION.features)


@pytest.mark.parametrize("event", OPERATING_EVENTS)
def test_label__event_that_the_voltage_does_not_show__is_no_anomaly(event):
    found = detection.label(windows([[event] * 10, ["sag"] * 10], [[1] * 10] * 2, [[40.0] * 10] * 2))
    assert found["anomaly"].tolist() == [False, True]
    assert found["severity"].tolist() == [0.0, 40.0]


@pytest.mark.parametrize("model", ["phase_imbalance", "voltage_anomaly", "harmonic_analysis"])
def test_kinds__models_of_readings__leave_situations_of_operation_out(model):
    kinds = definition(model).kinds
    assert kinds
    assert not {"overload", "operator"} & set(kinds)
