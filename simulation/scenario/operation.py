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
    """

    states: NDArray[np.int64]
    positions: tuple[Positions, ...]
    moves: tuple[Move, ...]


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
    total = s_va.shape[0]
    states: list[NDArray[np.int64]] = []
    where: list[Positions] = []
    moves: list[Move] = []
    waited = np.array(waited_s, dtype=np.float64)
    first = 0
    while first < total:
        left = s_va[first:]
        v = engine.solve(left)
        network = engine.network()
        needs = [errors_pu(engine, group, v) / DEADBAND_PU for group in regulators.groups]
        needs += [need / BANK_SHARE for need in bank_needs(network, regulators, v, engine.emf_v)]
        last, actor, waited = _next_action(
            needs, waited, len(regulators.groups), _movable(regulators, positions, needs)
        )
        stop = min(last + 1, v.shape[0])
        states.append(recording.add(network, v[:stop], engine.emf_v, left[:stop]))
        where += [positions] * stop
        first += stop
        if actor < 0 or first >= total:
            continue
        direction = int(np.sign(needs[actor][last]))
        positions = _moved(regulators, positions, actor, direction)
        apply(engine, regulators, positions)
        moves.append(Move(first, "tap_step" if actor < len(regulators.groups) else "switching"))
    return Operation(np.concatenate(states), tuple(where), tuple(moves))


def _movable(regulators: Regulators, positions: Positions, needs: list[Floats]) -> list[bool]:
    """Whether each regulator can still go where it first wants to."""
    free = []
    for k, group in enumerate(regulators.groups):
        free.append(1 < positions.taps[k] < group.steps)
    for k, bank in enumerate(regulators.banks):
        up = needs[len(regulators.groups) + k][0] > 0
        free.append(positions.steps[k] < bank.steps if up else positions.steps[k] > 0)
    return free


def _next_action(
    needs: list[Floats], waited: Floats, groups: int, free: list[bool]
) -> tuple[int, int, Floats]:
    """Second after which a regulator acts, which one (−1: none), how long each has waited by then."""
    steps = needs[0].size if needs else 0
    outside = np.array([np.abs(need) > 1.0 for need in needs]).reshape(len(needs), steps)
    counters = np.empty((len(needs), steps))
    running = waited.copy()
    for k in range(steps):
        running = np.where(outside[:, k], running + 1.0, 0.0)
        counters[:, k] = running
    delay = np.array([TAP_DELAY_S if k < groups else BANK_DELAY_S for k in range(len(needs))])
    due = (counters >= delay[:, None]) & np.array(free, dtype=bool)[:, None]
    when = np.flatnonzero(due.any(axis=0))
    if not when.size:
        return steps, -1, running
    last = int(when[0])
    actor = int(np.argmax(due[:, last]))
    left = counters[:, last].copy()
    left[actor] = 0.0
    return last, actor, left


def _moved(regulators: Regulators, positions: Positions, actor: int, direction: int) -> Positions:
    groups = len(regulators.groups)
    if actor < groups:
        taps = list(positions.taps)
        taps[actor] += direction
        return replace(positions, taps=tuple(taps))
    steps = list(positions.steps)
    steps[actor - groups] += direction
    return replace(positions, steps=tuple(steps))
