"""Gases that heat and discharge dissolve in oil, and what the laboratory says of them.

Thermal faults give methane and ethylene, discharges hydrogen and acetylene, and both burn paper to carbon
monoxide (IEC 60599). Rates are of the order at which that standard calls them typical (from common
knowledge).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.noise import Floats

GASES = ("h2", "ch4", "c2h2", "c2h4", "co")

# ppm a day: always, times the ageing rate, times the severity squared of a thermal defect and of discharges.
_QUIET = np.array([0.004, 0.003, 0.0, 0.002, 0.03])
_AGEING = np.array([0.02, 0.02, 0.0, 0.02, 1.2])
_THERMAL = np.array([0.6, 2.2, 0.02, 3.0, 2.5])
_DISCHARGE = np.array([3.5, 0.7, 1.2, 0.4, 1.0])

SAMPLE_D, WATCHED_D = 182, 14
"""Days between samples, and between them once a sample is conspicuous."""

# IEC 60599's typical values, ppm: above one of them samples are taken more often.
_TYPICAL = np.array([150.0, 130.0, 10.0, 280.0, 600.0])
_RELATIVE_NOISE, _FLOOR_PPM = 0.06, np.array([1.0, 0.5, 0.1, 0.5, 5.0])


def generated_ppm(ageing: Floats, severity: Floats, thermal: Floats) -> Floats:
    """Gas that a day adds, ppm, shape [5, a]; never negative.

    Args:
        ageing: Relative ageing rate of the day, shape [a].
        severity: Of the defect, 0 to 1, shape [a].
        thermal: Share of the defect that is thermal, the rest are discharges, shape [a].
    """
    square = severity**2
    return np.asarray(
        _QUIET[:, None]
        + _AGEING[:, None] * ageing
        + _THERMAL[:, None] * (square * thermal)
        + _DISCHARGE[:, None] * (square * (1.0 - thermal))
    )


@dataclass(slots=True)
class Samples:
    """The laboratory's last word on each piece of equipment.

    Attributes:
        ppm: Value of the last sample, shape [5, a].
        age_d: Days since it was taken, shape [a].
        sampled: Pieces whose oil is sampled at all, shape [a].
    """

    ppm: Floats
    age_d: Floats
    sampled: NDArray[np.bool_]

    def take(self, rng: np.random.Generator, true_ppm: Floats, available: NDArray[np.bool_]) -> None:
        """Let a day pass, and sample what is due: six percent of the value and a floor of noise."""
        noise = rng.standard_normal(true_ppm.shape)
        self.age_d += 1.0
        conspicuous = (self.ppm > _TYPICAL[:, None]).any(axis=0)
        due = self.sampled & available & (self.age_d >= np.where(conspicuous, WATCHED_D, SAMPLE_D))
        read = true_ppm * (1.0 + _RELATIVE_NOISE * noise) + _FLOOR_PPM[:, None] * np.abs(noise)
        self.ppm[:, due] = np.maximum(read[:, due], 0.0)
        self.age_d[due] = 0.0
