"""Bounds of a reading's channels at one measurement point, from the contract of `readings` and its nominals.

The table's rules and the wire's checks both take them from here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data_contracts.channels import COLUMNS, KEY
from data_contracts.contract import Column
from data_contracts.facts import PointFacts
from data_contracts.ranges import I_MAX_A, V_MAX_PU

CHANNELS: tuple[Column, ...] = tuple(column for column in COLUMNS if column.name not in (*KEY, "quality"))
CHANNEL_COLUMNS: tuple[str, ...] = tuple(column.name for column in CHANNELS)
"""The measured columns of `readings`, in file order; a reading on the wire carries the same, as lists."""

FREQUENCY_SHARE = 0.2
"""A reading's frequency lies within this share of nominal; relays have tripped everything long before."""


def bounds(facts: PointFacts, frequency_hz: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Smallest and largest plausible value of every channel at a point.

    Args:
        facts: The point's nominals.
        frequency_hz: Nominal frequency, Hz.

    Returns:
        Lower and upper bounds, each [channels] in the order of `CHANNEL_COLUMNS`, in the columns' units.
    """
    lower, upper = [], []
    v_max = V_MAX_PU * facts.nominal_v
    for column in CHANNELS:
        low = -np.inf if column.minimum is None else column.minimum
        high = np.inf if column.maximum is None else column.maximum
        if column.name in ("v_ab_v", "v_bc_v", "v_ca_v"):
            high = min(high, np.sqrt(3.0) * v_max)
        elif column.unit == "V":
            high = min(high, v_max)
        elif column.unit in ("W", "var"):
            high = min(high, v_max * I_MAX_A)
            low = max(low, -v_max * I_MAX_A)
        elif column.unit == "Hz":
            low = max(low, (1.0 - FREQUENCY_SHARE) * frequency_hz)
            high = min(high, (1.0 + FREQUENCY_SHARE) * frequency_hz)
        lower.append(low)
        upper.append(high)
    return np.array(lower), np.array(upper)
