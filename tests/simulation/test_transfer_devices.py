import numpy as np
import pytest

from simulation.engine import ORDERS
from simulation.instruments.devices import Transfers
from simulation.instruments.transfer import normalised, voltage_type
from substations.description import Substation

F_HZ = 50.0 * np.arange(1.0, ORDERS + 1.0)


@pytest.fixture(scope="module")
def transfers(mumbai: Substation) -> Transfers:
    return Transfers.of(mumbai)


def test_transfers__devices_of_a_type__scatter_by_a_few_percent(
    mumbai: Substation, transfers: Transfers
) -> None:
    found = np.abs(transfers.of_voltage(F_HZ))
    rows = [k for k, point in enumerate(mumbai.points) if point.nominal_kv == 220.0]
    relative = found[rows] / np.abs(normalised(voltage_type("cvt", 220.0, 50.0), F_HZ, 50.0))

    assert found.shape == (len(mumbai.points), 3, ORDERS)
    assert found[..., 0] == pytest.approx(1.0)
    assert 0.002 < relative[..., 4].std() < 0.02
    assert 0.005 < relative[..., 6].std() < 0.04
    assert relative[..., 6].mean() == pytest.approx(1.0, abs=0.02)


def test_transfers__read_again__are_the_same_devices(mumbai: Substation, transfers: Transfers) -> None:
    assert np.array_equal(Transfers.of(mumbai).of_voltage(F_HZ), transfers.of_voltage(F_HZ))
    first, second = transfers.of_voltage(F_HZ)[:2]
    assert not np.array_equal(first, second)


def test_on_a_day__burden_and_temperature__move_little_beside_the_scatter(transfers: Transfers) -> None:
    at = F_HZ[[4, 6]]
    still = np.abs(transfers.of_voltage(at))
    days = [np.abs(transfers.on_a_day(np.random.default_rng(k)).of_voltage(at)) for k in range(20)]

    moved = np.abs(np.array(days) / still - 1.0)
    assert 1e-5 < moved.max() < 0.02


def test_of_current__to_order_forty__is_flat(transfers: Transfers) -> None:
    assert np.abs(np.abs(transfers.of_current(F_HZ)) - 1.0).max() < 0.03
