"""AC power flow of many networks at once: dense Newton with reactive limits and shared losses."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Masks = NDArray[np.bool_]

TOLERANCE_PU = 1e-9
"""Largest mismatch of a solution on 100 MVA."""

# Below this mismatch a solution says enough of reactive powers for a station to meet its limit.
_SWITCH_PU = 0.05
_ROUNDS = 25
# Rounds in a row in which the mismatch may fail to fall by a tenth.
_PATIENCE = 5
# A station that met a limit may be released in the first rounds only, so that it cannot go to and fro.
_RELEASES = 12
_COLLAPSED_PU = 0.4
_FAR_PU = 1e3


@dataclass(frozen=True, slots=True)
class Flows:
    """Networks to be solved, b of them with n buses each; powers in pu.

    Attributes:
        y: Admittance matrix, shape [b, n, n].
        live: Buses that are there, shape [b, n].
        p: Net active power fed in, before shares, shape [b, n].
        q: Net reactive power fed in, without what regulated stations give, shape [b, n].
        share: How what is missing in active power is shared out, 1 in sum, shape [b, n].
        regulated: Buses with a station that holds voltage, shape [b, n].
        v_set: What it holds, shape [b, n].
        q_min: Least reactive power of the stations, shape [b, n].
        q_max: Largest, shape [b, n].
    """

    y: Complexes
    live: Masks
    p: Floats
    q: Floats
    share: Floats
    regulated: Masks
    v_set: Floats
    q_min: Floats
    q_max: Floats

    def rows(self, chosen: NDArray[np.integer] | Masks) -> Flows:
        """Some of the networks."""
        return Flows(*(getattr(self, name)[chosen] for name in self.__slots__))

    def loaded(self, p: Floats, q: Floats) -> Flows:
        """The same networks with other powers fed in."""
        return replace(self, p=p, q=q)


@dataclass(slots=True)
class Solved:
    """What came of each network.

    Attributes:
        v: Voltage of each bus, pu; 0 where a bus is not live, shape [b, n].
        held: −1 where a station gives its least reactive power, 1 its largest, 0 where it holds its voltage
            or there is none, shape [b, n].
        missing: Active power that was shared out, pu, shape [b].
        ok: Whether there is a solution, shape [b].
    """

    v: Complexes
    held: NDArray[np.int8]
    missing: Floats
    ok: Masks

    def rows(self, chosen: NDArray[np.integer] | Masks) -> Solved:
        """Some of the solutions, copied."""
        return Solved(self.v[chosen], self.held[chosen], self.missing[chosen], self.ok[chosen])

    def put(self, chosen: NDArray[np.integer], other: Solved) -> None:
        """Write solutions over some of these."""
        self.v[chosen], self.held[chosen] = other.v, other.held
        self.missing[chosen], self.ok[chosen] = other.missing, other.ok


def flat(flows: Flows) -> Solved:
    """Voltages to begin from where nothing is known."""
    count = flows.p.shape[0]
    magnitude = np.where(flows.regulated, flows.v_set, 1.0) * flows.live
    return Solved(
        magnitude.astype(np.complex128),
        np.zeros(flows.p.shape, dtype=np.int8),
        np.zeros(count),
        np.ones(count, dtype=np.bool_),
    )


def solve(flows: Flows, start: Solved, *, limits: bool = True, tolerance_pu: float = TOLERANCE_PU) -> Solved:
    """Solve S = V·conj(Y·V) by Newton's method in polar coordinates, every network for itself.

    Unknown are all angles but one, the voltages where no station regulates, and the missing active power s
    that the stations share out, P = p + share·s. A station whose reactive power leaves its limits gives its
    limit; it regulates again once its voltage passes what it held. A network fails if the mismatch does not
    vanish, if a station stays at a limit that it should have left, or if a voltage falls below 0.4 pu.

    Args:
        flows: The networks.
        start: Where to begin.
        limits: Whether reactive limits are kept.
        tolerance_pu: Largest mismatch of a solution.
    """
    count, n = flows.p.shape
    found = start.rows(np.arange(count))
    found.v = np.where(flows.live, np.where(np.abs(found.v) > 0.0, found.v, 1.0), 0.0)
    _hold(found, flows)
    found.ok = np.zeros(count, dtype=np.bool_)
    active = np.arange(count)
    best, since = np.full(count, np.inf), np.zeros(count)
    reference = np.where(flows.live, flows.share, -1.0).argmax(axis=1)
    part, coupled = flows, _Coupled.of(flows.y)
    for number in range(_ROUNDS):
        now = found.rows(active)
        power = now.v * np.conj(np.matmul(part.y, now.v[:, :, None])[:, :, 0])
        error = _mismatch(part, now, power)
        worst = np.abs(error).max(axis=1)
        switched = np.zeros(active.size, dtype=np.bool_)
        if limits and (near := worst < _SWITCH_PU).any():
            switched = near & _switch(part, now, power.imag - part.q, number < _RELEASES, near)
            if switched.any():
                _hold(now, part)
                found.put(active, now)
                power = now.v * np.conj(np.matmul(part.y, now.v[:, :, None])[:, :, 0])
                error = _mismatch(part, now, power)
                worst = np.abs(error).max(axis=1)
        done = (worst < tolerance_pu) & ~switched
        found.ok[active[done]] = True
        magnitude = np.abs(now.v)
        low = np.where(part.live, magnitude, 1.0).min(axis=1) < _COLLAPSED_PU
        better = (worst < 0.9 * best[active]) | switched
        since[active] = np.where(better, 0.0, since[active] + 1.0)
        best[active] = np.where(better, worst, best[active])
        going = ~done & ~low & (worst < _FAR_PU) & (since[active] < _PATIENCE)
        found.ok[active[done & low]] = False
        if not going.any() or number == _ROUNDS - 1:
            break
        if not going.all():
            active, power, error, magnitude = active[going], power[going], error[going], magnitude[going]
            part, now, coupled = part.rows(going), now.rows(going), coupled.rows(going)
        matrix = _jacobian(part, now, power, reference[active], coupled)
        step = np.linalg.solve(matrix, error[:, :, None])[:, :, 0]
        turn, stretch = step[:, :n].copy(), step[:, n:]
        rows = np.arange(active.size)
        now.missing += turn[rows, reference[active]]
        turn[rows, reference[active]] = 0.0
        safe = np.maximum(magnitude, 1e-6)
        # Steps of more than a third of a voltage or half a radian lead away from the solution.
        size = np.minimum(1.0, 0.5 / np.maximum(np.abs(turn).max(axis=1), 1e-12))
        size = np.minimum(size, 0.3 / np.maximum(np.abs(stretch / safe).max(axis=1), 1e-12))[:, None]
        now.v = now.v * (1.0 + size * stretch / safe) * np.exp(1j * size * turn)
        found.put(active, now)
        found.ok[active] = False
    found.ok &= ~_astray(flows, found).any(axis=1)
    return found


def reactive(flows: Flows, solved: Solved) -> Floats:
    """Reactive power of the stations at each bus, pu, shape [b, n]."""
    power = solved.v * np.conj(np.matmul(flows.y, solved.v[:, :, None])[:, :, 0])
    return np.where(flows.regulated, power.imag - flows.q, 0.0)


def residual(flows: Flows, solved: Solved) -> tuple[Floats, Floats]:
    """Largest mismatch of active and of reactive power of each network, pu, shape [b] each."""
    power = solved.v * np.conj(np.matmul(flows.y, solved.v[:, :, None])[:, :, 0])
    error = np.abs(_mismatch(flows, solved, power))
    n = flows.p.shape[1]
    return error[:, :n].max(axis=1), error[:, n:].max(axis=1)


def _hold(solved: Solved, flows: Flows) -> None:
    """Put regulated buses to the voltage that they hold."""
    held = flows.regulated & (solved.held == 0) & flows.live
    magnitude = np.abs(solved.v)
    safe = np.where(magnitude > 0.0, magnitude, 1.0)
    solved.v = np.where(held, solved.v / safe * flows.v_set, solved.v)


def _free(flows: Flows, solved: Solved) -> Masks:
    """Buses whose voltage is unknown."""
    found: Masks = flows.live & ~(flows.regulated & (solved.held == 0))
    return found


def _mismatch(flows: Flows, solved: Solved, power: Complexes) -> Floats:
    """What is fed in less what flows off: active, then reactive power; shape [b, 2n]."""
    p = flows.p + flows.share * solved.missing[:, None] - power.real
    limit = np.where(solved.held > 0, flows.q_max, np.where(solved.held < 0, flows.q_min, 0.0))
    q = flows.q + limit - power.imag
    return np.concatenate([np.where(flows.live, p, 0.0), np.where(_free(flows, solved), q, 0.0)], axis=1)


def _switch(flows: Flows, solved: Solved, given: Floats, release: bool, rows: Masks) -> Masks:
    """Let stations meet or leave their limits; the networks in which one did."""
    regulating = flows.regulated & flows.live & rows[:, None]
    held, magnitude = solved.held, np.abs(solved.v)
    over = regulating & (held == 0) & (given > flows.q_max + 1e-7)
    under = regulating & (held == 0) & (given < flows.q_min - 1e-7)
    back = np.zeros_like(over)
    if release:
        above, below = magnitude > flows.v_set + 1e-7, magnitude < flows.v_set - 1e-7
        back = regulating & (((held > 0) & above) | ((held < 0) & below))
    held[over], held[under], held[back] = 1, -1, 0
    changed: Masks = (over | under | back).any(axis=1)
    return changed


def _astray(flows: Flows, solved: Solved) -> Masks:
    """Stations at a limit although their voltage has passed what they would hold."""
    magnitude, there = np.abs(solved.v), flows.regulated & flows.live
    above = (solved.held > 0) & (magnitude > flows.v_set + 1e-6)
    below = (solved.held < 0) & (magnitude < flows.v_set - 1e-6)
    found: Masks = there & (above | below)
    return found


@dataclass(frozen=True, slots=True)
class _Coupled:
    """Pairs of buses that influence each other in any of the networks: a grid's matrix is mostly zeros.

    Attributes:
        y: Admittance of each pair, shape [b, k].
        row: First bus of each pair, every bus with itself among them, shape [k].
        column: Second bus, shape [k].
        own: Places of the pairs of a bus with itself, by bus, shape [n].
        equation: Rows of the Jacobian that the pairs have a derivative in: of active power by angle and by
            voltage, of reactive power by both, shape [4k].
        unknown: Its columns, shape [4k].
    """

    y: Complexes
    row: NDArray[np.intp]
    column: NDArray[np.intp]
    own: NDArray[np.intp]
    equation: NDArray[np.intp]
    unknown: NDArray[np.intp]

    @classmethod
    def of(cls, y: Complexes) -> _Coupled:
        """The pairs of admittance matrices [b, n, n]."""
        n = y.shape[1]
        row, column = np.nonzero((y != 0.0).any(axis=0) | np.eye(n, dtype=np.bool_))
        equation = np.concatenate([row, row, n + row, n + row])
        unknown = np.concatenate([column, n + column, column, n + column])
        return cls(y[:, row, column], row, column, np.flatnonzero(row == column), equation, unknown)

    def rows(self, chosen: Masks) -> _Coupled:
        """The pairs of some of the networks."""
        return replace(self, y=self.y[chosen])


def _jacobian(
    flows: Flows, solved: Solved, power: Complexes, reference: NDArray[np.integer], coupled: _Coupled
) -> Floats:
    """Derivatives of the powers by angles and voltages, with the reference's angle replaced by −share."""
    count, n = flows.p.shape
    rows, row, column, own = np.arange(count), coupled.row, coupled.column, coupled.own
    magnitude = np.abs(solved.v)
    safe = np.where(magnitude > 0.0, magnitude, 1.0)
    between = solved.v[:, row] * np.conj(coupled.y * solved.v[:, column])
    by_angle = -1j * between
    by_angle[:, own] += 1j * power
    by_size = between / safe[:, column]
    by_size[:, own] += power / safe
    known = ~np.concatenate([flows.live, _free(flows, solved)], axis=1)
    values = np.concatenate([by_angle.real, by_size.real, by_angle.imag, by_size.imag], axis=1)
    values[known[:, coupled.equation] | known[:, coupled.unknown]] = 0.0
    found = np.zeros((count, 2 * n, 2 * n))
    found[:, coupled.equation, coupled.unknown] = values
    # Every live bus has an equation of active power; the reference's column is that of the missing power.
    found[rows, :n, reference], found[rows, n:, reference] = np.where(flows.live, -flows.share, 0.0), 0.0
    at, place = np.nonzero(known)
    found[at, place, place] = 1.0
    return found
