"""The temperatures of transformers minute by minute, with their cooling stages and what operators do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.noise import Floats
from simulation.thermal import c57
from simulation.thermal.fleet import Fleet
from simulation.thermal.iec60076 import steady, step, substeps

RELIEVE_C, RESTORE_C = 150.0, 115.0
"""Hot spots above which operators move load away, and below which they bring it back, °C. Assumed."""

_RELIEF_PER_MIN, _RESTORE_PER_MIN, _LEAST_SHARE = 0.005, 0.003, 0.5


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it, at the end of each minute, shape [n, u].

    Attributes:
        load_pu: Load over the rated power in the strongest stage, after relief.
        oil_c: Top oil.
        hot_spot_c: Hot spot by IEC 60076-7, never below the top oil.
        hot_spot_ieee_c: Hot spot by IEEE C57.91 of the same load and stages.
        stage: Number of the cooling stage.
    """

    load_pu: Floats
    oil_c: Floats
    hot_spot_c: Floats
    hot_spot_ieee_c: Floats
    stage: NDArray[np.int64]


def play(
    fleet: Fleet,
    load_mva: Floats,
    ambient_c: Floats,
    energised: NDArray[np.bool_],
    leader: NDArray[np.int64],
) -> Played:
    """Live through minutes of load, beginning in the steady state of the first.

    A stage that starts or stops changes the characteristics; oil and gradients go on from where they are.

    Args:
        fleet: The u transformers.
        load_mva: Load that is asked of each, shape [n, u].
        ambient_c: Air temperature, shape [n, u].
        energised: Whether each is in service, shape [n, u].
        leader: Position of the first of those that each is in parallel with, shape [u]; they are relieved
            together.
    """
    minutes, width = load_mva.shape
    asked, alive = load_mva / fleet.rated_mva, energised.astype(np.float64)
    stage = np.zeros(width, dtype=np.int64)
    rated, rating = fleet.at(stage)
    n = fleet.exponent[np.arange(width), stage]
    state = steady(rated, asked[0] / rating, ambient_c[0], alive[0])
    rises = c57.ultimate(rated, n, asked[0] / rating, alive[0])
    parts = substeps(1.0, fleet.values[-1])
    kept, ran = np.ones(width), np.zeros(width)
    found = np.empty((4, minutes, width))
    stages = np.empty((minutes, width), dtype=np.int64)
    for k in range(minutes):
        load = asked[k] * kept * alive[k]
        target = steady(rated, load / rating, ambient_c[k], alive[k])
        for _ in range(parts):
            state = step(rated, state, target, 1.0 / parts)
        end = c57.ultimate(rated, n, load / rating, alive[k])
        rises = c57.advance(rated, n, rises, end, 1.0)
        # The difference of two lags falls below zero for a while after a fall of the load; a winding does not
        # become colder than the oil around it.
        hot = np.maximum(state.hot_spot_c, state.oil_c)
        found[0, k], found[1, k], found[2, k] = load, state.oil_c, hot
        found[3, k] = ambient_c[k] + rises.oil_k + rises.winding_k
        stages[k] = stage
        hottest = np.full(width, -np.inf)
        np.maximum.at(hottest, leader, hot)
        hottest = hottest[leader]
        kept = np.where(hottest > RELIEVE_C, kept - _RELIEF_PER_MIN, kept)
        kept = np.clip(np.where(hottest < RESTORE_C, kept + _RESTORE_PER_MIN, kept), _LEAST_SHARE, 1.0)
        after = fleet.switched(stage, ran, hot, state.oil_c)
        ran = np.where(after == stage, ran + 1.0, 0.0)
        if not np.array_equal(after, stage):
            stage = after
            rated, rating = fleet.at(stage)
            n = fleet.exponent[np.arange(width), stage]
    return Played(found[0], found[1], found[2], found[3], stages)
