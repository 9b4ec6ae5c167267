"""A year of quarters of one station, solved and regulated in each."""

from __future__ import annotations

import time

import numpy as np

from simulation.engine.network import Complexes, Network
from simulation.scenario.regulation import neutral
from simulation.solving import Bench
from simulation.states.following import Following


class Balanced:
    """Currents and residuals of a day's states, for all at once that have one network.

    Args:
        s_va: Powers of the loads, VA, shape [t, l].
    """

    def __init__(self, s_va: Complexes) -> None:
        self._s_va = s_va
        self._network: Network | None = None
        self._v: list[Complexes] = []
        self._emf_v: list[complex] = []
        self._done = 0

    def add(self, network: Network, v: Complexes, emf_v: complex) -> None:
        """The next states' voltages."""
        if network is not self._network:
            self.close()
            self._network = network
        self._v.append(v)
        self._emf_v += [emf_v] * v.shape[0]

    def close(self) -> None:
        """Read the currents and balance what was added."""
        if self._network is not None and self._v:
            v, emf_v = np.concatenate(self._v), np.array(self._emf_v)
            self._network.point_currents(v, emf_v)
            self._network.residual(v, emf_v, self._s_va[self._done : self._done + v.shape[0]])
            self._done += v.shape[0]
        self._v, self._emf_v = [], []


def year_seconds(bench: Bench) -> float:
    """Processor seconds for a year of quarters: each solved, regulated and balanced, points' currents read.

    The grid's internal voltage follows the load every hour.
    """
    loads, world, engine = bench.world.loads, bench.world, bench.engine
    rest = np.zeros((96, len(world.substation.traction) + 3), dtype=np.complex128)
    calm = np.zeros(len(world.regulators.groups))
    begin = time.process_time()
    following = Following.of(engine, world.regulators, neutral(world.regulators))
    for day in range(loads.t.size // 96):
        rows = slice(96 * day, 96 * day + 96)
        phases = np.repeat((loads.p_w[rows] + 1j * loads.q_var[rows]) / 3.0, 3, axis=1)
        s_va = np.concatenate([phases, rest], axis=1)
        hour = world.hour_like(int(loads.t[96 * day]))
        balanced = Balanced(s_va)
        for quarter in range(0, 96, 4):
            for v in following.series(hour, s_va[quarter : quarter + 4], calm):
                balanced.add(engine.network(), v, engine.emf_v)
        balanced.close()
    return time.process_time() - begin
