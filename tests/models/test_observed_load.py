"""Steps of any length as quarters of an hour."""

import numpy as np
import pytest

from models.observed_load import by_quarter


def test_by_quarter__steps_of_five_minutes__are_averaged():
    t = 1000.0 + 300.0 * np.arange(6)
    quarters = by_quarter(t, np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), np.zeros(6), 300.0)
    np.testing.assert_allclose(quarters.p_w, [2.0, 5.0])
    assert quarters.every == 1
    assert quarters.begin_s == 1000.0


def test_by_quarter__steps_of_an_hour__repeat_and_rows_are_at_their_ends():
    quarters = by_quarter(3600.0 * np.arange(2), np.array([4.0, 8.0]), np.array([0.0, 1.0]), 3600.0)
    np.testing.assert_allclose(quarters.p_w, [4, 4, 4, 4, 8, 8, 8, 8])
    np.testing.assert_array_equal(quarters.holiday, [0, 0, 0, 0, 1, 1, 1, 1])
    assert quarters.every == 4


def test_by_quarter__steps_of_ten_minutes__keep_energy_and_end_with_every_second_quarter():
    p = np.array([3.0, 6.0, 9.0])
    quarters = by_quarter(600.0 * np.arange(3), p, np.zeros(3), 600.0)
    np.testing.assert_allclose(quarters.p_w, [4.0, 8.0])
    assert quarters.p_w.sum() * 900.0 == pytest.approx(p.sum() * 600.0)
    assert quarters.every == 2


def test_by_quarter__a_missing_step__leaves_its_quarters_unknown():
    t = 1800.0 * np.array([0, 1, 3])
    quarters = by_quarter(t, np.array([1.0, 2.0, 4.0]), np.zeros(3), 1800.0)
    np.testing.assert_array_equal(quarters.p_w, [1, 1, 2, 2, np.nan, np.nan, 4, 4])


def test_by_quarter__a_step_without_a_value__is_missing_too():
    quarters = by_quarter(900.0 * np.arange(3), np.array([1.0, np.nan, 3.0]), np.zeros(3), 900.0)
    np.testing.assert_array_equal(quarters.p_w, [1, np.nan, 3])
