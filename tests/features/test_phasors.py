"""Symmetrical components from magnitudes against phasors whose components are known."""

import numpy as np
import pytest

from features import INDEX, compute
from features.components import voltage_components
from features.phasors import planarity, sequence_currents

ALPHA = np.exp(2j * np.pi / 3.0)


def phasors(v1, v2, v0, m=200, seed=3):
    """Phase phasors a, b, c of sequences with the given magnitudes and random angles, [3, m]."""
    rng = np.random.default_rng(seed)
    p, n, z = (size * np.exp(2j * np.pi * rng.random(m)) for size in (v1, v2, v0))
    return np.stack([z + p + n, z + ALPHA**2 * p + ALPHA * n, z + ALPHA * p + ALPHA**2 * n])


def of(v):
    line = np.abs(np.stack([v[0] - v[1], v[1] - v[2], v[2] - v[0]])) / np.sqrt(3.0)
    return voltage_components(np.abs(v), line)


@pytest.mark.parametrize("v2", [0.0, 1e-6, 0.02, 0.1, 0.6, 1.0])
@pytest.mark.parametrize("v0", [0.0, 0.05, 0.5])
def test_line_voltages__known_phasors__give_the_exact_unbalance(v2, v0):
    # Near balance the magnitudes' own rounding limits V2 to some 1e-16.
    np.testing.assert_allclose(of(phasors(1.0, v2, v0)).vuf_line, v2, rtol=1e-7, atol=1e-14)


def test_line_voltages__cigre_formula__is_the_same():
    a, b, c = np.random.default_rng(1).uniform(0.9, 1.1, (3, 100))
    beta = (a**4 + b**4 + c**4) / (a**2 + b**2 + c**2) ** 2
    root = np.sqrt(3.0 - 6.0 * beta)
    found = voltage_components(np.ones((3, 100)), np.stack([a, b, c])).vuf_line
    np.testing.assert_allclose(found, np.sqrt((1.0 - root) / (1.0 + root)), rtol=1e-9)


def test_line_voltages__no_triangle_has_them__give_one():
    assert voltage_components(np.ones((3, 1)), np.array([[1.0], [1.0], [2.5]])).vuf_line == 1.0


def test_phase_voltages__no_zero_sequence__give_the_exact_unbalance():
    np.testing.assert_allclose(of(phasors(1.0, 0.03, 0.0)).vuf_phase, 0.03, rtol=1e-9)
    np.testing.assert_allclose(of(phasors(1.0, 0.03, 0.0)).vuf_joint, 0.03, rtol=1e-9)


def test_joint_estimate__zero_sequence_there__errs_half_as_much_as_the_phases():
    found = of(phasors(1.0, 0.02, 0.004))
    by_phase = np.sqrt(np.mean((found.vuf_phase - 0.02) ** 2))
    jointly = np.sqrt(np.mean((found.vuf_joint - 0.02) ** 2))
    assert jointly == pytest.approx(by_phase / 2.0, rel=0.1)


@pytest.mark.parametrize("v0", [0.01, 0.2, 0.7])
def test_v0_proxy__known_phasors__is_exact(v0):
    np.testing.assert_allclose(of(phasors(1.0, 0.03, v0)).v0_proxy, v0, rtol=1e-9)


@pytest.mark.parametrize("v0", [0.0, 0.001, 0.01])
def test_v0_phasor__known_phasors__is_right_to_first_order(v0):
    np.testing.assert_allclose(of(phasors(1.0, 0.01, v0)).v0_phasor, v0, rtol=0.05, atol=1e-12)


@pytest.mark.parametrize(("v2", "v0"), [(0.0, 0.0), (0.05, 0.02), (0.3, 0.4), (0.9, 0.9)])
def test_planarity__six_magnitudes_of_one_state__is_zero(v2, v0):
    np.testing.assert_allclose(of(phasors(1.0, v2, v0)).residual, 0.0, atol=1e-14)


@pytest.mark.parametrize("error", [1e-4, -2e-3])
def test_planarity__phases_off_by_a_share__is_that_share(error):
    v = phasors(1.0, 0.01, 0.005)
    line = np.abs(np.stack([v[0] - v[1], v[1] - v[2], v[2] - v[0]])) / np.sqrt(3.0)
    np.testing.assert_allclose(voltage_components(np.abs(v) * (1.0 + error), line).residual, error, rtol=0.02)
    one = np.abs(v) * np.array([[1.0 + error], [1.0], [1.0]])
    np.testing.assert_allclose(voltage_components(one, line).residual, error / 3.0, rtol=0.1)


def test_planarity__one_side_dead__is_bounded():
    dead, alive, none, all_of_it = np.zeros((3, 1)), np.ones((3, 1)), np.zeros(1), np.full(1, 3.0)
    assert -1.0 < planarity(dead, alive, none, all_of_it)[0] < -0.3
    # Three equal phasors, a pure zero sequence, have no line voltages: no contradiction.
    assert planarity(alive, dead, all_of_it, none)[0] == 0.0
    one_dead = np.array([[0.0], [1.0], [1.0]])
    assert -1.0 < planarity(one_dead, alive, np.full(1, 2.0), all_of_it)[0] < -0.1


def test_sequence_currents__known_phasors__are_exact():
    rng = np.random.default_rng(5)
    currents = phasors(0.8, 0.1, 0.2)
    voltages = np.exp(-2j * np.pi / 3.0 * np.arange(3))[:, None] * np.exp(2j * np.pi * rng.random(200))
    s = voltages * currents.conj()
    turned = sequence_currents(np.abs(currents), np.stack([s.real, s.imag]), np.abs(s))
    np.testing.assert_allclose(turned, np.array([[0.2], [0.8], [0.1]]) * np.ones((1, 200)), rtol=1e-12)


def test_open_conductor__one_phase_without_current__is_seen(make_windows, rng):
    i, p = np.array([0.0, 0.5, 0.5]), np.array([0.0, 0.5, 0.5])
    rows = compute(make_windows(rng, 1, i=i, p=p, q=0.0))
    found = {name: rows[0, INDEX[name]] for name in ("i_negative_pct", "i_zero_pct", "i_n_est_pu")}
    assert found == pytest.approx({"i_negative_pct": 50.0, "i_zero_pct": 50.0, "i_n_est_pu": 0.5})
