"""Solved states of an episode, and which of them acts when."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulation.engine import Network
from simulation.engine.network import Complexes
from simulation.noise import Floats


@dataclass(frozen=True, slots=True)
class States:
    """Phasors at the measurement points in each solved state.

    Attributes:
        v: Phase voltages, V, shape [k, p, 3].
        i: Currents out of the busbars, A, shape [k, p, 3].
        residual_p_pu: Active power-balance residual of each solution, shape [k].
        residual_q_pu: Reactive one, shape [k].
    """

    v: Complexes
    i: Complexes
    residual_p_pu: Floats
    residual_q_pu: Floats


@dataclass(slots=True)
class Recording:
    """Collects states while an episode is solved."""

    _v: list[Complexes] = field(default_factory=list)
    _i: list[Complexes] = field(default_factory=list)
    _p: list[Floats] = field(default_factory=list)
    _q: list[Floats] = field(default_factory=list)
    _count: int = 0

    def add(self, network: Network, v: Complexes, emf_v: complex, s_va: Complexes) -> NDArray[np.int64]:
        """Add solutions of one network; their numbers are returned.

        Args:
            network: Network that they solve.
            v: Node voltages, shape [t, n].
            emf_v: Internal voltage of the source, phase a.
            s_va: Power of each load, VA, shape [t, l].
        """
        emf = np.full(v.shape[0], emf_v)
        return self.add_states(
            network.point_voltages(v), network.point_currents(v, emf), network.residual(v, emf, s_va)
        )

    def add_states(self, v: Complexes, i: Complexes, residual: tuple[Floats, Floats]) -> NDArray[np.int64]:
        """Add states whose phasors and residuals are known already."""
        self._v.append(v)
        self._i.append(i)
        self._p.append(residual[0])
        self._q.append(residual[1])
        numbers = np.arange(self._count, self._count + v.shape[0], dtype=np.int64)
        self._count += v.shape[0]
        return numbers

    def states(self) -> States:
        """All states so far, in the order of their numbers."""
        if len(self._v) == 1:
            return States(self._v[0], self._i[0], self._p[0], self._q[0])
        return States(
            np.concatenate(self._v), np.concatenate(self._i), np.concatenate(self._p), np.concatenate(self._q)
        )


@dataclass(frozen=True, slots=True)
class Timeline:
    """Which state acts when: segments that follow each other without a gap.

    Attributes:
        begin: Seconds from the episode's start at which each segment begins; the first is 0, shape [g].
        state: Number of its state, shape [g].
        seconds: Length of the episode.
    """

    begin: Floats
    state: NDArray[np.int64]
    seconds: int

    @classmethod
    def steady(cls, states: NDArray[np.int64]) -> Timeline:
        """One state for each second."""
        return cls(np.arange(states.size, dtype=np.float64), states, states.size)

    @classmethod
    def merged(cls, seconds: int, spells: list[tuple[float, float, NDArray[np.int64]]]) -> Timeline:
        """Lay spells after each other.

        Args:
            seconds: Length of the episode.
            spells: Begin, end and states of each spell; `states[k]` is the state of the spell's k-th whole or
                partial second, or one state for all of it where there is only one. Spells follow each other
                from 0 to `seconds`.
        """
        begin, state = [], []
        for start, end, states in spells:
            if end <= start:
                continue
            first = int(np.floor(start))
            for second in range(first, int(np.ceil(end))):
                begin.append(max(float(second), start))
                state.append(states[min(second - first, states.size - 1)])
        return cls(np.array(begin), np.array(state, dtype=np.int64), seconds)

    @property
    def is_steady(self) -> bool:
        """Whether each second is one state."""
        return self.begin.size == self.seconds and bool(np.all(self.begin == np.arange(self.seconds)))

    @property
    def in_order(self) -> bool:
        """Whether the segments are the states one after the other."""
        return bool(np.all(self.state == np.arange(self.state.size)))

    @property
    def end(self) -> Floats:
        """Seconds at which each segment ends, shape [g]."""
        return np.append(self.begin[1:], float(self.seconds))
