"""What a feeder's customers emit together, and what the grid brings along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulation.engine import ORDERS
from simulation.engine.network import Complexes
from simulation.harmonics.spectra import (
    ARC_FURNACE,
    INVERTER,
    LIGHTING,
    RECTIFIER,
    SIX_PULSE,
    SIX_PULSE_CHOKE,
    SPECTRA,
    TWELVE_PULSE,
    Spectrum,
)
from simulation.noise import Floats
from substations.description import Feeder

_ORDER = np.arange(1, ORDERS + 1)
_TRIPLEN = _ORDER % 3 == 0
# Orders 6k ± 1 with odd k: a shift by 30° turns them by 180° against the others.
_OPPOSED = np.isin(_ORDER % 12, (5, 7))

# Typical shares of each class's current that each kind of equipment draws; from common knowledge of
# end-use surveys. What is missing to 1 is linear: motors, heating, lamps with filaments.
_SHARES: dict[str, dict[Spectrum, float]] = {
    "residential": {RECTIFIER: 0.16, LIGHTING: 0.14, SIX_PULSE_CHOKE: 0.01},
    "commercial": {RECTIFIER: 0.16, LIGHTING: 0.18, SIX_PULSE_CHOKE: 0.10, SIX_PULSE: 0.02},
    "industrial": {SIX_PULSE: 0.08, SIX_PULSE_CHOKE: 0.22, TWELVE_PULSE: 0.08, LIGHTING: 0.04},
    "agricultural": {SIX_PULSE_CHOKE: 0.05, LIGHTING: 0.03},
}
# How much these shares differ from feeder to feeder and hour to hour: deviation of their logarithm.
_SHARE_SPREAD = 0.6
_LARGEST_SHARE = 0.85
# How often one customer outweighs the others of a feeder, the share of the current that his equipment
# draws, and what that may be: each as likely as the next.
_BIG_CHANCE, _BIG_SHARE = 0.30, (0.2, 0.7)
_BIG = (SIX_PULSE_CHOKE, TWELVE_PULSE, TWELVE_PULSE, ARC_FURNACE, RECTIFIER, INVERTER)
# Share of its rating that a photovoltaic plant feeds in, and the share of triplen currents that passes the
# delta windings of distribution transformers: the uneven part.
_SUN, _PASSES = (0.0, 0.8), (0.05, 0.25)
# Many devices never agree in phase: what is left of the sum of their currents at order 5 and by order, as b
# and a of b·exp(-a·(h - 5)). With IEC TR 61000-3-6's summation exponents of 1.4 (to order 10) and 2 (above)
# 15 equal ones leave 0.46 and 0.26 of it.
_AGREE, _DISAGREE = (0.35, 0.65), (0.01, 0.05)
# Differences between the phases of one feeder: deviations of the logarithm of amplitudes and of angles.
_PHASE_SPREAD, _PHASE_TURN = 0.04, 0.012

# Background voltage of the grid in shares of its fifth: measured levels of transmission grids fall with the
# order and hold hardly any triplen orders; deviation of the logarithms.
_BACKGROUND = {3: 0.15, 5: 1.0, 7: 0.60, 11: 0.30, 13: 0.22, 17: 0.09, 19: 0.07, 23: 0.02, 25: 0.02}
_BACKGROUND_SPREAD = 0.6


@dataclass(frozen=True, slots=True)
class FeederMix:
    """What one feeder's current is drawn by.

    Attributes:
        feeder: Its name.
        shares: Share of the current by kind of equipment, in the order of `SPECTRA`.
        phasors: Harmonic currents of each phase as shares of its fundamental, shape [3, 40].
    """

    feeder: str
    shares: Floats
    phasors: Complexes

    def parameters(self) -> dict[str, Any]:
        """Shares in percent by name; those below half a percent are left out."""
        return {
            spectrum.name: round(100.0 * float(share), 1)
            for spectrum, share in zip(SPECTRA, self.shares, strict=True)
            if share >= 0.005
        }


def draw_mix(rng: np.random.Generator, feeder: Feeder, load_w: float) -> FeederMix:
    """Draw what a feeder's customers have switched on.

    Args:
        rng: Source of randomness.
        feeder: The feeder with its customer classes.
        load_w: Its active load.
    """
    shares = _draw_shares(rng, feeder, load_w)
    total = np.zeros(ORDERS, dtype=np.complex128)
    passes = rng.uniform(*_PASSES)
    for spectrum, share in zip(SPECTRA, shares, strict=True):
        total += share * _draw_phasors(rng, spectrum, passes)
    total *= rng.uniform(*_AGREE) * np.exp(-rng.uniform(*_DISAGREE) * (_ORDER - 5.0))
    uneven = _PHASE_SPREAD * rng.standard_normal((3, ORDERS))
    turned = _PHASE_TURN * rng.standard_normal((3, 1)) * _ORDER
    return FeederMix(feeder.id, shares, total * np.exp(uneven + 1j * turned))


def draw_background(rng: np.random.Generator) -> Complexes:
    """Draw the grid's harmonic voltages: shares of its fundamental at a fifth of about 1 %, shape [40]."""
    found = np.zeros(ORDERS, dtype=np.complex128)
    for order, share in _BACKGROUND.items():
        size = 0.01 * share * np.exp(_BACKGROUND_SPREAD * rng.standard_normal())
        found[order - 1] = size * np.exp(2j * np.pi * rng.random())
    return found


def emitted_by(mixes: tuple[FeederMix, ...], loads: int) -> Complexes:
    """Currents of all loads of the engine, shape [l, 40]: the feeders come first, the others emit nothing."""
    found = np.zeros((loads, ORDERS), dtype=np.complex128)
    for row, mix in enumerate(mixes):
        found[3 * row : 3 * row + 3] = mix.phasors
    return found


def _draw_shares(rng: np.random.Generator, feeder: Feeder, load_w: float) -> Floats:
    mean = dict.fromkeys(SPECTRA, 0.0)
    for name, typical in _SHARES.items():
        for spectrum, share in typical.items():
            mean[spectrum] += getattr(feeder.mix, name) * share
    mean[INVERTER] = rng.uniform(*_SUN) * feeder.pv_mw * 1e6 / max(load_w, 1.0)
    shares = np.array([mean[spectrum] for spectrum in SPECTRA])
    shares *= np.exp(_SHARE_SPREAD * rng.standard_normal(shares.size))
    if rng.random() < _BIG_CHANCE:
        big = rng.uniform(*_BIG_SHARE)
        shares *= 1.0 - big
        shares[SPECTRA.index(_BIG[int(rng.integers(len(_BIG)))])] += big
    return np.asarray(shares * min(1.0, _LARGEST_SHARE / max(float(shares.sum()), 1e-9)))


def _draw_phasors(rng: np.random.Generator, spectrum: Spectrum, passes: float) -> Complexes:
    found = spectrum.phasors() * np.exp(spectrum.spread * rng.standard_normal(ORDERS))
    found *= np.exp(1j * np.radians(spectrum.turn_deg) * rng.standard_normal() * _ORDER)
    if spectrum.behind_delta:
        found[_TRIPLEN] *= passes
    if spectrum.transformers:
        # Of two halves in opposition what one has more than the other is left.
        found[_OPPOSED] *= rng.uniform(0.1, 1.0)
    return found
