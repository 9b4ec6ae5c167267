"""Thermal equations of IEEE C57.91, clause 7: a second formulation beside IEC 60076-7."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.noise import Floats
from simulation.thermal.iec60076 import Rated

OIL_EXPONENTS = {"ONAN": 0.8, "ONAF": 0.9, "OFAF": 0.9}
"""n of each cooling stage; from common knowledge, as is m."""

WINDING_EXPONENT = 0.8
"""m of every stage without directed oil flow."""


@dataclass(frozen=True, slots=True)
class Rises:
    """Temperature rises of many transformers, K: top oil over air, and hot spot over top oil."""

    oil_k: Floats
    winding_k: Floats


def ultimate(rated: Rated, n: Floats, load_pu: Floats, energised: Floats | float = 1.0) -> Rises:
    """Ultimate rises Δθ_TO,R·((K²R + 1)/(R + 1))ⁿ and Δθ_H,R·K^2m under a constant load.

    Args:
        rated: Rated rises, loss ratios and time constants.
        n: Oil exponent of each.
        load_pu: K, load current over the stage's rated current.
        energised: 1, or 0 for a transformer without voltage.
    """
    losses = (1.0 + load_pu**2 * rated.loss_ratio) / (1.0 + rated.loss_ratio)
    return Rises(
        energised * rated.oil_rise_k * losses**n, rated.gradient_k * load_pu ** (2.0 * WINDING_EXPONENT)
    )


def oil_time_constant(rated: Rated, n: Floats, now_k: Floats, end_k: Floats) -> Floats:
    """Time constant of the top oil between two rises, min.

    τ = τ_R·(u − i)/(u^(1/n) − i^(1/n)) with u and i in multiples of the rated rise; n·u^(1 − 1/n) in the
    limit of equal rises.
    """
    low = 1e-3
    end, now = np.maximum(end_k / rated.oil_rise_k, low), np.maximum(now_k / rated.oil_rise_k, low)
    middle = 0.5 * (end + now)
    near = np.abs(end - now) < 1e-4 * middle
    steep = np.where(near, 1.0, end ** (1.0 / n) - now ** (1.0 / n))
    share = np.where(near, n * middle ** (1.0 - 1.0 / n), (end - now) / steep)
    return np.asarray(rated.tau_oil_min * share, dtype=np.float64)


def advance(rated: Rated, n: Floats, rises: Rises, end: Rises, minutes: float) -> Rises:
    """The rises `minutes` later: each goes to its ultimate value by its exponential."""
    oil = -np.expm1(-minutes / oil_time_constant(rated, n, rises.oil_k, end.oil_k))
    winding = -np.expm1(-minutes / rated.tau_winding_min)
    return Rises(
        rises.oil_k + oil * (end.oil_k - rises.oil_k),
        rises.winding_k + winding * (end.winding_k - rises.winding_k),
    )


def ageing_acceleration(hot_spot_c: Floats) -> Floats:
    """F_AA = exp(15000/383 − 15000/(θh + 273)) with θh in °C: 1 at 110 °C, thermally upgraded paper."""
    return np.asarray(np.exp(15000.0 / 383.0 - 15000.0 / (hot_spot_c + 273.0)), dtype=np.float64)
