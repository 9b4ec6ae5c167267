"""What accuracy classes allow: ratio and phase errors of instrument transformers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np

from simulation.errors import SimulationError
from simulation.noise import Floats

Limits = TypeVar("Limits")

_MINUTE = np.pi / (180.0 * 60.0)


@dataclass(frozen=True, slots=True)
class VoltageClass:
    """Limits of a voltage transformer: ratio error in %, phase displacement in minutes of arc."""

    ratio_pct: float
    phase_min: float


@dataclass(frozen=True, slots=True)
class CurrentClass:
    """Limits of a current transformer at 5, 20, 100 and 120 % of its rated current."""

    ratio_pct: tuple[float, float, float, float]
    phase_min: tuple[float, float, float, float]


# IEC 61869-3 (inductive) and -5 (capacitor voltage transformers), measuring classes, 80-120 % of rated
# voltage.
VOLTAGE = {
    0.2: VoltageClass(0.2, 10.0),
    0.5: VoltageClass(0.5, 20.0),
    1.0: VoltageClass(1.0, 40.0),
}

# IEC 61869-2, table for classes 0.2, 0.5 and 1.
CURRENT = {
    0.2: CurrentClass((0.75, 0.35, 0.2, 0.2), (30.0, 15.0, 10.0, 10.0)),
    0.5: CurrentClass((1.5, 0.75, 0.5, 0.5), (90.0, 45.0, 30.0, 30.0)),
    1.0: CurrentClass((3.0, 1.5, 1.0, 1.0), (180.0, 90.0, 60.0, 60.0)),
}

_LOAD_PU = np.array([0.05, 0.20, 1.0, 1.2])
_KNOTS = np.log(_LOAD_PU)


def voltage_limits(accuracy: Floats) -> tuple[Floats, Floats]:
    """Ratio error (fraction) and phase displacement (radian) allowed for voltage transformers.

    Raises:
        SimulationError: A class is not one of 0.2, 0.5, 1.0.
    """
    limits = [_known(VOLTAGE, float(each)) for each in accuracy]
    return (
        np.array([limit.ratio_pct / 100.0 for limit in limits]),
        np.array([limit.phase_min * _MINUTE for limit in limits]),
    )


def current_limits(accuracy: Floats, load_pu: Floats) -> tuple[Floats, Floats]:
    """Ratio error (fraction) and phase displacement (radian) allowed for current transformers.

    Between the currents at which the standard states limits they are interpolated on the logarithm of the
    current; below 5 % and above 120 % the nearest stated limit is kept.

    Args:
        accuracy: Class of each point, shape [p].
        load_pu: Current in pu of the rated one, shape [p, 3].

    Returns:
        Two arrays of the shape of `load_pu`.

    Raises:
        SimulationError: A class is not one of 0.2, 0.5, 1.0.
    """
    place = np.log(np.clip(load_pu, _LOAD_PU[0], _LOAD_PU[-1]))
    first, rise = _current_knots(tuple(accuracy.tolist()))
    # How far each of the three intervals between the stated currents is passed, 0 to 1.
    passed = np.clip((place[..., None] - _KNOTS[:-1]) / (_KNOTS[1:] - _KNOTS[:-1]), 0.0, 1.0)
    found = first + np.einsum("pfk,qpk->qpf", passed, rise)
    return found[0], found[1]


@lru_cache(maxsize=64)
def _current_knots(accuracy: tuple[float, ...]) -> tuple[Floats, Floats]:
    """Ratio error and phase displacement at the lowest stated current, and their rise to each next one.

    Returns:
        Shape [2, p, 1] and [2, p, 3].
    """
    limits = [_known(CURRENT, each) for each in accuracy]
    stated = np.array(
        [[limit.ratio_pct for limit in limits], [limit.phase_min for limit in limits]]
    ) * np.array([0.01, _MINUTE]).reshape(2, 1, 1)
    return stated[..., :1], np.diff(stated, axis=-1)


def _known(classes: dict[float, Limits], accuracy: float) -> Limits:
    if accuracy not in classes:
        raise SimulationError(
            f"accuracy class {accuracy:g} is not known", f"use one of {', '.join(f'{c:g}' for c in classes)}"
        )
    return classes[accuracy]
