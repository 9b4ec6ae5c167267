"""Under-frequency relays that shed load in stages."""

from __future__ import annotations

import numpy as np

from simulation.frequency.system import Systems
from simulation.noise import Floats

WINDOW_S = 0.1
"""Measuring window of the relays: five cycles at 50 Hz (from common knowledge of digital relays)."""


class Shedding:
    """Stages of several systems; what has been shed stays shed within an episode."""

    def __init__(self, systems: Systems) -> None:
        """Relays at rest."""
        self._at, self._share = systems.shed_at, systems.shed_share
        self._first = float(systems.shed_at.max())
        self._wait = np.rint(systems.shed_delay_s / WINDOW_S)
        self._below = np.zeros_like(systems.shed_at)
        self._open = np.zeros(systems.shed_at.shape, dtype=np.bool_)
        self.shed = np.zeros(systems.episodes)
        """Load shed so far, pu, shape [e]."""

    def window(self, deviation: Floats) -> None:
        """One measuring window has passed, at whose end frequency deviates so, pu, shape [e]."""
        if float(deviation.min()) > self._first and not self._below.any():
            return
        self._below = np.where(deviation <= self._at, self._below + 1.0, 0.0)
        self._open |= self._below > self._wait
        self.shed = np.add.reduce(np.where(self._open, self._share, 0.0), axis=0)
