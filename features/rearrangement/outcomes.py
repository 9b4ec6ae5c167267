"""What the meters expect of each arrangement, and the most even one of each number of moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts.movable import MovableFacts
from features.rearrangement.arrangements import MOST, code_of, moves_to, reach
from features.rearrangement.currents import added_by_moves, added_by_turns, low_ends, present_load
from features.rearrangement.states import States

Float = NDArray[np.float64]
Int = NDArray[np.int64]


OPERATION_COST = 500.0
"""Wear of one operation, in the country's currency; rupees (assumed)."""

LASTING_H = 4.0
"""Hours for which an arrangement is taken to last when its loss is paid for."""

FULL_PCT = 99.0
"""Load by the meters up to which a transformer counts as not overloaded: they err by tenths of a percent."""
_CHUNK = 64


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


def outcomes(states: States, facts: MovableFacts) -> Outcomes:
    """Expect every arrangement of `reach` in each state."""
    within = reach(len(facts.feeders), len(facts.supplies))
    n = len(states.price_per_mwh)
    change = added_by_moves(states, facts, within) + added_by_turns(states, facts, within)
    load = present_load(states, facts)[:, None] + change
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
    low = low_ends(states, facts, within, change)
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
