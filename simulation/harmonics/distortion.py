"""The distortion of one episode: solved phasors, how their level moves, and what is captured of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.harmonics.capture import Capture, Interharmonics
from simulation.harmonics.states import HarmonicStates, rms_factor
from simulation.noise import Floats, autoregressive

# How the level of what is emitted moves from second to second: deviation of its logarithm, memory in seconds.
_SIGMA, _MEMORY_S = 0.02, 6.0


@dataclass(frozen=True, slots=True)
class Distorted:
    """What an episode's distortion is.

    Attributes:
        states: Phasors of all orders in the last second.
        level: Distortion of each second as a multiple of that of the last, shape [t]; its last entry is 1.
        interharmonics: What lies between the orders.
        captures: Captures taken within the last second.
    """

    states: HarmonicStates
    level: Floats
    interharmonics: Interharmonics
    captures: tuple[Capture, ...]

    def true_rms_factors(self) -> tuple[Floats, Floats]:
        """RMS of phase and of line voltages in multiples of the fundamental's, shape [p, t, 3] each."""
        return rms_factor(self.states.v, self.level), rms_factor(self.states.v_ll, self.level)


def draw_level(rng: np.random.Generator, seconds: int) -> Floats:
    """Draw how the level of all emission moves, shape [t]; 1 in the last second."""
    moved = autoregressive(rng, seconds, 1, sigma=_SIGMA, memory=_MEMORY_S)[:, 0]
    return np.asarray(np.exp(moved - moved[-1]))
