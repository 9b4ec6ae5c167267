"""The temperatures of transformers minute by minute, with their cooling stages and what operators do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.noise import Floats
from simulation.thermal import c57
from simulation.thermal.fleet import Fleet
from simulation.thermal.iec60076 import State, steady, step, substeps

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


@dataclass(frozen=True, slots=True)
class Standing:
    """Where u transformers stand at the end of a minute, shape [u] each.

    Attributes:
        state: Temperatures by IEC 60076-7.
        rises: Rises by IEEE C57.91.
        stage: Number of the cooling stage of the next minute.
        ran_min: Minutes since it was reached.
        kept: Share of the load that operators leave.
    """

    state: State
    rises: c57.Rises
    stage: NDArray[np.int64]
    ran_min: Floats
    kept: Floats

    @classmethod
    def at_rest(cls, fleet: Fleet, asked_pu: Floats, ambient_c: Floats, alive: Floats) -> Standing:
        """The steady state under a load that has been there for long, without forced cooling."""
        stage = np.zeros(asked_pu.size, dtype=np.int64)
        rated, rating = fleet.at(stage)
        n = fleet.exponent[np.arange(stage.size), stage]
        return cls(
            steady(rated, asked_pu / rating, ambient_c, alive),
            c57.ultimate(rated, n, asked_pu / rating, alive),
            stage,
            np.zeros(stage.size),
            np.ones(stage.size),
        )


def minutes(
    fleet: Fleet,
    load_mva: Floats,
    ambient_c: Floats,
    energised: NDArray[np.bool_],
    leader: NDArray[np.int64],
    *,
    begin: Standing | None = None,
) -> Iterator[tuple[Standing, Floats, Floats]]:
    """Live through minutes of load; a stage that starts or stops changes the characteristics.

    Args:
        fleet: The u transformers.
        load_mva: Load that is asked of each, shape [n, u].
        ambient_c: Air temperature, shape [n, u].
        energised: Whether each is in service, shape [n, u].
        leader: Position of the first of those that each is in parallel with, shape [u]; they are relieved
            together.
        begin: Where they stand before the first minute; None for the steady state of its load.

    Yields:
        For each minute where they stand at its end, their load in it in pu of the rated power, and their hot
        spot in °C, shape [u] each.
    """
    width = load_mva.shape[1]
    asked, alive = load_mva / fleet.rated_mva, energised.astype(np.float64)
    now = begin or Standing.at_rest(fleet, asked[0], ambient_c[0], alive[0])
    every, parts = np.arange(width), substeps(1.0, fleet.values[-1])
    rated, rating = fleet.at(now.stage)
    n = fleet.exponent[every, now.stage]
    for k in range(load_mva.shape[0]):
        load = asked[k] * now.kept * alive[k]
        target, state = steady(rated, load / rating, ambient_c[k], alive[k]), now.state
        for _ in range(parts):
            state = step(rated, state, target, 1.0 / parts)
        end = c57.ultimate(rated, n, load / rating, alive[k])
        rises = c57.advance(rated, n, now.rises, end, 1.0)
        # The difference of two lags falls below zero for a while after a fall of the load; a winding does not
        # become colder than the oil around it.
        hot = np.maximum(state.hot_spot_c, state.oil_c)
        hottest = np.full(width, -np.inf)
        np.maximum.at(hottest, leader, hot)
        hottest = hottest[leader]
        kept = np.where(hottest > RELIEVE_C, now.kept - _RELIEF_PER_MIN, now.kept)
        kept = np.clip(np.where(hottest < RESTORE_C, kept + _RESTORE_PER_MIN, kept), _LEAST_SHARE, 1.0)
        stage = fleet.switched(now.stage, now.ran_min, hot, state.oil_c)
        ran = np.where(stage == now.stage, now.ran_min + 1.0, 0.0)
        if not np.array_equal(stage, now.stage):
            rated, rating = fleet.at(stage)
            n = fleet.exponent[every, stage]
        now = Standing(state, rises, stage, ran, kept)
        yield now, load, hot


def play(
    fleet: Fleet,
    load_mva: Floats,
    ambient_c: Floats,
    energised: NDArray[np.bool_],
    leader: NDArray[np.int64],
) -> Played:
    """Live through minutes of load, beginning in the steady state of the first.

    Oil and gradients go on from where they are when a cooling stage starts or stops.

    Args:
        fleet: The u transformers.
        load_mva: Load that is asked of each, shape [n, u].
        ambient_c: Air temperature, shape [n, u].
        energised: Whether each is in service, shape [n, u].
        leader: Position of the first of those that each is in parallel with, shape [u]; they are relieved
            together.
    """
    count, width = load_mva.shape
    found = np.empty((4, count, width))
    stages = np.zeros((count + 1, width), dtype=np.int64)
    for k, (now, load, hot) in enumerate(minutes(fleet, load_mva, ambient_c, energised, leader)):
        found[0, k], found[1, k], found[2, k] = load, now.state.oil_c, hot
        found[3, k] = ambient_c[k] + now.rises.oil_k + now.rises.winding_k
        stages[k + 1] = now.stage
    return Played(found[0], found[1], found[2], found[3], stages[:-1])
