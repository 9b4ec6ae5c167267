import numpy as np
import pytest

from models.monitoring.phase_imbalance import DEFINITION, class_of, line_vuf_pct, phase_of

TURN = np.exp(-2j * np.pi / 3)


def phasors(v1, v2, v0):
    turns = np.array([1, TURN, TURN**2])
    return v0 + v1 * turns + v2 * turns.conj()


@pytest.mark.parametrize("v2", [0.0, 0.003, 0.05j, -0.2 + 0.1j])
@pytest.mark.parametrize("v0", [0.0, 0.1j, -0.3])
def test_line_formula__solved_phasors__gives_their_true_vuf_whatever_the_zero_sequence(v2, v0):
    v = phasors(1.02, v2, v0)
    lines = np.abs(v - np.roll(v, -1))
    assert line_vuf_pct(lines) == pytest.approx(100 * abs(v2) / 1.02, abs=2e-6)


def test_class_of__limits__belong_to_the_class_above():
    assert class_of(np.array([0, 1.999, 2, 4.99, 5, 10, 40])).tolist() == [0, 0, 1, 1, 2, 3, 3]


def test_phase_of__one_phase_low__is_named():
    v = np.array([[1.0, 0.9, 1.0], [1.01, 1.0, 1.0], [1.0, 1.0, 0.2]])
    assert phase_of(v).tolist() == [1, 0, 2]


def test_decode__shares_and_deviations__become_the_wires_fields():
    columns = {
        "v_dev_a_pu": np.array([0.01]),
        "v_dev_b_pu": np.array([-0.03]),
        "v_dev_c_pu": np.array([0.02]),
    }
    decoder = {
        "classes": ["balanced", "minor", "moderate", "severe"],
        "critical_phase_features": list(columns),
    }
    (answer,) = DEFINITION.decode(decoder, np.array([[0.1, 0.7, 0.2, 0.0]]), columns)
    assert answer == {"imbalance_class": "minor", "confidence": 0.7, "critical_phase": "B"}


def test_scaled__more_rows_than_tuned_on__keeps_the_leafs_share():
    scaled = DEFINITION.scaled(DEFINITION.defaults, 8000, 40_000)
    assert scaled["min_samples_leaf"] == 5 * DEFINITION.defaults["min_samples_leaf"]
    assert {**scaled, "min_samples_leaf": 0} == {**DEFINITION.defaults, "min_samples_leaf": 0}
