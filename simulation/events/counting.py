"""When a change of voltage is an event at a point, and which.

Sag below 0.9 of nominal, swell above 1.1, interruption with all phases below 0.1 (IEEE 1159, IEC 61000-4-30);
otherwise a rapid voltage change where a phase departs from what it was by at least 3 % of nominal, or by 1 %
where a bank is switched on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.engine.network import Complexes
from simulation.noise import Floats

SAG_PU, SWELL_PU, INTERRUPTION_PU, RAPID_PU = 0.9, 1.1, 0.1, 0.03
"""Thresholds, pu of nominal."""

NONE, SAG, INTERRUPTION, SWELL, RAPID = range(5)
KIND_NAMES = ("", "sag", "interruption", "swell", "rapid_voltage_change")
"""Names of the kinds by code."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What an event is at each point, all of shape [p] unless said otherwise.

    Attributes:
        kind: Code of the kind, an index of KIND_NAMES; 0 where the point does not count it.
        depth_pct: By how much of nominal the worst phase departs, %.
        residual_pu: Voltage of the worst phase, pu.
        moved: Relative departure of each phase in pu of nominal, signed, shape [p, 3].
    """

    kind: NDArray[np.int8]
    depth_pct: Floats
    residual_pu: Floats
    moved: Floats

    @property
    def any(self) -> bool:
        """Whether a point counts it."""
        return bool((self.kind > NONE).any())

    @property
    def is_interruption(self) -> NDArray[np.bool_]:
        """Points without supply, shape [p]."""
        return np.asarray(self.kind == INTERRUPTION)

    def interrupted(self, after: Complexes, nominal_v: Floats) -> Counted:
        """The same, with an interruption where no voltage is left once a part of the station has tripped.

        Args:
            after: Phase voltages afterwards, V, shape [p, 3].
            nominal_v: Nominal voltage of each point, V.
        """
        pu = np.abs(after) / nominal_v[:, None]
        dead = pu.max(axis=1) < INTERRUPTION_PU
        least = pu.min(axis=1)
        return Counted(
            np.where(dead, INTERRUPTION, self.kind).astype(np.int8),
            np.where(dead, 100.0 * (1.0 - least), self.depth_pct),
            np.where(dead, least, self.residual_pu),
            np.where(dead[:, None], -1.0, self.moved),
        )


def count(before: Complexes, during: Complexes, nominal_v: Floats, *, rapid_pu: float = RAPID_PU) -> Counted:
    """Classify an event at every point.

    Args:
        before: Phase voltages before it, V, shape [p, 3].
        during: Phase voltages during it, V, shape [p, 3].
        nominal_v: Nominal phase-to-neutral voltage of each point, V, shape [p].
        rapid_pu: Smallest departure that is a rapid voltage change, pu of nominal.
    """
    pu = np.abs(during) / nominal_v[:, None]
    moved = pu - np.abs(before) / nominal_v[:, None]
    rows = np.arange(nominal_v.size)
    low, high = pu.min(axis=1), pu.max(axis=1)
    worst = np.abs(moved).argmax(axis=1)
    change = np.abs(moved[rows, worst])
    kind = np.select(
        [high < INTERRUPTION_PU, low < SAG_PU, high > SWELL_PU, change >= rapid_pu],
        [INTERRUPTION, SAG, SWELL, RAPID],
        NONE,
    )
    falls = (kind == SAG) | (kind == INTERRUPTION)
    residual = np.where(falls, low, np.where(kind == SWELL, high, pu[rows, worst]))
    depth = np.where(kind == RAPID, change, np.abs(1.0 - residual))
    return Counted(kind.astype(np.int8), 100.0 * depth, residual, moved)
