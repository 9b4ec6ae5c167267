"""How stable a state is: three margins, each against its requirement, and the least of them.

Every margin gives 0–100 on a line through stated points: 60 where the requirement is just met, 80 with room.
The requirements are of the order that operators use (from common knowledge): voltage stability 5 % beyond the
load after any one failure, currents within the emergency rating and voltages within ±10 % after it, and no
shedding of load at the loss of the largest infeed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.stability.nadir import SHEDDING_HZ

Points = tuple[tuple[float, float], ...]

VOLTAGE: Points = ((0.0, 0.0), (0.05, 60.0), (0.10, 80.0), (0.25, 100.0))
"""Score by the smallest rise of load to the nose after a failure, pu of the load."""

OUTAGES: Points = ((0.75, 100.0), (0.90, 80.0), (1.0, 60.0), (1.4, 0.0))
"""Score by the largest severity after a failure: 1 is at what is permitted."""

FREQUENCY: Points = ((-0.4, 0.0), (0.0, 60.0), (0.15, 80.0), (0.35, 100.0))
"""Score by the nadir above the first stage of shedding, Hz."""

MARGINS = ("voltage", "outages", "frequency")


@dataclass(frozen=True, slots=True)
class Score:
    """The score of each margin, their least, its class and which margin it is."""

    voltage: float
    outages: float
    frequency: float

    @property
    def total(self) -> float:
        """The least."""
        return min(self.voltage, self.outages, self.frequency)

    @property
    def limited_by(self) -> str:
        """The first margin that is the least."""
        return min(MARGINS, key=lambda name: float(getattr(self, name)))


def score(margin_pu: float, severity: float, nadir_hz: float) -> Score:
    """Score a state.

    Args:
        margin_pu: Smallest rise of load to the nose after a failure.
        severity: Largest severity after a failure; infinite where one has no solution.
        nadir_hz: Lowest frequency after the largest loss.
    """
    return Score(_on(VOLTAGE, margin_pu), _on(OUTAGES, severity), _on(FREQUENCY, nadir_hz - SHEDDING_HZ))


def _on(points: Points, value: float) -> float:
    places, scores = zip(*points, strict=True)
    return float(np.interp(value, places, scores))
