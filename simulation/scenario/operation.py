"""Normal operation from second to second: the power flow, and regulators that answer it with delay."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulation.engine import Engine
from simulation.engine.network import Complexes
from simulation.noise import Floats
from simulation.scenario.recording import Recording
from simulation.scenario.regulation import (
    BANK_DELAY_S,
    BANK_SHARE,
    DEADBAND_PU,
    TAP_DELAY_S,
    Positions,
    Regulators,
    apply,
    bank_needs,
    errors_pu,
)

# A regulator that has waited for more than this share of its delay is expected to act at its end.
_LONG = 0.3


@dataclass(frozen=True, slots=True)
class Move:
    """One action of a regulator.

    Attributes:
        second: First second in which it acts.
        event: `tap_step` or `switching`.
    """

    second: int
    event: str


@dataclass(frozen=True, slots=True)
class Operation:
    """Seconds of normal operation.

    Attributes:
        states: Number of the state of each second, shape [t].
        positions: Regulators in each second.
        moves: What they did.
        waited_s: How long each group, then each bank, has been waiting at the end, shape [groups + banks].
    """

    states: NDArray[np.int64]
    positions: tuple[Positions, ...]
    moves: tuple[Move, ...]
    waited_s: Floats


def operate(
    engine: Engine,
    regulators: Regulators,
    s_va: Complexes,
    positions: Positions,
    waited_s: Floats,
    *,
    recording: Recording,
) -> Operation:
    """Solve every second; a regulator outside its dead band for its delay acts from the next second on.

    Args:
        engine: Settled engine.
        regulators: Tap changers and banks.
        s_va: Power of each load in each second, VA, shape [t, l].
        positions: Where the regulators stand.
        waited_s: How long each group, then each bank, has been waiting already, shape [groups + banks].
        recording: Takes the states.
    """
    apply(engine, regulators, positions)
    total, groups = s_va.shape[0], len(regulators.groups)
    delay_s = np.array([TAP_DELAY_S] * groups + [BANK_DELAY_S] * len(regulators.banks))
    states: list[NDArray[np.int64]] = []
    where: list[Positions] = []
    moves: list[Move] = []
    waited = np.array(waited_s, dtype=np.float64)
    first = 0
    while first < total:
        left = s_va[first : first + _foreseen(waited, delay_s, total - first)]
        v = engine.solve(left)
        network = engine.network()
        emf = np.full(v.shape[0], engine.emf_v)
        at_points, currents = network.point_voltages(v), network.point_currents(v, emf)
        rows = [errors_pu(engine, group, v) / DEADBAND_PU for group in regulators.groups]
        rows += [need / BANK_SHARE for need in bank_needs(regulators, at_points, currents)]
        needs = np.array(rows).reshape(len(rows), v.shape[0])
        free = _movable(regulators, positions, needs)
        last, actor, waited = _next_action(needs, waited, delay_s, free)
        stop = min(last + 1, v.shape[0])
        residual = network.residual(v[:stop], emf[:stop], left[:stop])
        states.append(recording.add_states(at_points[:stop], currents[:stop], residual))
        where += [positions] * stop
        first += stop
        if actor < 0:
            continue
        if first >= total:
            # It would act in the second behind the last.
            waited[actor] = delay_s[actor]
            continue
        direction = int(np.sign(needs[actor, last]))
        positions = _moved(regulators, positions, actor, direction)
        apply(engine, regulators, positions)
        moves.append(Move(first, "tap_step" if actor < groups else "switching"))
    return Operation(np.concatenate(states), tuple(where), tuple(moves), waited)


def _foreseen(waited: Floats, delay_s: Floats, left: int) -> int:
    """Seconds until a regulator that has waited long can act; what comes after them has to be solved anew."""
    soon = np.ceil(delay_s - waited)[(waited > _LONG * delay_s) & (waited < delay_s)]
    return min(left, int(soon.min())) if soon.size else left


def _movable(regulators: Regulators, positions: Positions, needs: Floats) -> list[bool]:
    """Whether each regulator can still go where it first wants to."""
    free = []
    for k, group in enumerate(regulators.groups):
        free.append(1 < positions.taps[k] < group.steps)
    for k, bank in enumerate(regulators.banks):
        up = needs[len(regulators.groups) + k, 0] > 0
        free.append(positions.steps[k] < bank.steps if up else positions.steps[k] > 0)
    return free


def _next_action(needs: Floats, waited: Floats, delay_s: Floats, free: list[bool]) -> tuple[int, int, Floats]:
    """Second after which a regulator acts, which one (−1: none), how long each has waited by then."""
    outside = np.abs(needs) > 1.0
    steps = outside.shape[1]
    if not outside.any():
        return steps, -1, np.zeros(outside.shape[0])
    counters = _run_lengths(outside, waited)
    due = (counters >= delay_s[:, None]) & np.array(free, dtype=np.bool_)[:, None]
    when = np.flatnonzero(due.any(axis=0))
    if not when.size:
        return steps, -1, counters[:, -1]
    last = int(when[0])
    actor = int(np.argmax(due[:, last]))
    left = counters[:, last].copy()
    left[actor] = 0.0
    return last, actor, left


def _run_lengths(outside: NDArray[np.bool_], waited: Floats) -> Floats:
    """Seconds for which each row has been true without a break, `waited` counted in where it began before."""
    steps = np.arange(outside.shape[1])
    inside = np.maximum.accumulate(np.where(outside, -1, steps), axis=1)
    lengths = steps - inside
    return np.where(outside, lengths + np.where(inside < 0, waited[:, None], 0.0), 0.0)


def _moved(regulators: Regulators, positions: Positions, actor: int, direction: int) -> Positions:
    groups = len(regulators.groups)
    if actor < groups:
        taps = list(positions.taps)
        taps[actor] += direction
        return replace(positions, taps=tuple(taps))
    steps = list(positions.steps)
    steps[actor - groups] += direction
    return replace(positions, steps=tuple(steps))
