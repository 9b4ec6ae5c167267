"""Temperatures of windings and conductors from load and weather, and the resistances that follow.

A plain estimate for losses: mean winding temperatures, no hot-spot. Rises at rated load are those that a
transformer of the temperature class 65 K has (IEC 60076-2); the rest is stated at each function.
"""

from __future__ import annotations

import math

import numpy as np

from simulation.clock import QUARTER_S
from simulation.noise import Floats

OIL_RISE_K, WINDING_RISE_K = 38.0, 22.0
"""Rise of the mean oil over the air and of the mean winding over the oil, at a cooling stage's rating."""

LOSS_RATIO = 5.0
"""Load loss at rated current over no-load loss (IEC 60076-7's R)."""

OIL_EXPONENT, WINDING_EXPONENT = 0.8, 1.6
OIL_TIME_S = 10_800.0
"""IEC 60076-7 gives 150 to 210 min."""

WINDING_REFERENCE_C, COPPER_K = 75.0, 235.0
"""Temperature at which load losses are stated, and copper's constant (IEC 60076-1)."""

EDDY_SHARE = 0.10
"""Share of the load loss, at its reference temperature, that eddy currents and stray fields cause."""

LINE_REFERENCE_C, LINE_ALPHA = 20.0, 0.00403
"""Temperature of the circuit file's resistances, and aluminium's coefficient (IEC 60889), 1/K."""

LINE_RISE_K, CABLE_RISE_K, SUN_RISE_K = 35.0, 50.0, 8.0
"""Rise at rated current of an overhead conductor in a wind of 0.6 m/s, of a cable's conductor in its soil; of
an overhead conductor in 1000 W/m² of sun (from common knowledge)."""

_CALM_M_S = 0.6
_SOIL_MEMORY_DAYS = 30.0
# Steps of a lag that one product of matrices makes.
_AT_ONCE = 64


def loading(apparent_va: Floats, rated_va: Floats) -> Floats:
    """Load in multiples of the rating of the cooling stage that is on: the weakest that carries it.

    Args:
        apparent_va: Shape [t, k].
        rated_va: Ratings of the stages, rising, shape [k, stages].
    """
    stage = np.minimum((apparent_va[..., None] > rated_va).sum(axis=-1), rated_va.shape[1] - 1)
    return np.asarray(apparent_va / np.take_along_axis(rated_va[None], stage[..., None], axis=-1)[..., 0])


def winding_c(load: Floats, ambient_c: Floats, step_s: float = QUARTER_S) -> Floats:
    """Mean winding temperatures, °C, shape [t, k].

    Oil follows its final rise Δθ·((1 + R·K²)/(1 + R))^x with one time constant, windings follow the oil at
    once with g·K^y (IEC 60076-7, whose exponents for forced air these are).

    Args:
        load: K in each step, shape [t, k]; before the first step it was the first step's for ever.
        ambient_c: Air temperature, shape [t].
        step_s: Length of a step, s.
    """
    final = OIL_RISE_K * ((1.0 + LOSS_RATIO * load**2) / (1.0 + LOSS_RATIO)) ** OIL_EXPONENT
    oil = lagged(final, OIL_TIME_S / step_s)
    return np.asarray(ambient_c[:, None] + oil + WINDING_RISE_K * load**WINDING_EXPONENT)


def lagged(values: Floats, memory: float) -> Floats:
    """Response of a first-order lag of so many steps, at rest in the first value, shape [t, k]."""
    keep = math.exp(-1.0 / memory)
    out = np.empty_like(values)
    steps = np.arange(_AT_ONCE)
    left = keep ** (steps + 1.0)[:, None]
    weights = (1.0 - keep) * np.tril(keep ** (steps[:, None] - steps).astype(np.float64))
    state = values[0]
    for first in range(0, values.shape[0], _AT_ONCE):
        block = values[first : first + _AT_ONCE]
        count = block.shape[0]
        out[first : first + count] = left[:count] * state + weights[:count, :count] @ block
        state = out[first + count - 1]
    return out


def overhead_c(share: Floats, ambient_c: Floats, ghi_w_m2: Floats, wind_m_s: Floats) -> Floats:
    """Conductor temperatures of overhead lines, °C, from currents in shares of the rating, shape [t, k].

    Heating by I², cooling by the root of the wind's speed.
    """
    cooling = np.sqrt(_CALM_M_S / np.maximum(wind_m_s, _CALM_M_S))
    air = ambient_c + SUN_RISE_K * cooling * ghi_w_m2 / 1000.0
    return np.asarray(air[:, None] + LINE_RISE_K * cooling[:, None] * share**2)


def cable_c(share: Floats, ambient_c: Floats) -> Floats:
    """Conductor temperatures of cables in soil that follows the air within a month, °C, shape [t, k]."""
    soil = lagged(ambient_c[:, None], _SOIL_MEMORY_DAYS * 86_400.0 / QUARTER_S)
    return np.asarray(soil + CABLE_RISE_K * share**2)


def winding_factor(theta_c: Floats, thd: Floats | float = 0.0, eddy: Floats | float = 0.0) -> Floats:
    """Effective resistance of windings over that at 75 °C.

    (1 − e)·k·(1 + THD²) + (e/k)·(1 + Σh²·i_h²) with k = (235 + θ)/(235 + 75): ohmic loss grows with the
    temperature, eddy loss falls (IEC 60076-1), and grows with the square of frequency (IEEE C57.110).

    Args:
        theta_c: Mean winding temperature, °C.
        thd: Distortion of the current as a share of its fundamental.
        eddy: Σ h²·i_h² over the orders above 1, i_h as shares of the fundamental.
    """
    k = (COPPER_K + theta_c) / (COPPER_K + WINDING_REFERENCE_C)
    return np.asarray((1.0 - EDDY_SHARE) * k * (1.0 + np.square(thd)) + EDDY_SHARE / k * (1.0 + eddy))


def line_factor(theta_c: Floats, thd: Floats | float = 0.0) -> Floats:
    """Resistance of a conductor over the circuit file's: (1 + α·(θ − 20 °C))·(1 + THD²)."""
    return np.asarray((1.0 + LINE_ALPHA * (theta_c - LINE_REFERENCE_C)) * (1.0 + np.square(thd)))
