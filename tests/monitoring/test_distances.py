"""Distances whose value is known in closed form."""

import math

import numpy as np
import pytest

from monitoring.distances import SHARE_FLOOR, kolmogorov_smirnov, ks_critical, population_stability_index


def test_psi__equal_shares__is_zero():
    shares = np.array([0.2, 0.5, 0.3])
    assert population_stability_index(shares, shares) == 0.0


def test_psi__two_bins_exchanged__is_the_closed_form():
    # Σ (a − e)·ln(a/e) = 2 · 0.5 · ln 3.
    psi = population_stability_index(np.array([0.25, 0.75]), np.array([0.75, 0.25]))
    assert psi == pytest.approx(math.log(3.0))


def test_psi__empty_bin__is_floored_not_infinite():
    psi = population_stability_index(np.array([0.5, 0.5]), np.array([1.0, 0.0]))
    expected = 0.5 * math.log(2.0) + (SHARE_FLOOR - 0.5) * math.log(SHARE_FLOOR / 0.5)
    assert psi == pytest.approx(expected)


def test_psi__exchanged_sides__is_the_same():
    rng = np.random.default_rng(2)
    a, b = rng.dirichlet(np.ones(10)), rng.dirichlet(np.ones(10))
    assert population_stability_index(a, b) == pytest.approx(population_stability_index(b, a))


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], 0.0),
        ([1.0, 2.0], [3.0, 4.0], 1.0),
        ([1.0, 2.0, 3.0, 4.0], [3.0, 4.0, 5.0, 6.0], 0.5),
        ([0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 1.0], 0.5),
        ([5.0], [4.0, 5.0, 6.0], 1.0 / 3.0),
    ],
)
def test_ks__small_samples__are_counted_by_hand(first, second, distance):
    assert kolmogorov_smirnov(np.array(first), np.array(second)) == pytest.approx(distance)
    assert kolmogorov_smirnov(np.array(second), np.array(first)) == pytest.approx(distance)


def test_ks__shifted_uniform__is_the_shift():
    grid = np.linspace(0.0, 1.0, 2001)
    assert kolmogorov_smirnov(grid, grid + 0.15) == pytest.approx(0.15, abs=1e-3)


def test_ks_critical__no_drift__is_exceeded_about_once_in_a_hundred():
    rng = np.random.default_rng(4)
    n, m = 400, 300
    limit = ks_critical(n, m)
    assert limit == pytest.approx(1.628 * math.sqrt(700.0 / 120_000.0), rel=1e-3)
    exceeded = sum(
        kolmogorov_smirnov(np.sort(rng.random(n)), np.sort(rng.random(m))) > limit for _ in range(1500)
    )
    assert 3 <= exceeded <= 27
