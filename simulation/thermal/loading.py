"""What each transformer carries, and the air around it, in every minute of an episode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts.tables.thermal import EVENTS
from simulation.clock import QUARTER_S, local_time
from simulation.demand.classes import CLASSES
from simulation.demand.feeders import FeederLoads
from simulation.noise import Floats, autoregressive
from simulation.thermal.plan import DAY_MIN, ThermalEpisode
from simulation.thermal.roster import rostered
from simulation.thermal.sections import Complex, Section, flows, sections, transformer_mva
from substations.description import Substation

_MOST_GROWTH = 3.0
_RAMP_MIN = 720.0
# From minute to minute a feeder group moves by more than its quarters tell. Assumed.
MINUTE_MEMORY = 4.0
_MINUTE_SIGMA = 0.015


@dataclass(frozen=True, slots=True)
class Loading:
    """Minutes of one episode, after a first day of run-in without events; u transformers.

    Attributes:
        load_mva: Apparent power of each transformer, shape [DAY_MIN + n, u].
        calm_mva: The same without its movement from minute to minute.
        ambient_c: Air temperature, shape [DAY_MIN + n].
        energised: Whether each transformer is in service, shape [DAY_MIN + n, u].
        event: What happens to each, positions in `EVENTS`, shape [n, u].
        leader: Position of the first of those that each is in parallel with, shape [u].
        feeders_va: Power of the feeders at each quarter, grown and heated, shape [n / 15, f].
        growth: Factor by which each feeder grew, shape [f].
    """

    load_mva: Floats
    calm_mva: Floats
    ambient_c: Floats
    energised: NDArray[np.bool_]
    event: NDArray[np.int64]
    leader: NDArray[np.int64]
    feeders_va: Complex
    growth: Floats


def load_episode(substation: Substation, loads: FeederLoads, episode: ThermalEpisode) -> Loading:
    """The loading of an episode.

    Feeder loads and weather are those of the campaign, linear between the quarters and held in the last one.
    A heat wave also raises the load, by the classes' own dependence on temperature. Growth multiplies the
    feeders of a section until its transformers' peak is the one asked for. Blocks of load come and go by the
    clock.

    Args:
        substation: Description.
        loads: Its feeders' loads over the campaign.
        episode: What happens when.
    """
    rng = episode.scenario.generator("loading")
    count, minutes = len(substation.transformers), episode.days * DAY_MIN
    first = (episode.t - int(loads.t[0])) // QUARTER_S
    own = slice(first, first + minutes // 15)
    quarters, minute = 15.0 * np.arange(minutes // 15), np.arange(float(minutes))
    heat = episode.heat_k * np.clip(np.minimum(minute, minute[::-1]) / _RAMP_MIN, 0.0, 1.0)
    s_va = _heated(substation, loads, own, heat[::15]) * rostered(substation, loads.t[own])

    normal = sections(substation)
    stressed = sections(substation, episode.out) if episode.out is not None else normal
    growth = _growth(substation, normal, stressed, s_va, episode)
    s_va = s_va * growth

    def per_minute(found: tuple[Section, ...]) -> Floats:
        mva = transformer_mva(found, flows(found, s_va), count)
        return np.stack([np.interp(minute, quarters, mva[:, k]) for k in range(count)], axis=1)

    usual = per_minute(normal)
    load = np.where(episode.outages[:, None], per_minute(stressed), usual)
    energised = np.ones((minutes, count), dtype=bool)
    event = np.zeros((minutes, count), dtype=np.int64)
    if episode.out is not None:
        energised[episode.outages, episode.out] = False
        for k in _taking_over(normal, stressed, episode.out):
            event[episode.outages, k] = EVENTS.index("parallel_outage")
        event[episode.outages, episode.out] = EVENTS.index("out_of_service")
    elif episode.kind in EVENTS:
        event[:] = EVENTS.index(episode.kind)
    # Transformers in parallel move together.
    leader = np.arange(count)
    for section in normal:
        leader[list(section.transformers)] = section.transformers[0]
    moves = autoregressive(rng, DAY_MIN + minutes, count, sigma=_MINUTE_SIGMA, memory=MINUTE_MEMORY)
    moves = 1.0 + moves[:, leader]
    ambient = np.interp(minute, quarters, loads.weather.ambient_c[own]) + heat
    calm = np.concatenate([usual[:DAY_MIN], load])
    return Loading(
        load_mva=calm * np.maximum(moves, 0.0),
        calm_mva=calm,
        ambient_c=np.concatenate([ambient[:DAY_MIN], ambient]),
        energised=np.concatenate([np.ones((DAY_MIN, count), dtype=bool), energised]),
        event=event,
        leader=leader,
        feeders_va=s_va,
        growth=growth,
    )


def _heated(substation: Substation, loads: FeederLoads, own: slice, heat_k: Floats) -> Complex:
    """Complex power of the feeders in warmer air, VA, shape [quarters, f]."""
    when = local_time(loads.t[own], substation.utc_offset_s)
    ambient = loads.weather.ambient_c[own]
    mixes = np.array([[getattr(f.mix, cls.name) for cls in CLASSES] for f in substation.feeders])
    before, after = (
        np.stack([cls.expected(when, air) for cls in CLASSES], axis=1) @ mixes.T
        for air in (ambient, ambient + heat_k)
    )
    ratio = after / before
    pv = loads.pv_w[own]
    return np.asarray((loads.p_w[own] + pv) * ratio - pv + 1j * loads.q_var[own] * ratio, dtype=np.complex128)


def _growth(
    substation: Substation,
    normal: tuple[Section, ...],
    stressed: tuple[Section, ...],
    s_va: Complex,
    episode: ThermalEpisode,
) -> Floats:
    """Factors by which the feeders grow, shape [f], found from the lowest voltage up."""
    touched = set(range(len(substation.transformers)))
    if episode.out is not None:
        touched = set(_taking_over(normal, stressed, episode.out))
    grown, growth = s_va.copy(), np.ones(s_va.shape[1])
    for place, section in enumerate(stressed):
        feeders = list(section.feeders)
        peak_mva = min(
            episode.peak_pu[k] * substation.transformers[k].rated_mva / share
            for k, share in zip(section.transformers, section.shares, strict=True)
        )
        if peak_mva <= 0.0 or not feeders or not touched.issuperset(section.transformers):
            continue
        own = np.abs(grown[:, feeders].sum(axis=1)).max() / 1e6
        whole = np.abs(flows(stressed, grown)[place]).max() / 1e6
        growth[feeders] = float(np.clip(1.0 + (peak_mva - whole) / own, 1.0, _MOST_GROWTH))
        grown[:, feeders] *= growth[feeders]
    return growth


def _taking_over(normal: tuple[Section, ...], stressed: tuple[Section, ...], out: int) -> tuple[int, ...]:
    """Transformers that carry the feeders, or the sections below, of the one that is lost."""
    lost = next(section for section in normal if out in section.transformers)
    for section in stressed:
        beside = set(section.transformers) & set(lost.transformers)
        if beside or set(section.feeders) & set(lost.feeders):
            return section.transformers
    return ()
