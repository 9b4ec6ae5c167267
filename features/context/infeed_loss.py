"""What the loss of the largest infeed does to frequency, from nameplates and units in service.

With the step ΔP, of the load of the grid and its neighbour, and the energy that is left in the rotors the
swing equation gives the first slope, df/dt = −f₀·ΔP/(2H). A nadir follows in closed form for two kinds of
governors: those that answer in proportion behind a reheater (P. Anderson, M. Mirheydar, "A low-order system
frequency response model", IEEE Transactions on Power Systems 5, 1990), and those that ramp to their reserve
within seconds whatever the frequency (I. Egido et al., "Maximum frequency deviation calculation in small
isolated power systems", IEEE Transactions on Power Systems 24, 2009). What governors really answer is not
metered.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data_contracts.transmission import PARKS, PLANTS
from data_contracts.transmission_ac import DROOP, MACHINES, POWER_FACTOR, WITHIN

Float = NDArray[np.float64]

NOMINAL_HZ = 50.0
NEIGHBOUR_INERTIA_S = 4.0
"""Inertia constant that operators take for the neighbour, s."""

NEIGHBOUR_GAIN, NEIGHBOUR_RESERVE = 4.5, 0.025
"""Gain and primary reserve that they take for it, pu of its load, the first per pu frequency."""

RAMP_S = 8.0
"""Time within which reserve ramps up, s."""

# Damping of the load, share of a turbine before its reheater, time constant of that, s.
_DAMPING, _HIGH_PRESSURE, _REHEAT_S = 1.0, 0.28, 8.0

_UNIT_MW = np.array([machine.unit_mw for machine in MACHINES])
_ENERGY_MWS = np.array([machine.inertia_s for machine in MACHINES]) * _UNIT_MW / POWER_FACTOR
_STEAM = np.array([machine.governor == "steam" for machine in MACHINES])
_HYDRO = np.array([machine.governor == "hydro" for machine in MACHINES])

NAMES = (
    "infeed_lost_pu",
    "inertia_left_s",
    "infeed_rocof_hz_s",
    "steam_gain_pu",
    "hydro_gain_pu",
    "steam_reserve_pu",
    "hydro_reserve_pu",
    "reserve_to_loss",
    "proportional_nadir_hz",
    "ramped_nadir_hz",
    "neighbour_share",
)


def compute(unit_mw: Float, running: Float, load_mw: Float, neighbour_mw: Float, losses_mw: Float) -> Float:
    """Features of n states in the order of `NAMES`, float64 [n, len(NAMES)].

    Args:
        unit_mw: Output of parks and stations, MW, [n, 14].
        running: Units of each station in service, [n, 10].
        load_mw: Load of the grid, [n].
        neighbour_mw: Load of its neighbour, [n].
        losses_mw: What fails with a unit of each station or half of each park, [n, 14].
    """
    both = load_mw + neighbour_mw
    both = np.where(both > 0.0, both, np.nan)
    rows, largest = np.arange(len(both)), np.argmax(losses_mw, axis=1)
    step = losses_mw[rows, largest] / both
    left = running.copy()
    of_plant = largest < len(PLANTS)
    left[rows[of_plant], largest[of_plant]] -= 1.0
    left = np.maximum(left, 0.0)
    inertia = (left @ _ENERGY_MWS + NEIGHBOUR_INERTIA_S * neighbour_mw) / both
    capacity = left * _UNIT_MW
    output = unit_mw[:, len(PARKS) :] * left / np.maximum(running, 1.0)
    reserve = np.clip(capacity - output, 0.0, WITHIN * capacity)
    gains = [capacity[:, group].sum(axis=1) / (DROOP * both) for group in (_STEAM, _HYDRO)]
    reserves = [reserve[:, group].sum(axis=1) / both for group in (_STEAM, _HYDRO)]
    share = neighbour_mw / both
    gain = 0.75 * gains[0] + 0.8 * gains[1] + NEIGHBOUR_GAIN * share
    ready = 0.75 * reserves[0] + 0.8 * reserves[1] + NEIGHBOUR_RESERVE * share
    safe = np.maximum(inertia, 0.1)
    return np.column_stack(
        [
            step,
            inertia,
            NOMINAL_HZ * step / (2.0 * safe),
            *gains,
            *reserves,
            ready / np.maximum(step, 1e-6),
            NOMINAL_HZ * (1.0 - _proportional(step, safe, gain)),
            # Reserve ramps evenly; frequency falls until the ramp has reached the loss.
            NOMINAL_HZ * (1.0 - step**2 * RAMP_S / (4.0 * safe * np.maximum(ready, 1e-6))),
            share,
        ]
    )


def _proportional(step: Float, inertia_s: Float, gain: Float) -> Float:
    """Deepest departure, pu, of a reheat system (Anderson and Mirheydar, eqs. 9 to 17)."""
    total = _DAMPING + gain
    natural = np.sqrt(total / (2.0 * inertia_s * _REHEAT_S))
    damped = (2.0 * inertia_s + (_DAMPING + gain * _HIGH_PRESSURE) * _REHEAT_S) / (2.0 * total) * natural
    damped = np.minimum(damped, 0.999)
    ringing = natural * np.sqrt(1.0 - damped**2)
    time = np.arctan2(ringing * _REHEAT_S, damped * natural * _REHEAT_S - 1.0) / ringing
    swing = 1.0 - 2.0 * _REHEAT_S * damped * natural + (_REHEAT_S * natural) ** 2
    size = np.sqrt(swing / (1.0 - damped**2))
    angle = np.arctan2(natural * _REHEAT_S * np.sqrt(1.0 - damped**2), 1.0 - damped * natural * _REHEAT_S)
    angle = angle - np.arctan2(np.sqrt(1.0 - damped**2), -damped)
    found: Float = (
        step / total * (1.0 + size * np.exp(-damped * natural * time) * np.sin(ringing * time + angle))
    )
    return found
