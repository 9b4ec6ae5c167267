"""What moving feeders and traction supplies would do to a station's transformers, by its meters.

Powers stay what they are; a current follows them to the other busbar or phase pair and up the single-line
diagram, at the voltages metered now; vector groups turn its negative sequence and may hold its zero sequence
back. Powers are those of one phase at nominal voltage (current times nominal voltage), each against its own
phase's voltage, so that one figure serves all voltage levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from data_contracts.movable import FeederFacts, MovableFacts

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Complex = NDArray[np.complex128]

PAIRS = ("ab", "bc", "ca")
"""Phase pairs of a traction supply."""

MOST_FEEDERS, MOST_SUPPLIES = 2, 2
"""Feeders and traction supplies that are moved at once, at most."""

MOST = MOST_FEEDERS + MOST_SUPPLIES

FEEDER_OPERATIONS, COUPLER_OPERATIONS, TRACTION_OPERATIONS = 2, 2, 4
"""Operations for a feeder (isolators of both busbars), around all feeders (the coupler closes and opens), and
for a traction supply (breaker off, two phases over, breaker on)."""

OPERATION_COST = 500.0
"""Wear of one operation, in the country's currency; rupees (assumed)."""

LASTING_H = 4.0
"""Hours for which an arrangement is taken to last when its loss is paid for."""

FULL_PCT = 99.0
"""Load by the meters up to which a transformer counts as not overloaded: they err by tenths of a percent."""

GRID_VA = 5e9
"""Short-circuit power of the grid behind the infeeds, for what turned supplies do to voltages (assumed)."""

SOFTNESS = 1.8
"""How much further voltages fall because loads of constant power then draw more, and banks give less; chosen
on training states."""

MARGIN_PU = 0.01
"""What a far end's expected voltage must have above its limit; chosen on training states."""

EACH, SUPPLIES = 1024, 513
"""Numbers that one move of a code can have, and the first one of a supply."""

_ANGLE = np.exp(-2j * np.pi / 3.0 * np.array([0.0, 1.0, 2.0]))
_CHUNK = 64


@dataclass(frozen=True, slots=True)
class States:
    """n states of one station with u transformers, f feeders and s supplies. Unknown is NaN or −1.

    Feeders are those that can be moved, and behind them the others.

    Attributes:
        v: Phase voltages at the transformers' second windings, V, [n, u, 3].
        s_va: Power of each phase that they feed into the busbar below, VA, [n, u, 3].
        feeder_va: Power of each phase that each feeder draws, VA, [n, f, 3].
        side: Which of its two busbars each feeder hangs on; 0 for one that cannot be moved, [n, f].
        supply_va: Power of each traction supply, VA; 0 at rest, [n, s].
        pair: Its phase pair, place in `PAIRS`, [n, s].
        price_per_mwh: Price of a lost megawatt-hour, [n].
    """

    v: Float
    s_va: Complex
    feeder_va: Complex
    side: Int
    supply_va: Complex
    pair: Int
    price_per_mwh: Float

    def take(self, rows: Int | slice) -> States:
        """Some of the states."""
        return States(
            self.v[rows], self.s_va[rows], self.feeder_va[rows], self.side[rows], self.supply_va[rows],
            self.pair[rows], self.price_per_mwh[rows],
        )  # fmt: skip

    @property
    def known(self) -> NDArray[np.bool_]:
        """States of which nothing is missing, bool [n]."""
        n = len(self.price_per_mwh)
        sound = np.isfinite(self.price_per_mwh) & (self.side >= 0).all(axis=1) & (self.pair >= 0).all(axis=1)
        for values in (self.s_va, self.feeder_va, self.supply_va):
            sound &= np.isfinite(values.reshape(n, -1)).all(axis=1)
        return np.asarray(sound & (self.v.reshape(n, -1) > 0.0).all(axis=1))


