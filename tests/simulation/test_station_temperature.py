"""Temperatures and resistances against closed forms."""

import numpy as np
import pytest

from simulation.states.branches import Branches
from simulation.states.resistances import Agreement, distortion
from simulation.states.temperature import (
    EDDY_SHARE,
    OIL_RISE_K,
    WINDING_RISE_K,
    cable_c,
    lagged,
    line_factor,
    loading,
    overhead_c,
    winding_c,
    winding_factor,
)
from substations.description import Substation


def test_winding_c__rated_load_for_days__is_the_sum_of_the_rated_rises() -> None:
    found = winding_c(np.ones((96, 1)), np.full(96, 30.0))

    assert found == pytest.approx(30.0 + OIL_RISE_K + WINDING_RISE_K)


def test_winding_c__step_of_load__rises_with_the_oil_s_time_constant() -> None:
    """From no load, oil at Δθ/(1 + R)^x, to rated load: 63 % of the way after one time constant of 3 h."""
    load = np.concatenate([np.zeros((4, 1)), np.ones((12, 1))])

    oil = winding_c(load, np.zeros(16))[:, 0] - WINDING_RISE_K * load[:, 0]

    cold = OIL_RISE_K / 6.0**0.8
    assert oil[3] == pytest.approx(cold)
    assert oil[15] == pytest.approx(OIL_RISE_K + (cold - OIL_RISE_K) * np.exp(-1.0))


def test_lagged__constant__stays() -> None:
    assert lagged(np.full((5, 2), 3.0), 7.0) == pytest.approx(3.0)


def test_loading__above_a_stage__counts_on_the_next() -> None:
    rated = np.array([[30.0, 40.0, 50.0]])

    found = loading(np.array([[24.0], [30.0], [36.0], [50.0], [60.0]]), rated)

    assert found[:, 0] == pytest.approx([0.8, 1.0, 0.9, 1.0, 1.2])


def test_overhead_c__rated_current_in_calm_sun__is_air_and_both_rises() -> None:
    share, air = np.ones((1, 1)), np.array([30.0])

    assert overhead_c(share, air, np.array([1000.0]), np.array([0.3])) == pytest.approx(30.0 + 8.0 + 35.0)
    assert overhead_c(share, air, np.zeros(1), np.array([2.4])) == pytest.approx(30.0 + 35.0 / 2.0)


def test_cable_c__no_current__is_the_soil() -> None:
    assert cable_c(np.zeros((3, 1)), np.array([20.0, 20.0, 20.0])) == pytest.approx(20.0)


def test_winding_factor__temperature__is_one_plus_alpha_times_the_difference() -> None:
    """IEC 60076-1: the ohmic part grows by (235 + θ)/310, the additional part falls by it."""
    k = 1.0 + (105.0 - 75.0) / (235.0 + 75.0)

    assert winding_factor(np.array(75.0)) == pytest.approx(1.0)
    assert winding_factor(np.array(105.0)) == pytest.approx((1.0 - EDDY_SHARE) * k + EDDY_SHARE / k)


def test_winding_factor__fifth_harmonic__weighs_twenty_five_times_in_the_eddy_part() -> None:
    found = winding_factor(np.array(75.0), 0.1, 25.0 * 0.1**2)

    assert found == pytest.approx((1.0 - EDDY_SHARE) * 1.01 + EDDY_SHARE * 1.25)


def test_line_factor__temperature_and_distortion__multiply() -> None:
    assert line_factor(np.array(70.0), 0.1) == pytest.approx((1.0 + 0.00403 * 50.0) * 1.01)


def test_distortion__two_feeders__adds_phasors_not_magnitudes() -> None:
    phasors = np.zeros((2, 3, 40), dtype=np.complex128)
    phasors[0, :, 4], phasors[1, :, 4] = 0.1, -0.1

    thd, eddy = distortion(np.array([[3.0, 1.0], [1.0, 1.0], [1.0, 0.0]]) + 0j, Agreement.of(phasors))

    assert thd == pytest.approx([0.05, 0.0, 0.1])
    assert eddy == pytest.approx([25.0 * 0.0025, 0.0, 0.25])


def test_branches__mumbai__parallel_transformers_share_what_hangs_below_them(mumbai: Substation) -> None:
    branches = Branches.of(mumbai)
    at1, at2, dtx1, dtx2 = branches.transformers
    on = np.array([feeder.bus for feeder in mumbai.feeders])

    assert at1 == pytest.approx(0.5)
    assert at2 == pytest.approx(0.5)
    assert dtx1 == pytest.approx(np.where(on == "lv1", 1.0, 0.0))
    assert dtx2 == pytest.approx(np.where(on == "lv2", 1.0, 0.0))
    assert branches.infeeds == pytest.approx(0.5)
