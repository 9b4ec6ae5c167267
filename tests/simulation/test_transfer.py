from dataclasses import replace

import numpy as np
import pytest

from simulation.engine import ORDERS
from simulation.errors import SimulationError
from simulation.instruments.transfer import (
    CapacitorTransformer,
    SecondOrder,
    normalised,
    voltage_type,
)

F_HZ = 50.0 * np.arange(1.0, ORDERS + 1.0)


def gain(kind: str, kv: float) -> np.ndarray:
    return np.abs(normalised(voltage_type(kind, kv, 50.0), F_HZ, 50.0))


@pytest.mark.parametrize("kv", [220.0, 400.0])
def test_capacitor_type__orders_five_to_thirteen__read_too_high_and_more_so_by_order(kv: float) -> None:
    found = gain("cvt", kv)

    assert found[0] == pytest.approx(1.0, abs=1e-12)
    assert 1.03 < found[4] < 1.15
    assert 1.25 < found[10] < 1.70
    assert np.all(np.diff(found[2:13]) > 0.0)
    # Behind its resonance a capacitor voltage transformer loses what it has amplified before.
    assert found[39] < 0.5


def test_inductive_type__medium_voltage__is_nearly_flat_to_order_thirteen() -> None:
    found = gain("inductive", 33.0)

    assert np.abs(found[:13] - 1.0).max() < 0.04
    assert found[39] > 1.1


def test_capacitor_type__tuned__carries_its_burden_without_drop_at_nominal_frequency() -> None:
    device = voltage_type("cvt", 400.0, 50.0)

    ratio = device.ratio(np.array([50.0]))[0]
    assert abs(ratio) == pytest.approx(1.0, abs=0.01)
    assert abs(np.angle(ratio)) < np.radians(1.0)


def test_capacitor_type__without_strays_and_core__is_a_series_circuit() -> None:
    device = voltage_type("cvt", 220.0, 50.0)
    assert isinstance(device, CapacitorTransformer)
    bare = replace(
        device, reactor_stray_f=0.0, winding_stray_f=0.0, magnetising_h=1e15, core_ohm=1e15, leakage_ohm=0.0
    )

    omega = 2.0 * np.pi * F_HZ
    inductance = float(bare.reactor_h) + float(bare.leakage_h)
    series = float(bare.reactor_ohm) + 1j * (omega * inductance - 1.0 / (omega * float(bare.divider_f)))
    expected = float(bare.burden_ohm) / (float(bare.burden_ohm) + series)
    assert np.abs(bare.ratio(F_HZ) - expected).max() < 1e-8


def test_second_order__at_its_resonance__is_one_over_twice_the_damping() -> None:
    assert np.abs(SecondOrder(1000.0, 0.1).ratio(np.array([1000.0])))[0] == pytest.approx(5.0)


def test_voltage_type__unknown_kind__is_refused() -> None:
    with pytest.raises(SimulationError, match="optical"):
        voltage_type("optical", 400.0, 50.0)
