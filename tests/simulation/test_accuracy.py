import numpy as np
import pytest

from simulation.errors import SimulationError
from simulation.instruments.accuracy import current_limits, voltage_limits

MINUTE = np.pi / (180.0 * 60.0)


def test_voltage_limits__class_half__is_half_a_percent_and_twenty_minutes() -> None:
    ratio, phase = voltage_limits(np.array([0.5]))

    assert ratio[0] == pytest.approx(0.005)
    assert phase[0] == pytest.approx(20.0 * MINUTE)


@pytest.mark.parametrize(
    ("load_pu", "ratio_pct", "phase_min"),
    [(0.05, 0.75, 30.0), (0.2, 0.35, 15.0), (1.0, 0.2, 10.0), (5.0, 0.2, 10.0)],
)
def test_current_limits__class_point_two__is_the_standards_table(
    load_pu: float, ratio_pct: float, phase_min: float
) -> None:
    ratio, phase = current_limits(np.array([0.2]), np.full((1, 3), load_pu))

    assert ratio == pytest.approx(np.full((1, 3), ratio_pct / 100.0))
    assert phase == pytest.approx(np.full((1, 3), phase_min * MINUTE))


def test_current_limits__between_the_standards_points__lie_between_their_limits() -> None:
    ratio, _ = current_limits(np.array([0.5, 1.0]), np.full((2, 3), 0.1))

    assert np.all((ratio[0] > 0.0075) & (ratio[0] < 0.015))
    assert np.all((ratio[1] > 0.015) & (ratio[1] < 0.03))


def test_current_limits__points_of_several_classes__are_interpolated_on_the_currents_logarithm() -> None:
    load_pu = np.geomspace(0.02, 2.0, 9).reshape(3, 3)
    stated = np.log([0.05, 0.2, 1.0, 1.2])

    ratio, phase = current_limits(np.array([1.0, 0.2, 0.5]), load_pu)

    for row, (ratio_pct, phase_min) in enumerate(
        [((3.0, 1.5, 1.0, 1.0), (180, 90, 60, 60)), ((0.75, 0.35, 0.2, 0.2), (30, 15, 10, 10))]
    ):
        assert ratio[row] == pytest.approx(np.interp(np.log(load_pu[row]), stated, ratio_pct) / 100.0)
        assert phase[row] == pytest.approx(np.interp(np.log(load_pu[row]), stated, phase_min) * MINUTE)


def test_current_limits__unknown_class__names_it() -> None:
    with pytest.raises(SimulationError, match="accuracy class 3 is not known"):
        current_limits(np.array([0.5, 3.0]), np.ones((2, 3)))


def test_voltage_limits__unknown_class__names_it_and_the_known_ones() -> None:
    with pytest.raises(SimulationError, match=r"accuracy class 3 is not known.*0.2, 0.5, 1"):
        voltage_limits(np.array([3.0]))
