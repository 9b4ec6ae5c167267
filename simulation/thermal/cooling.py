"""When fans and pumps start and stop, and what loading the guide permits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulation.noise import Floats

THRESHOLDS = {
    "ONAN": (np.inf, np.inf, -np.inf, -np.inf),
    "ONAF": (75.0, 65.0, 60.0, 50.0),
    "OFAF": (90.0, 75.0, 70.0, 60.0),
}
"""Winding and oil temperature that start each stage, and those below which both must fall to stop it, °C.

Usual settings of winding and oil temperature indicators, from common knowledge.
"""

LEAST_RUN_MIN = 30.0
"""A stage that was started runs at least so long. Assumed."""

LARGE_MVA = 100.0
"""IEC 60076-7: above, a three-phase transformer is large."""

MEDIUM_LIMITS = ((1.5, 120.0, 105.0), (1.5, 140.0, 115.0), (1.8, 160.0, 115.0))
LARGE_LIMITS = ((1.3, 120.0, 105.0), (1.3, 140.0, 115.0), (1.5, 160.0, 115.0))
"""Largest current (pu), hot spot and top oil (°C) of the first three regimes; from common knowledge."""


def regime(load_pu: Floats, hot_spot_c: Floats, oil_c: Floats, rated_mva: Floats) -> NDArray[np.int64]:
    """The mildest regime whose limits all hold, as positions in the contract's `REGIME_NAMES`.

    Args:
        load_pu: Load over the rated power, any shape.
        hot_spot_c: Hot spot, °C, same shape.
        oil_c: Top oil, °C, same shape.
        rated_mva: Rated power, MVA, same shape.
    """
    large = np.asarray(rated_mva > LARGE_MVA)
    found = np.zeros(np.shape(load_pu), dtype=np.int64)
    for medium, big in zip(MEDIUM_LIMITS, LARGE_LIMITS, strict=True):
        most = [np.where(large, b, m) for m, b in zip(medium, big, strict=True)]
        found += (load_pu > most[0]) | (hot_spot_c > most[1]) | (oil_c > most[2])
    return found