@dataclass(frozen=True, slots=True)
class Reach:
    """Every arrangement within reach of any present one, k of them; the first is the present one.

    Attributes:
        moved: Which feeders go to their other busbar, bool [k, f].
        turned: By how many places in `PAIRS` each supply is turned, [k, s].
        moves: Feeders and supplies moved, [k].
        operations: Operations of switchgear, [k].
    """

    moved: NDArray[np.bool_]
    turned: Int
    moves: Int
    operations: Int

    def codes(self, side: Int, pair: Int) -> list[float]:
        """Code of each arrangement, from where feeders [f] and supplies [s] are, k of them."""
        return [code_of(moves_to(self, k, side, pair)) for k in range(self.moves.size)]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What the meters expect of each of k arrangements in n states.

    Attributes:
        imbalance_pct: Largest deviation of a phase's load from the mean of parallel transformers, over the
            mean; the mean of the groups, [n, k].
        utilisation_pct: Load of the most heavily loaded transformer, [n, k].
        cost: Of operations, and of the transformers' load loss while the arrangement lasts, [n, k].
        allowed: Whether no transformer is overloaded, no more feeders than now have too low a voltage at
            their far end, and no supply at rest is turned, bool [n, k].
    """

    imbalance_pct: Float
    utilisation_pct: Float
    cost: Float
    allowed: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """The most even arrangement with at most 0, 1, ... `MOST` moves, a = `MOST` + 1 of them in n states.

    Attributes:
        imbalance_pct: [n, a].
        utilisation_pct: [n, a].
        operations: [n, a].
        cost: [n, a].
        code: What is moved, for `moves_of`, [n, a].
    """

    imbalance_pct: Float
    utilisation_pct: Float
    operations: Float
    cost: Float
    code: Float


@lru_cache(maxsize=64)
def reach(feeders: int, supplies: int) -> Reach:
    """Arrangements of so many movable feeders and supplies, few moves of feeders first."""
    turns = [
        turn
        for turn in product(range(len(PAIRS)), repeat=supplies)
        if np.count_nonzero(turn) <= MOST_SUPPLIES
    ]
    moved, turned = [], []
    for count in range(min(MOST_FEEDERS, feeders) + 1):
        for chosen in combinations(range(feeders), count):
            for turn in turns:
                moved.append([k in chosen for k in range(feeders)])
                turned.append(turn)
    of_feeders = np.array(moved, dtype=bool).reshape(len(moved), feeders)
    of_supplies = np.array(turned, dtype=np.int64).reshape(len(turned), supplies)
    many, others = of_feeders.sum(axis=1), (of_supplies > 0).sum(axis=1)
    return Reach(
        of_feeders,
        of_supplies,
        many + others,
        FEEDER_OPERATIONS * many + COUPLER_OPERATIONS * (many > 0) + TRACTION_OPERATIONS * others,
    )


def outcomes(states: States, facts: MovableFacts) -> Outcomes:
    """Expect every arrangement of `reach` in each state."""
    within = reach(len(facts.feeders), len(facts.supplies))
    n = len(states.price_per_mwh)
    change = _moved(states, facts, within) + _turned(states, facts, within)
    load = _present(states, facts)[:, None] + change
    rated = np.array([unit.rated_va for unit in facts.units])
    nominal = np.array([unit.v_nom_v for unit in facts.units])
    phases = np.abs(load) / (rated[:, None] / 3.0)
    group = np.array([unit.group for unit in facts.units])
    deviations = [
        deviation_pct(phases[:, :, group == number].reshape(n, within.moves.size, -1))
        for number in np.unique(group)
    ]
    v_pu = (states.v.mean(axis=2) / nominal)[:, None]
    loading = 100.0 * np.abs(load.sum(axis=3)) * v_pu / rated
    utilisation = loading.max(axis=2)
    loss_w = 3.0 * (np.array([unit.per_va2 for unit in facts.units]) * (np.abs(load) ** 2).sum(axis=3)).sum(2)
    paid = LASTING_H * states.price_per_mwh[:, None] * loss_w / 1e6
    rests = np.abs(states.supply_va) == 0.0
    turned_at_rest = (rests[:, None] & (within.turned > 0)).any(axis=2)
    low = _low(states, facts, within, change)
    allowed = (utilisation <= FULL_PCT) & ~turned_at_rest & (low <= low[:, :1])
    allowed[:, 0] = True
    return Outcomes(
        np.mean(deviations, axis=0), utilisation, OPERATION_COST * within.operations + paid, allowed
    )


def alternatives(states: States, facts: MovableFacts) -> Alternatives:
    """The most even allowed arrangement of each number of moves; NaN where a state is not known."""
    n = len(states.price_per_mwh)
    found = Alternatives(*(np.full((n, MOST + 1), np.nan) for _ in range(5)))
    known = np.flatnonzero(states.known)
    for start in range(0, known.size, _CHUNK):
        rows = known[start : start + _CHUNK]
        _choose(states.take(rows), facts, rows, found)
    return found


@dataclass(frozen=True, slots=True)
class Move:
    """One move.

    Attributes:
        supply: Whether a traction supply is moved, or a feeder.
        place: Its place among them.
        origin: Place of the busbar of the feeder's two, or of the phase pair in `PAIRS`.
        target: Where it goes, likewise.
    """

    supply: bool
    place: int
    origin: int
    target: int

    @property
    def number(self) -> int:
        """From 1 to `EACH` − 1; two moves differ in it."""
        if self.supply:
            return SUPPLIES + len(PAIRS) ** 2 * self.place + len(PAIRS) * self.origin + self.target
        return 1 + 2 * self.place + self.origin


def moves_of(code: float) -> list[Move]:
    """The moves that a code of `Alternatives` stands for, feeders first."""
    found = []
    rest = int(code)
    while rest:
        rest, number = divmod(rest, EACH)
        if number < SUPPLIES:
            place, side = divmod(number - 1, 2)
            found.append(Move(supply=False, place=place, origin=side, target=1 - side))
        else:
            place, pairs = divmod(number - SUPPLIES, len(PAIRS) ** 2)
            origin, target = divmod(pairs, len(PAIRS))
            found.append(Move(supply=True, place=place, origin=origin, target=target))
    return found


def code_of(moves: Sequence[Move]) -> float:
    """One number for some moves; 0 for none."""
    return float(sum(move.number * EACH**k for k, move in enumerate(moves)))


def moves_to(within: Reach, k: int, side: Int, pair: Int) -> list[Move]:
    """Moves to the arrangement `k` from where feeders [f] and supplies [s] are."""
    moves = [
        Move(supply=False, place=f, origin=int(side[f]), target=1 - int(side[f]))
        for f in np.flatnonzero(within.moved[k]).tolist()
    ]
    for s in np.flatnonzero(within.turned[k]).tolist():
        now = int(pair[s])
        target = (now + int(within.turned[k, s])) % len(PAIRS)
        moves.append(Move(supply=True, place=s, origin=now, target=target))
    return moves


def deviation_pct(values: Float) -> Float:
    """Largest deviation from the mean over the mean, %, along the last axis (NEMA MG 1 for line voltages)."""
    mean = values.mean(axis=-1, keepdims=True)
    apart = np.abs(values - mean).max(axis=-1)
    return np.asarray(100.0 * apart / np.maximum(mean[..., 0], np.finfo(np.float64).tiny))


def _choose(states: States, facts: MovableFacts, rows: Int, found: Alternatives) -> None:
    """Write the alternatives of known states into `rows` of `found`."""
    within = reach(len(facts.feeders), len(facts.supplies))
    expected = outcomes(states, facts)
    for most in range(MOST + 1):
        possible = expected.allowed & (within.moves <= most)
        chosen = np.where(possible, expected.imbalance_pct, np.inf).argmin(axis=1)
        for row, (k, at) in enumerate(zip(chosen.tolist(), rows.tolist(), strict=True)):
            found.imbalance_pct[at, most] = expected.imbalance_pct[row, k]
            found.utilisation_pct[at, most] = expected.utilisation_pct[row, k]
            found.operations[at, most] = within.operations[k]
            found.cost[at, most] = expected.cost[row, k]
            found.code[at, most] = code_of(moves_to(within, k, states.side[row], states.pair[row]))


def _present(states: States, facts: MovableFacts) -> Complex:
    """Load of the transformers' phases, [n, u, 3]."""
    nominal = np.array([unit.v_nom_v for unit in facts.units])
    return np.asarray(np.conj(states.s_va) * nominal[:, None] / states.v)


def _moved(states: States, facts: MovableFacts, within: Reach) -> Complex:
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


def _turned(states: States, facts: MovableFacts, within: Reach) -> Complex:
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


def _low(states: States, facts: MovableFacts, within: Reach, change: Complex) -> Int:
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
