import numpy as np
import pytest

from simulation.engine import ORDERS
from simulation.harmonics.states import HarmonicStates, rms_factor, thd_pct


@pytest.fixture
def phasors() -> np.ndarray:
    """Fundamental 100, fifth 3, seventh 4: a distortion of 5 %, shape [2, 3, 40]."""
    found = np.zeros((2, 3, ORDERS), dtype=np.complex128)
    found[..., 0], found[..., 4], found[..., 6] = 100.0 * np.exp(0.3j), 3.0j, -4.0
    return found


def test_thd_pct__known_phasors__is_exact(phasors: np.ndarray) -> None:
    assert thd_pct(phasors) == pytest.approx(np.full((2, 3), 5.0), rel=1e-15)


def test_thd_pct__no_fundamental__is_not_a_number() -> None:
    assert np.isnan(thd_pct(np.zeros(ORDERS, dtype=np.complex128)))


def test_scaled__half__halves_the_distortion_and_keeps_the_fundamental(phasors: np.ndarray) -> None:
    half = HarmonicStates(phasors, 2.0 * phasors).scaled(0.5)

    assert half.thd_v_pct == pytest.approx(2.5)
    assert half.thd_i_pct == pytest.approx(2.5)
    assert np.array_equal(half.v[..., 0], phasors[..., 0])


def test_rms_factor__level_of_each_second__is_that_of_the_squares(phasors: np.ndarray) -> None:
    factor = rms_factor(phasors, np.array([1.0, 2.0]))

    assert factor.shape == (2, 2, 3)
    assert factor[:, 0] == pytest.approx(np.sqrt(1.0 + 0.05**2))
    assert factor[:, 1] == pytest.approx(np.sqrt(1.0 + 0.10**2))


def test_v_ll__balanced_triplen_orders__cancel() -> None:
    turn = np.exp(-2j * np.pi / 3.0 * np.arange(3))
    v = np.zeros((1, 3, ORDERS), dtype=np.complex128)
    for order in (1, 3, 5):
        v[0, :, order - 1] = 100.0 / order * turn**order

    lines = np.abs(HarmonicStates(v, v).v_ll[0])

    assert lines[:, 2] == pytest.approx(np.zeros(3), abs=1e-12)
    assert lines[:, 4] == pytest.approx(np.full(3, 20.0 * np.sqrt(3.0)))
