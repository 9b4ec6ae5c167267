"""Temperature and ageing of insulation in steady state.

Hot-spot of a transformer by IEC 60076-7:2018 for a constant load K in a constant ambient temperature:

    θ_h = θ_a + Δθ_or·((1 + R·K²)/(1 + R))^x + Δθ_hr·K^y,      V = 2^((θ_h − 98 °C)/6 K)

with the standard's figures for ONAF cooling and V for paper that is not thermally upgraded (figures from
public implementations and from common knowledge). Load losses rise with harmonics by IEEE C57.110: the eddy
part P_EC of the losses is multiplied with F_HL = Σ h²·(I_h/I)², so that K² becomes K²·(1 + P_EC·F_HL)/(1 +
P_EC).
"""

from __future__ import annotations

import numpy as np

from simulation.noise import Floats

OIL_RISE_K, WINDING_RISE_K = 52.0, 26.0
LOSS_RATIO, OIL_EXPONENT, WINDING_EXPONENT = 6.0, 0.8, 1.3
REFERENCE_C, DOUBLING_K = 98.0, 6.0
EDDY_SHARE = 0.10
"""Eddy losses over ohmic losses at rated current."""

_CONDUCTOR_EXPONENT = 1.8


def equivalent_load(load_pu: Floats, harmonic_factor: Floats | float) -> Floats:
    """Sinusoidal load that heats as much as the distorted one (IEEE C57.110), pu."""
    return np.asarray(load_pu * np.sqrt((1.0 + EDDY_SHARE * harmonic_factor) / (1.0 + EDDY_SHARE)))


def transformer_hot_spot(ambient_c: Floats, load_pu: Floats) -> Floats:
    """Steady-state hot-spot (IEC 60076-7), °C."""
    oil = OIL_RISE_K * ((1.0 + LOSS_RATIO * load_pu**2) / (1.0 + LOSS_RATIO)) ** OIL_EXPONENT
    return np.asarray(ambient_c + oil + WINDING_RISE_K * load_pu**WINDING_EXPONENT)


def conductor_temperature(ambient_c: Floats, load_pu: Floats, rise_k: float) -> Floats:
    """Hottest part of what has no oil circuit, °C: rise at rated current times K^1.8 (IEC 62271-1's law)."""
    return np.asarray(ambient_c + rise_k * load_pu**_CONDUCTOR_EXPONENT)


def ageing_rate(hot_c: Floats, reference_c: float = REFERENCE_C) -> Floats:
    """Relative ageing rate V: 1 at the reference temperature, doubled every 6 K."""
    return np.asarray(2.0 ** ((hot_c - reference_c) / DOUBLING_K))
