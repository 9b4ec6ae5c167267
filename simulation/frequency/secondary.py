"""Secondary control (automatic generation control): slow, digital, limited."""

from __future__ import annotations

import numpy as np

from simulation.frequency.system import Systems
from simulation.noise import Floats

CYCLE_S = 4
"""Seconds between two orders of the control centre; practice is 2–6 s (from common knowledge)."""


class Secondary:
    """Proportional-integral control of each of several frequencies, followed by the plants with a lag."""

    def __init__(self, systems: Systems, rows: int) -> None:
        """Control at rest; `rows` frequencies of each system."""
        self._rate = np.tile(systems.agc_rate * CYCLE_S, rows)
        self._share = np.tile(systems.agc_share, rows)
        self._limit = np.tile(systems.agc_limit, rows)
        self._fade = np.tile(np.exp(-1.0 / systems.agc_lag_s), rows)
        self._sum = np.zeros_like(self._rate)
        self._order = np.zeros_like(self._rate)
        self.power = np.zeros_like(self._rate)
        """Power of the plants in the present second, pu, shape [rows · e]."""

    def second(self, number: int, deviation: Floats) -> None:
        """Begin a second, with the deviation Δω that the control centre sees then, pu, shape [rows · e]."""
        if number % CYCLE_S == 0:
            # The integral stops where the reserve does.
            self._sum = np.clip(self._sum - self._rate * deviation, -self._limit, self._limit)
            self._order = np.clip(self._sum - self._share * deviation, -self._limit, self._limit)
        self.power = self._order + (self.power - self._order) * self._fade
