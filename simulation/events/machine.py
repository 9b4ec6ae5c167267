"""A large induction motor started directly on the line: its admittance while it runs up.

The steady-state equivalent circuit at each slip (e.g. P. Kundur, Power System Stability and Control, 7.2):

    Y(s) = 1/(jX_m) + 1/(R_s + R_r(s)/s + j(X_s + X_r)),      T(s) = |I_r|²·R_r(s)/s,
    2H·ds/dt = T_load − T(s),

with a rotor resistance that rises with slip because current crowds to the top of deep bars. Parameters are
typical ones of a pump or fan drive of a few megawatts (from common knowledge): a locked-rotor current of six
times rated at a power factor of 0.27.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from simulation.engine.network import Complexes
from simulation.noise import Floats

_R_S, _X, _X_M = 0.010, 0.160, 3.5
_R_RUNNING, _R_LOCKED = 0.012, 0.035
_LOAD_AT_REST, _LOAD_BY_SPEED = 0.10, 0.60
_STEPS = 4000
# Below this slip the motor has run up: its torque is on the steep flank that leads to its rest.
_RUN_UP_SLIP = 0.03

EFFICIENCY, POWER_FACTOR = 0.95, 0.88
"""Of a motor at its rated power."""


@dataclass(frozen=True, slots=True)
class RunUp:
    """A start at nominal voltage.

    Attributes:
        place: Time in shares of the run-up, 0 … 1, shape [n].
        y_pu: Admittance, pu of the motor's own base, shape [n].
        running_pu: Admittance at the slip at which it comes to rest.
    """

    place: Floats
    y_pu: Complexes
    running_pu: complex

    def between(self, begin: Floats, end: Floats) -> Complexes:
        """Mean admittance over spells of the run-up given in shares of it; beyond 1 the motor runs, [k]."""
        area = np.concatenate(
            [[0.0], np.cumsum(0.5 * (self.y_pu[1:] + self.y_pu[:-1]) * np.diff(self.place))]
        )

        def integral(x: Floats) -> Complexes:
            inside = np.minimum(x, 1.0)
            found = np.interp(inside, self.place, area.real) + 1j * np.interp(inside, self.place, area.imag)
            return np.asarray(found + np.maximum(x - 1.0, 0.0) * self.running_pu)

        return np.asarray((integral(end) - integral(begin)) / np.maximum(end - begin, 1e-12))

    def until(self, share: float) -> float:
        """Share of the run-up after which the admittance has fallen to `share` of that at standstill."""
        large = np.abs(self.y_pu) >= share * abs(self.y_pu[0])
        return float(self.place[np.flatnonzero(large)[-1]])


def _rotor_resistance(slip: Floats) -> Floats:
    return np.asarray(_R_RUNNING + (_R_LOCKED - _R_RUNNING) * slip)


def admittance_pu(slip: Floats) -> Complexes:
    """Admittance at the terminals by slip, pu of the motor's base, shape [n]."""
    z = _R_S + _rotor_resistance(slip) / slip + 1j * _X
    return np.asarray(1.0 / z + 1.0 / (1j * _X_M))


LOCKED_ROTOR_PU = complex(admittance_pu(np.array([1.0]))[0])
"""Admittance at standstill, pu of the motor's base."""


def base_va(power_w: float) -> float:
    """Apparent power of a motor of so much mechanical power, VA: its per-unit base."""
    return power_w / (EFFICIENCY * POWER_FACTOR)


@lru_cache(maxsize=1)
def run_up() -> RunUp:
    """Solve the run-up of the typical motor at nominal voltage; a motor's inertia only stretches its time."""
    # Slip is stepped and time integrated, dt = −ds/(T − T_load) with 2H = 1: the run-up ends at a known slip.
    slip = np.linspace(1.0, _RUN_UP_SLIP, _STEPS)
    excess = _torque(slip) - (_LOAD_AT_REST + _LOAD_BY_SPEED * (1.0 - slip) ** 2)
    pace = 0.5 * (1.0 / excess[1:] + 1.0 / excess[:-1]) * -np.diff(slip)
    time = np.concatenate([[0.0], np.cumsum(pace)])
    flank = np.linspace(_RUN_UP_SLIP, 1e-4, _STEPS)
    load = _LOAD_AT_REST + _LOAD_BY_SPEED * (1.0 - flank) ** 2
    rest = flank[int(np.argmin(np.abs(_torque(flank) - load)))]
    return RunUp(time / time[-1], admittance_pu(slip), complex(admittance_pu(np.array([rest]))[0]))


def _torque(slip: Floats) -> Floats:
    resistance = _rotor_resistance(slip) / slip
    return np.asarray(resistance / ((_R_S + resistance) ** 2 + _X**2))
