"""The station at the instant of an event, ready for whatever happens to its voltages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.engine import Engine
from simulation.engine.network import Complexes
from simulation.faults.zbus import bus_place
from simulation.noise import Floats
from simulation.scenario.regulation import settle
from simulation.scenario.short_circuit import Ready
from simulation.scenario.world import World


@dataclass(frozen=True, slots=True)
class Standing:
    """The settled station with balanced loads of the instant.

    Attributes:
        engine: Engine, left in this state.
        world: The substation in its campaign.
        ready: Its network, factorised.
        before: Phase voltages at the points, V, shape [p, 3].
        nominal_v: Their nominal values, V, shape [p].
    """

    engine: Engine
    world: World
    ready: Ready
    before: Complexes
    nominal_v: Floats

    @classmethod
    def at(cls, world: World, engine: Engine, t: float) -> Standing:
        """Let the station come to rest under the loads and the system hour of the Unix time `t`.

        Raises:
            InfeasibleError: The regulators do not come to rest.
            NotConvergedError: There is no power-flow solution.
        """
        # The last quarter of the last day has no successor to interpolate to.
        hour, last = world.hour_like(int(t)), float(world.loads.t[-1]) - 1.0
        p_w, q_var = world.loads.at(min(t, last))
        s_va = np.zeros(len(engine.loads), dtype=np.complex128)
        s_va[: 3 * p_w.size] = np.repeat((p_w + 1j * q_var) / 3.0, 3)
        calm = np.zeros(len(world.regulators.groups))
        settle(engine, world.regulators, hour, s_va, offsets_pu=calm, guess=world.guesses.near(s_va, hour))
        ready = Ready.at(engine, engine.solve(s_va[None])[0], s_va)
        nominal = np.array([point.nominal_kv for point in world.substation.points]) * 1e3 / np.sqrt(3.0)
        return cls(engine, world, ready, ready.network.point_voltages(ready.faults.v), nominal)

    def with_admittance(self, bus: str, y_s: complex) -> Complexes:
        """Voltages at the points with a balanced admittance (S per phase) at a bus, by the Z-bus, [p, 3]."""
        place = bus_place(self.ready.network, bus)
        i = self.ready.faults.currents(place, y_s * np.eye(3, dtype=np.complex128)[None])
        return np.asarray(self.ready.network.point_voltages(self.ready.faults.voltages(place, i))[0])

    def with_emf(self, factor: float) -> Complexes:
        """Voltages at the points with the grid's internal voltage times `factor`, loads as admittances."""
        return np.asarray(factor * self.before)

    def bus_base_v(self, bus: str) -> float:
        """Phase-to-neutral nominal voltage of a bus, V."""
        return self.world.substation.bus(bus).nominal_kv * 1e3 / float(np.sqrt(3.0))
