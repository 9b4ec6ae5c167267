"""Which points capture their waveform in an episode, from when on, and what lies between the orders there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.noise import Floats
from substations.description import Substation

KINDS = ("infeed", "transformer_bay", "bus", "feeder")
"""One capture is taken at a point of each of these kinds."""

_TONES = 3
# Between 60 Hz and 1 kHz, in multiples of the fundamental; none within a tenth of an order.
_TONE_RANGE, _AWAY = (1.2, 20.0), 0.1
# RMS of all tones in shares of the fundamental: log-uniform.
_TONE_LEVEL = (2.0e-4, 3.0e-3)
# Currents between the orders are several times the voltages in shares of the fundamental.
_CURRENT_FACTOR = 4.0


@dataclass(frozen=True, slots=True)
class Interharmonics:
    """Tones between the orders, the same at all points of an episode but for their size.

    Attributes:
        order: Frequencies in multiples of the fundamental, shape [n].
        share: RMS in shares of the fundamental voltage, shape [n].
        turn_rad: Angle of each phase's tone at the crest of the fundamental, shape [3, n].
        current_factor: Shares of the fundamental current in multiples of those of the voltage.
    """

    order: Floats
    share: Floats
    turn_rad: Floats
    current_factor: float = _CURRENT_FACTOR

    @property
    def rms_pct(self) -> float:
        """RMS of all tones, % of the fundamental voltage."""
        return float(100.0 * np.sqrt((self.share**2).sum()))


@dataclass(frozen=True, slots=True)
class Capture:
    """One capture.

    Attributes:
        point: Row of the point.
        start_rad: Angle of the network's phasors at the first sample, beyond that of the solution.
    """

    point: int
    start_rad: float


def draw_captures(rng: np.random.Generator, substation: Substation) -> tuple[Capture, ...]:
    """Draw a point of each kind whose meter measures distortion; kinds without one are left out.

    Each meter has its own trigger: the captures begin anywhere in a cycle.
    """
    found = []
    for kind in KINDS:
        rows = [
            row
            for row, point in enumerate(substation.points)
            if point.kind == kind and {"v_ll", "thd"} <= set(point.measures)
        ]
        if rows:
            row = rows[int(rng.integers(len(rows)))]
            found.append(Capture(row, float(rng.uniform(0.0, 2.0 * np.pi))))
    return tuple(found)


def draw_interharmonics(rng: np.random.Generator) -> Interharmonics:
    """Draw a few tones between the orders: converters of variable speed and arcs."""
    order = rng.uniform(*_TONE_RANGE, _TONES)
    nearest = np.rint(order)
    side = np.where(order >= nearest, 1.0, -1.0)
    order = np.where(np.abs(order - nearest) < _AWAY, nearest + side * _AWAY, order)
    total = float(np.exp(rng.uniform(*np.log(_TONE_LEVEL))))
    weight = rng.uniform(0.2, 1.0, _TONES)
    share = total * weight / np.sqrt((weight**2).sum())
    return Interharmonics(order, share, rng.uniform(0.0, 2.0 * np.pi, (3, _TONES)))
