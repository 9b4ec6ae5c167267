"""What devices and habits draw over a day: shapes of 96 quarters of an hour, for many customers at once.

Every function gives an array of shape [n, 96] in pu of what the device draws when fully on; parameters have
shape [n].
"""

from __future__ import annotations

import math

import numpy as np

from simulation.noise import Floats

QUARTERS = 96

HOURS: Floats = np.asarray((np.arange(QUARTERS) + 0.5) / 4.0, dtype=np.float64)
"""Middle of each quarter, local hours."""

PEAK_HOURS = (18.0, 22.0)
"""Hours of the evening's peak price."""

NIGHT_HOURS = (0.0, 6.0)

_HOTTEST_HOUR = 15.0


def between(hours: tuple[float, float]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Quarters between two hours of the day, shape [96]."""
    return np.asarray((hours[0] <= HOURS) & (hours[1] > HOURS))


def running(start: Floats, length: Floats, ramp: Floats) -> Floats:
    """Something that is switched on at `start`, for `length` hours, and takes `ramp` hours up and down."""
    since = (HOURS - start[:, None]) % 24.0
    up = np.clip(since / ramp[:, None], 0.0, 1.0)
    down = np.clip((length[:, None] - since) / ramp[:, None], 0.0, 1.0)
    return np.asarray(np.minimum(up, down))


def habit(hour: Floats, spread: Floats) -> Floats:
    """Something that many do around one hour of the day, such as cooking: a bell."""
    apart = (HOURS - hour[:, None] + 12.0) % 24.0 - 12.0
    return np.asarray(np.exp(-0.5 * (apart / spread[:, None]) ** 2))


def thermostat(mean_c: float, swing_c: float, set_c: Floats, band_k: Floats) -> Floats:
    """Cooling: the duty of a thermostat, which follows outdoor temperature above its setting up to full duty.

    Args:
        mean_c: Mean outdoor temperature of the day, °C.
        swing_c: Half of its daily swing, K.
        set_c: Outdoor temperature at which the compressor begins to run, °C.
        band_k: Rise above it at which the compressor never stops, K.
    """
    outdoor = mean_c + swing_c * np.cos(2.0 * math.pi * (HOURS - _HOTTEST_HOUR) / 24.0)
    return np.asarray(np.clip((outdoor - set_c[:, None]) / band_k[:, None], 0.0, 1.0))


def handover(first: Floats, depth: Floats) -> Floats:
    """Three shifts of eight hours: one, less a dip of a quarter of an hour's spread at each change."""
    dips = sum((habit(first + 8.0 * k, np.full(first.size, 0.35)) for k in range(3)), np.zeros(QUARTERS))
    return np.asarray(1.0 - depth[:, None] * dips)


def moved(load: Floats, share: Floats, loss: Floats) -> Floats:
    """The load once a share of what falls into the peak hours is put off to the night.

    Args:
        load: Before, any unit, shape [n, 96].
        share: Of the energy of the peak hours.
        loss: Extra energy for what is moved: a battery's, or of cold that warms up; 0 for none.

    Returns:
        After, shape [n, 96]; its energy is the same plus `loss` times what moved.
    """
    peak, night = between(PEAK_HOURS), between(NIGHT_HOURS)
    taken = load * (share[:, None] * peak)
    later = taken.sum(axis=1) * (1.0 + loss) / night.sum()
    return np.asarray(load - taken + later[:, None] * night)
