"""A fault as it is drawn: where, between what, through what, for how long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.faults.clearing import Clearing
from simulation.faults.places import Site

LARGEST_OHM = 50.0
"""Largest fault resistance that is drawn: a tree, dry ground."""

KINDS = ("LG", "LL", "LLG", "LLL")
# Shares as statistics of overhead networks have them (from common knowledge).
_SHARES = (0.70, 0.12, 0.13, 0.05)
_PHASES = {"LG": ("a", "b", "c"), "LL": ("ab", "bc", "ca"), "LLG": ("ab", "bc", "ca"), "LLL": ("abc",)}


@dataclass(frozen=True, slots=True)
class Hit:
    """A fault drawn.

    Attributes:
        site: Where.
        kind: LG, LL, LLG or LLL.
        phases: Faulted phases.
        r_ohm: Resistance.
        clearing: How it ends.
        start_s: Seconds from the episode's start at which it begins.
    """

    site: Site
    kind: str
    phases: str
    r_ohm: float
    clearing: Clearing
    start_s: float

    @property
    def end_s(self) -> float:
        """Seconds from the episode's start at which its current is broken."""
        return self.start_s + self.clearing.duration_s


def draw_kind(rng: np.random.Generator) -> tuple[str, str]:
    """Type and phases of a fault."""
    kind = str(rng.choice(KINDS, p=_SHARES))
    return kind, str(rng.choice(_PHASES[kind]))


def draw_resistance(rng: np.random.Generator) -> float:
    """Resistance of a fault, Ω: uniform up to 50 Ω in six of ten, log-uniform from 10 mΩ in the others."""
    if rng.random() < 0.6:
        return float(rng.uniform(0.0, LARGEST_OHM))
    return float(10.0 ** rng.uniform(-2.0, np.log10(LARGEST_OHM)))
