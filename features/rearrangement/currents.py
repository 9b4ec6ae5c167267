"""Currents that follow moved feeders and turned supplies up the single-line diagram.

They go to the other busbar or phase pair at the voltages metered now; vector groups turn their negative
sequence and may hold their zero sequence back.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from data_contracts.movable import FeederFacts, MovableFacts
from features.rearrangement.arrangements import PAIRS, Reach
from features.rearrangement.states import States

Int = NDArray[np.int64]
Complex = NDArray[np.complex128]


GRID_VA = 5e9
"""Short-circuit power of the grid behind the infeeds, for what turned supplies do to voltages (assumed)."""

SOFTNESS = 1.8
"""How much further voltages fall because loads of constant power then draw more, and banks give less; chosen
on training states."""

MARGIN_PU = 0.01
"""What a far end's expected voltage must have above its limit; chosen on training states."""

_ANGLE = np.exp(-2j * np.pi / 3.0 * np.array([0.0, 1.0, 2.0]))


def present_load(states: States, facts: MovableFacts) -> Complex:
    """Load of the transformers' phases, [n, u, 3]."""
    nominal = np.array([unit.v_nom_v for unit in facts.units])
    return np.asarray(np.conj(states.s_va) * nominal[:, None] / states.v)


def added_by_moves(states: States, facts: MovableFacts, within: Reach) -> Complex:
    """What the moved feeders add to the transformers' phases, [n, k, u, 3]."""
    n, units = states.v.shape[:2]
    if not facts.feeders:
        return np.zeros((n, within.moves.size, units, 3), dtype=np.complex128)
    moved = within.moved.astype(np.complex128)
    each = []
    for f, feeder in enumerate(facts.feeders):
        now = states.side[:, f]
        parts = []
        for side in (now, 1 - now):
            unit = np.array(feeder.unit)[side]
            nominal = np.array([one.v_nom_v for one in facts.units])[unit][:, None]
            drawn = np.conj(states.feeder_va[:, f]) * nominal / states.v[np.arange(n), unit]
            parts.append(np.einsum("nuij,nj->nui", _ways(feeder)[side], drawn))
        each.append(parts[1] - parts[0])
    # Sums in one order for each row, so that a batch gives what its rows give alone.
    return np.asarray(np.einsum("kf,nfup->nkup", moved, np.stack(each, axis=1)))


def added_by_turns(states: States, facts: MovableFacts, within: Reach) -> Complex:
    """What the turned supplies add to the transformers' phases, [n, k, u, 3]."""
    n, units = states.v.shape[:2]
    found = np.zeros((n, within.moves.size, units, 3), dtype=np.complex128)
    every = (*facts.feeders, *facts.others)
    for s, supply in enumerate(facts.supplies):
        feeder, side = every[supply.feeder], _sides(states, within, supply.feeder)
        unit = np.array(feeder.unit)[side]
        nominal = np.array([one.v_nom_v for one in facts.units])[unit]
        v = states.v.mean(axis=2)[np.arange(n)[:, None], unit]
        of = np.conj(states.supply_va[:, s])[:, None] * nominal / v
        change = of[..., None] * _turn(states, within, s)
        either = [np.einsum("uij,nkj->nkui", way, change) for way in _ways(feeder)]
        found += np.where((side == 0)[..., None, None], *either)
    return found


def low_ends(states: States, facts: MovableFacts, within: Reach, change: Complex) -> Int:
    """Feeders whose far end has a phase below its limit, [n, k].

    The busbar's metered voltage falls by what the transformers above it carry more; the line takes Z₁·I, and
    by the return through earth a part of all phases' current.
    """
    n = len(states.price_per_mwh)
    rated = np.array([unit.rated_va for unit in facts.units])
    z_pu = np.array([complex(unit.r_pu, unit.x_pu) for unit in facts.units])
    drop = change * (3.0 * z_pu / rated)[:, None]
    top = np.array([unit.group == 0 for unit in facts.units])
    drop[:, :, top] += 3.0j * change[:, :, top].sum(axis=2, keepdims=True) / GRID_VA
    found = np.zeros((n, within.moves.size), dtype=np.int64)
    for f, feeder in enumerate((*facts.feeders, *facts.others)):
        side = _sides(states, within, f)
        unit = np.array(feeder.unit)[side]
        either = [np.einsum("uji,nkuj->nki", np.conj(way), drop) for way in _ways(feeder)]
        nominal = np.array([one.v_nom_v for one in facts.units])[unit][..., None]
        own = np.conj(states.feeder_va[:, f])[:, None]
        for s, supply in enumerate(facts.supplies):
            if supply.feeder == f:
                own = own + np.conj(states.supply_va[:, s])[:, None, None] * _turn(states, within, s)
        v = states.v[np.arange(n)[:, None], unit]
        current = own / v
        earth = (current * _ANGLE).sum(axis=2, keepdims=True) / _ANGLE
        fall = complex(feeder.r_ohm, feeder.x_ohm) * current
        fall = fall + complex(feeder.r_earth_ohm, feeder.x_earth_ohm) * earth
        lost_pu = np.where((side == 0)[..., None], *either)
        end = np.abs(v - SOFTNESS * lost_pu * nominal - fall) / nominal
        found += (end < feeder.v_min_pu + MARGIN_PU).any(axis=2)
    return found


@lru_cache(maxsize=256)
def _ways(feeder: FeederFacts) -> Complex:
    """From phases of a feeder's load to those of each transformer's, [2, u, 3, 3].

    Against each side's own phase voltages the positive sequence passes unchanged; the negative one turns by
    60° a clock number.
    """
    a = np.exp(2j * np.pi / 3.0)
    sequences = np.array([[1, 1, 1], [1, a, a**2], [1, a**2, a]])
    found = np.zeros((2, len(feeder.carried[0]), 3, 3), dtype=np.complex128)
    for side in range(2):
        ways = zip(feeder.carried[side], feeder.clock[side], feeder.earthed[side], strict=True)
        for k, (share, clock, earthed) in enumerate(ways):
            passes = np.diag([1.0, np.exp(-1j * np.pi / 3.0 * clock), float(earthed)])
            found[side, k] = share * np.linalg.inv(sequences) @ passes @ sequences
    return found


def _sides(states: States, within: Reach, f: int) -> Int:
    """Which of its busbars a feeder hangs on afterwards, [n, k]."""
    moves = within.moved[:, f] if f < within.moved.shape[1] else np.zeros(within.moves.size, dtype=bool)
    return np.asarray(states.side[:, f][:, None] ^ moves.astype(np.int64))


def _turn(states: States, within: Reach, s: int) -> Complex:
    """What turning a supply adds to its phases' currents, as a share of its power, [n, k, 3]."""
    drawn, now = _between(), states.pair[:, s]
    then = (now[:, None] + within.turned[:, s]) % len(PAIRS)
    return np.asarray(drawn[then] - drawn[now][:, None])


@lru_cache(maxsize=1)
def _between() -> Complex:
    """Phase currents, each to its own phase's voltage, of one volt-ampere between two phases, [pairs, 3].

    I = S*/(V_x − V_y)* flows into phase x and out of phase y.
    """
    found = np.zeros((len(PAIRS), 3), dtype=np.complex128)
    for place, pair in enumerate(PAIRS):
        x, y = ("abc".index(phase) for phase in pair)
        across = np.conj(_ANGLE[x] - _ANGLE[y])
        found[place, x], found[place, y] = np.conj(_ANGLE[x]) / across, -np.conj(_ANGLE[y]) / across
    return found
