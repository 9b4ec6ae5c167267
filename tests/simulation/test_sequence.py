import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.sequence import balanced, line_voltages, sequence_components, unbalance_pct

A = np.exp(2j * np.pi / 3.0)
ANGLES = st.floats(-3.0, 3.0)
SIZES = st.floats(0.1, 2.0)


def test_sequence_components__balanced_system__is_positive_sequence_alone() -> None:
    zero, positive, negative = sequence_components(balanced(2.0 + 1.0j))

    assert positive == pytest.approx(2.0 + 1.0j)
    assert abs(zero) < 1e-15
    assert abs(negative) < 1e-15


def test_sequence_components__one_phase_lost__gives_thirds() -> None:
    v = balanced(1.0)
    v[0] = 0.0

    zero, positive, negative = np.abs(sequence_components(v))

    assert zero == pytest.approx(1.0 / 3.0)
    assert positive == pytest.approx(2.0 / 3.0)
    assert negative == pytest.approx(1.0 / 3.0)
    assert unbalance_pct(v) == pytest.approx(50.0)


@given(SIZES, SIZES, SIZES, ANGLES, ANGLES, ANGLES)
def test_sequence_components__any_phasors__add_up_again(
    a: float, b: float, c: float, at_a: float, at_b: float, at_c: float
) -> None:
    v = np.array([a * np.exp(1j * at_a), b * np.exp(1j * at_b), c * np.exp(1j * at_c)])

    zero, positive, negative = sequence_components(v)

    assert zero + positive + negative == pytest.approx(v[0])
    assert zero + A**2 * positive + A * negative == pytest.approx(v[1])
    assert zero + A * positive + A**2 * negative == pytest.approx(v[2])


def test_unbalance_pct__no_positive_sequence__is_infinite() -> None:
    assert np.isinf(unbalance_pct(np.array([0.0, 0.0, 0.0], dtype=np.complex128)))


def test_line_voltages__balanced_system__are_root_three_times_as_large_and_sum_to_zero() -> None:
    lines = line_voltages(balanced(1.0))

    assert np.abs(lines) == pytest.approx(np.sqrt(3.0))
    assert abs(lines.sum()) < 1e-15
