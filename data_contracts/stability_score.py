"""Scores of a state's margins, and what is permitted after a failure.

Every margin gives 0–100 on a line through stated points: 60 where the requirement is just met, 80 with room.
The requirements are of the order that operators use (from common knowledge): voltage stability 5 % beyond the
load after any one failure, currents within the emergency rating and voltages within ±10 % after it, and no
shedding of load at the loss of the largest infeed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Points = tuple[tuple[float, float], ...]

EMERGENCY = 1.3
"""Current that a line bears for a quarter of an hour, of its rating (practice; from common knowledge)."""

DEPARTURE_PU = 0.10
"""Departure from nominal voltage that is permitted after a failure (practice; from common knowledge)."""

SHEDDING_HZ = 49.4
"""First stage of under-frequency load shedding, at 50 Hz nominal."""

VOLTAGE: Points = ((0.0, 0.0), (0.05, 60.0), (0.10, 80.0), (0.25, 100.0))
"""Score by the smallest rise of load to the nose after a failure, pu of the load."""

OUTAGES: Points = ((0.75, 100.0), (0.90, 80.0), (1.0, 60.0), (1.4, 0.0))
"""Score by the largest severity after a failure: 1 is at what is permitted."""

FREQUENCY: Points = ((-0.4, 0.0), (0.0, 60.0), (0.15, 80.0), (0.35, 100.0))
"""Score by the nadir above the first stage of shedding, Hz."""


def on(points: Points, values: Float | float) -> Float:
    """Scores of margins on the line through `points`, of the shape of `values`; NaN stays NaN."""
    places, scores = zip(*points, strict=True)
    return np.asarray(np.interp(values, places, scores), dtype=np.float64)
