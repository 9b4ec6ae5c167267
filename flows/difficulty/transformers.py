"""Thermal models that a forecast of overload is compared with: the standard's own, and the simulator's."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts.tables.thermal import AHEAD_MIN, STAGES
from flows.difficulty.cases import REPEATED, Campaign, Floats, Ints
from models import columns
from simulation.demand import FeederLoads
from simulation.thermal import c57
from simulation.thermal.fleet import Fleet
from simulation.thermal.iec60076 import State, steady
from simulation.thermal.loading import MINUTE_MEMORY, load_episode
from simulation.thermal.plan import DAY_MIN, ThermalEpisode
from simulation.thermal.play import Standing, minutes

Asked = tuple[Floats, Floats, NDArray[np.bool_]]
"""Load in MVA, air in °C, and whether each transformer is in service."""

_AT_ONCE = 4_000


@dataclass(frozen=True, slots=True)
class Minutes:
    """The table `thermal` as a block: minutes, then transformers in episodes, shape [n, e·u].

    Attributes:
        unit: Position in the description of each column's transformer.
        episode: Number of each column's episode.
        t: Unix seconds.
        load_pu: Load.
        ambient_c: Air.
        stage: Number of the cooling stage among the transformer's own.
        oil_c: Top oil as it is read, the last reading where one is lost.
        ahead_c: Largest hot spot of the next hour.
    """

    unit: tuple[int, ...]
    episode: Ints
    t: Ints
    load_pu: Floats
    ambient_c: Floats
    stage: Ints
    oil_c: Floats
    ahead_c: Floats

    @classmethod
    def read(cls, campaign: Campaign) -> Minutes:
        """Rows are sorted by asset and time; all episodes have the same length."""
        rows = campaign.dataset.read("thermal")
        asset, scenario = columns.names(rows, "asset"), columns.names(rows, "scenario_id")
        units = {unit.id: k for k, unit in enumerate(campaign.substation.transformers)}
        length = campaign.profile.simulation.thermal.days * DAY_MIN
        first = np.arange(0, rows.num_rows, length)

        def block(values: NDArray[np.float64]) -> Floats:
            return np.ascontiguousarray(values.reshape(first.size, length).T)

        written = columns.names(rows, "cooling_stage")
        strength = np.array([STAGES.index(text) for text in written.texts])[written.codes]
        cooling = [unit.cooling for unit in campaign.substation.transformers]
        unit = tuple(units[asset.texts[code]] for code in asset.codes[first])
        own = [[STAGES.index(stage.stage) for stage in cooling[k]] for k in unit]
        stage = block(strength.astype(np.float64)).astype(np.int64)
        for k, stages in enumerate(own):
            stage[:, k] = np.searchsorted(stages, stage[:, k])
        oil = block(columns.floats(rows, "top_oil_measured_c"))
        for k in range(1, length):
            oil[k] = np.where(np.isfinite(oil[k]), oil[k], oil[k - 1])
        return cls(
            unit=unit,
            episode=scenario.codes[first],
            t=block(columns.seconds(rows).astype(np.float64)).astype(np.int64),
            load_pu=block(columns.floats(rows, "load_pu")),
            ambient_c=block(columns.floats(rows, "ambient_c")),
            stage=stage,
            oil_c=oil,
            ahead_c=block(columns.floats(rows, "hot_spot_next_60min_max_c")),
        )


def tracked(fleet: Fleet, table: Minutes, at: Ints) -> tuple[list[Standing], Floats]:
    """The standard's model beside the transformer, with the oil as it is read.

    Returns:
        Where it stands at the minutes `at`, and its hot spots there, °C, shape [len(at), e·u].
    """
    width = table.load_pu.shape[1]
    alive = (table.load_pu > 0.0).astype(np.float64)
    rated, rating = fleet.at(table.stage[0])
    state = steady(rated, table.load_pu[0] / rating, table.ambient_c[0], alive[0])
    wanted = set(at.tolist())
    found: list[Standing] = []
    hot = np.empty((at.size, width))
    ran = np.zeros(width)
    for k in range(int(at[-1]) + 1):
        rated, rating = fleet.at(table.stage[k])
        target = steady(rated, table.load_pu[k] / rating, table.ambient_c[k], alive[k])
        fast = 1.0 - np.exp(-1.0 / (rated.k22 * rated.tau_winding_min))
        slow = 1.0 - np.exp(-rated.k22 / rated.tau_oil_min)
        state = State(
            table.oil_c[k],
            state.fast_k + fast * (target.fast_k - state.fast_k),
            state.slow_k + slow * (target.slow_k - state.slow_k),
        )
        ran = np.where(table.stage[k] == table.stage[max(k - 1, 0)], ran + 1.0, 0.0)
        if k in wanted:
            hot[len(found)] = np.maximum(state.hot_spot_c, state.oil_c)
            zero = np.zeros(width)
            found.append(Standing(state, c57.Rises(zero + 1.0, zero), table.stage[k], ran, np.ones(width)))
    return found, hot


def held(fleet: Fleet, table: Minutes, begin: list[Standing], at: Ints) -> Floats:
    """Largest hot spot of the next hour if load and air stay as they are, [len(at), e·u]."""
    load, air = table.load_pu[at] * fleet.rated_mva, table.ambient_c[at]

    def ahead(own: slice) -> Asked:
        shape = (AHEAD_MIN, *load[own].shape)
        return (
            np.broadcast_to(load[own], shape),
            np.broadcast_to(air[own], shape),
            np.broadcast_to(load[own] > 0.0, shape),
        )

    return _largest(fleet, begin, ahead, np.arange(load.shape[1]))


def foreseen(
    campaign: Campaign, loads: FeederLoads, episodes: tuple[ThermalEpisode, ...], table: Minutes, at: Ints
) -> Floats | None:
    """Largest hot spot of the next hour from the true state on, with the plan's load, [len(at), e·u].

    What the load does from minute to minute is known now and fades as its memory does.

    Returns:
        None where the table does not hold what these episodes are now.
    """
    fleet, count = Fleet.of(campaign.substation), len(campaign.substation.transformers)
    together = Fleet.beside([fleet.weakened(episode.lost_cooling) for episode in episodes])
    loadings = [load_episode(campaign.substation, loads, episode) for episode in episodes]
    load, calm, energised = (
        np.concatenate(sides, axis=1)
        for sides in zip(*((one.load_mva, one.calm_mva, one.energised) for one in loadings), strict=True)
    )
    air = np.concatenate([np.repeat(one.ambient_c[:, None], count, axis=1) for one in loadings], axis=1)
    leader = np.concatenate([place * count + one.leader for place, one in enumerate(loadings)])
    wanted = set((DAY_MIN + at).tolist())
    begin, seen = [], []
    for k, (now, load_pu, _) in enumerate(minutes(together, load, air, energised, leader)):
        if k in wanted:
            begin.append(now)
            seen.append(load_pu)
    order = table.episode * count + np.array(table.unit, dtype=np.int64)
    if not np.allclose(np.stack(seen)[:, order], table.load_pu[at], rtol=REPEATED, atol=REPEATED):
        return None
    move = np.where(calm > 0.0, load / np.where(calm > 0.0, calm, 1.0) - 1.0, 0.0)[DAY_MIN + at]
    fades = np.exp(-np.arange(1.0, AHEAD_MIN + 1.0) / MINUTE_MEMORY)[:, None, None]

    def ahead(own: slice) -> Asked:
        then = DAY_MIN + at[own][None] + np.arange(1, AHEAD_MIN + 1)[:, None]
        return calm[then] * (1.0 + fades * move[own]), air[then], energised[then]

    return _largest(together, begin, ahead, leader)[:, order]


def joined(standings: list[Standing]) -> Standing:
    """Standings side by side as one."""

    def side(values: list[Floats]) -> Floats:
        return np.concatenate(values)

    return Standing(
        State(
            side([one.state.oil_c for one in standings]),
            side([one.state.fast_k for one in standings]),
            side([one.state.slow_k for one in standings]),
        ),
        c57.Rises(
            side([one.rises.oil_k for one in standings]), side([one.rises.winding_k for one in standings])
        ),
        np.concatenate([one.stage for one in standings]),
        side([one.ran_min for one in standings]),
        side([one.kept for one in standings]),
    )


def _largest(fleet: Fleet, begin: list[Standing], ahead: Callable[[slice], Asked], leader: Ints) -> Floats:
    """Largest hot spot from each standing on, °C, shape [standings, u].

    Args:
        fleet: The u transformers.
        begin: Where they stand.
        ahead: Load, air and whether they are in service, [minutes, standings, u], from a slice of standings.
        leader: The first that each is in parallel with.
    """
    width, step = leader.size, max(_AT_ONCE // leader.size, 1)
    out = np.empty((len(begin), width))
    for first in range(0, len(begin), step):
        own = slice(first, min(first + step, len(begin)))
        many = own.stop - own.start
        flat, (load, air, energised) = (AHEAD_MIN, many * width), ahead(own)
        beside = (np.arange(many)[:, None] * width + leader).ravel()
        most = np.full(many * width, -math.inf)
        for _, _, hot in minutes(
            fleet.repeated(many),
            load.reshape(flat),
            air.reshape(flat),
            energised.reshape(flat),
            beside,
            begin=joined(begin[own]),
        ):
            most = np.maximum(most, hot)
        out[own] = most.reshape(many, width)
    return out
