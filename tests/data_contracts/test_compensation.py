"""Rules of `compensation`, each broken once, and the arithmetic of plans."""

import numpy as np
import pytest

from data_contracts.compensation import HYSTERESIS, planned_steps, power_factor_after, to_boundary


def test_compensation__sound_rows__are_kept(spoilt):
    assert spoilt("compensation", lambda columns: None) == {}


@pytest.mark.parametrize(
    ("found", "spoil"),
    [
        ({"solved_or_null": 1}, lambda columns: columns["optimal_var"].__setitem__(1, None)),
        ({"least_loss": 1}, lambda columns: columns["saved_w"].__setitem__(0, -500.0)),
    ],
)
def test_compensation__one_row_spoilt__is_rejected_by_its_rule(spoilt, found, spoil):
    assert spoilt("compensation", spoil) == found


def test_planned_steps__nearest__unless_the_present_ones_are_nearly_as_near():
    wanted = np.array([0.2, 0.55, 0.65, 1.45, 1.35, 7.0, -3.0, 1.5])
    present = np.array([0, 0, 0, 2, 2, 1, 1, 0])
    planned = planned_steps(wanted, present, np.full(8, 2))
    np.testing.assert_array_equal(planned, [0, 0, 1, 2, 1, 2, 0, 2])


def test_to_boundary__a_little_to_either_side__is_where_plans_change():
    rng = np.random.default_rng(3)
    steps = rng.integers(1, 4, 500)
    present, wanted = rng.integers(0, steps + 1), rng.uniform(-1.0, 4.0, 500)
    apart = to_boundary(wanted, present, steps)
    same = [planned_steps(wanted + way * 0.999 * apart, present, steps) for way in (-1, 0, 1)]
    np.testing.assert_array_equal(same[0], same[1])
    np.testing.assert_array_equal(same[2], same[1])
    beyond = [planned_steps(wanted + way * (apart + 1e-6), present, steps) for way in (-1, 1)]
    assert ((beyond[0] != same[1]) | (beyond[1] != same[1])).all()
    assert 0.0 < HYSTERESIS < 0.5


def test_power_factor_after__all_compensated__is_one():
    found = power_factor_after(
        np.array([0.3, 0.0, 0.1]), np.array([1.0, 4.0, 0.0]), np.array([0.3, 3.0, 0.1]), np.ones(3)
    )
    np.testing.assert_allclose(found, [1.0, 0.8, 1.0])
