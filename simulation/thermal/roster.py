"""Blocks of load that come and go by the clock: what makes the next hour differ from the present one.

Irrigation is supplied by rosters of some hours, chillers and furnaces start with a shift, and charging begins
when the tariff falls (from common knowledge of distribution companies' practice). A block is switched at the
same hours every day, at each feeder at its own.
"""

from __future__ import annotations

import numpy as np

from simulation.clock import local_time
from simulation.noise import Floats
from substations.description import Substation
from switchyard.identity import generator

BLOCKS = 4
"""Blocks of a feeder on a day."""

_SHARE, _HOURS = (0.20, 0.60), (1.0, 3.0)
# A block's customers follow their own clocks: it is there within so many minutes.
_RAMP_H = 0.25


def rostered(substation: Substation, t: np.ndarray) -> Floats:
    """Power of each feeder with its blocks, in multiples of its power without, shape [n, f].

    Hours, lengths and sizes depend on the feeder's name alone.

    Args:
        substation: Description.
        t: Unix seconds, shape [n].
    """
    hour = local_time(t, substation.utc_offset_s).hour
    found = np.ones((t.size, len(substation.feeders)))
    for k, feeder in enumerate(substation.feeders):
        rng = generator(substation.name, feeder.point, "roster")
        first = rng.uniform(0.0, 24.0)
        for block in range(BLOCKS):
            begin = first + 24.0 / BLOCKS * block + rng.uniform(-1.0, 1.0)
            share, length = rng.uniform(*_SHARE), rng.uniform(*_HOURS)
            since = (hour - begin) % 24.0
            up, down = np.clip(since / _RAMP_H, 0.0, 1.0), np.clip((length - since) / _RAMP_H, 0.0, 1.0)
            found[:, k] += share * np.minimum(up, down)
    return found
