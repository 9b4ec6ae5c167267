import numpy as np
import pytest

from simulation.noise import autoregressive, largest_of
from simulation.scenario.conditions import _frequency_root, _root


def test_autoregressive__long_series__has_the_stated_deviation_and_memory() -> None:
    x = autoregressive(np.random.default_rng(1), 20_000, 4, sigma=2.0, memory=10.0)

    lagged = (x[10:] * x[:-10]).mean(axis=0) / (x**2).mean(axis=0)
    assert x.std(axis=0) == pytest.approx(2.0, rel=0.08)
    assert lagged == pytest.approx(np.exp(-1.0), abs=0.06)


def test_largest_of__hundred_values__has_the_mean_of_their_maximum() -> None:
    rng = np.random.default_rng(2)
    drawn = largest_of(rng, 100, (20_000,))
    true = rng.standard_normal((20_000, 100)).max(axis=1)

    assert drawn.mean() == pytest.approx(true.mean(), abs=0.1)


def test_root__covariance__is_that_of_the_process() -> None:
    root = _root(20, 5.0)

    assert (root @ root.T)[0, 5] == pytest.approx(np.exp(-1.0))


def test_frequency_root__quiet_minutes__move_as_a_measured_grid_does() -> None:
    root = _frequency_root(301)
    f = root @ np.random.default_rng(3).standard_normal((301, 400))

    # Mean absolute change over 1, 5, 10, 30, 60 and 300 s of a measured interconnection, mHz.
    measured = {1: 1.1, 5: 4.0, 10: 6.2, 30: 9.5, 60: 11.3, 300: 19.8}
    for lag, expected in measured.items():
        found = 1000.0 * np.abs(f[lag:] - f[:-lag]).mean()
        assert found == pytest.approx(expected, rel=0.2), f"over {lag} s"
