"""What moves a station's voltages slowly or unevenly over ten minutes: the grid beside it, its feeders."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from simulation.noise import Floats
from simulation.scenario.conditions import Conditions, coloured
from simulation.scenario.regulation import Positions, Regulators
from simulation.scenario.world import World

# Unbalance that the grid's other customers cause at the station's bus: log-normal, %. Its slow voltage:
# deviation as a share of nominal, memory in seconds.
_VUF_MEDIAN_PCT, _VUF_SPREAD, _VUF_MOST_PCT = 0.40, 0.65, 2.2
_DRIFT, _DRIFT_S = 0.003, 150.0
# How often traction draws from the station, and the share of its rating that it does.
_TRACTION_CHANCE, _TRACTION = 0.5, (0.1, 1.0)
# The system's frequency beside its quiet movement: deviation, Hz, and where it is cut.
_F_OFFSET_HZ, _F_CUT = 0.07, 3.0
# How often a group of tap changers stands where a person has put it, and how far from rest, in positions.
_BY_HAND, _BY_HAND_STEPS, _MOST_STEPS = 0.25, 2.0, 5
# How the level of all emission moves: deviation of its logarithm and memory in seconds, slowly and quickly.
_LEVEL = ((0.06, 150.0), (0.02, 6.0))


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What was drawn.

    Attributes:
        conditions: Conditions with it.
        parameters: JSON values.
    """

    conditions: Conditions
    parameters: dict[str, Any]


def disturb(rng: np.random.Generator, world: World, conditions: Conditions) -> Disturbance:
    """Add unbalance and slow voltage of the grid, traction, and an offset of the frequency."""
    s_va, seconds = conditions.s_va.copy(), conditions.seconds
    strength_va = conditions.hour.short_circuit_mva * 1e6
    vuf = min(_VUF_MEDIAN_PCT * float(np.exp(_VUF_SPREAD * rng.standard_normal())), _VUF_MOST_PCT)
    turn = rng.uniform(0.0, 2.0 * np.pi)
    # Reactive power q·cos(θ + k·120°) on phase k draws |I2| = q/(2·U), which the source's impedance turns
    # into |V2| = q/(2·U)·Z1 with Z1 = U²/(S/3).
    uneven = 2.0 * vuf / 100.0 * strength_va / 3.0 * np.cos(turn + 2.0 * np.pi / 3.0 * np.arange(3))
    drift = coloured(rng, seconds, 1, _DRIFT, _DRIFT_S)[:, 0]
    drift -= drift[0]
    s_va[:, -3:] += 1j * (uneven + drift[:, None] * strength_va / 3.0)
    traction = {}
    feeders = 3 * len(world.substation.feeders)
    for k, supply in enumerate(world.substation.traction):
        if rng.random() < _TRACTION_CHANCE:
            share = rng.uniform(*_TRACTION)
            reactive = np.tan(np.arccos(supply.power_factor))
            s_va[:, feeders + k] += share * supply.rated_mw * 1e6 * (1.0 + 1j * reactive)
            traction[supply.id] = round(float(share), 3)
    offset = _F_OFFSET_HZ * float(np.clip(rng.standard_normal(), -_F_CUT, _F_CUT))
    moved = replace(conditions, s_va=s_va, f_hz=conditions.f_hz + offset)
    return Disturbance(moved, {"grid_vuf_pct": vuf, "traction": traction, "f_offset_hz": offset})


def by_hand(rng: np.random.Generator, regulators: Regulators, positions: Positions) -> Positions:
    """Where the tap changers stand: some by hand, away from where they would have come to rest."""
    taps = list(positions.taps)
    for k, group in enumerate(regulators.groups):
        chosen, moved = rng.random() < _BY_HAND, rng.standard_normal()
        if chosen:
            steps = int(np.clip(round(_BY_HAND_STEPS * moved), -_MOST_STEPS, _MOST_STEPS))
            taps[k] = int(np.clip(taps[k] + steps, 1, group.steps))
    return replace(positions, taps=tuple(taps))


def draw_levels(rng: np.random.Generator, seconds: int) -> Floats:
    """Level of all distorting emission in each second, 1 in the last, shape [seconds]."""
    moved = sum(
        (coloured(rng, seconds, 1, sigma, memory)[:, 0] for sigma, memory in _LEVEL),
        np.zeros(seconds),
    )
    return np.asarray(np.exp(moved - moved[-1]))
