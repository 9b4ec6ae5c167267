"""The buses of a station whose voltages count, and their limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.engine import Engine
from simulation.engine.network import Ints
from simulation.noise import Floats
from substations.description import Substation


@dataclass(frozen=True, slots=True)
class Sections:
    """The buses whose voltage counts: all but tertiary windings; and which of them are busbar sections.

    Attributes:
        nodes: Nodes of the three phases, shape [b, 3].
        base_v: Shape [b, 1].
        v_min_pu: Limits, shape [b, 1].
        v_max_pu: Shape [b, 1].
        vuf_pct: Limits of the unbalance at the sections, shape [s].
        sections: Rows of the sections, shape [s].
    """

    nodes: Ints
    base_v: Floats
    v_min_pu: Floats
    v_max_pu: Floats
    vuf_pct: Floats
    sections: Ints

    @classmethod
    def of(cls, engine: Engine) -> Sections:
        """Look everything up once."""
        substation: Substation = engine.substation
        tertiary = {winding.bus for each in substation.transformers for winding in each.windings[2:]}
        buses = [bus for bus in substation.buses if bus.id in engine.layout.of_bus and bus.id not in tertiary]
        limits = [substation.limit(bus.nominal_kv) for bus in buses]
        sections = [k for k, bus in enumerate(buses) if bus.section is not None]
        return cls(
            np.array([engine.layout.bus_nodes(bus.id) for bus in buses]),
            np.array([[bus.nominal_kv * 1e3 / np.sqrt(3.0)] for bus in buses]),
            np.array([[limit.v_min_pu] for limit in limits]),
            np.array([[limit.v_max_pu] for limit in limits]),
            np.array([limits[k].vuf_pct for k in sections]),
            np.array(sections, dtype=np.int64),
        )

    def violations(self, pu: Floats) -> Ints:
        """Buses with a phase outside of their limits, from voltages [k, b, 3], shape [k]; NaN is within."""
        outside = (pu < self.v_min_pu) | (pu > self.v_max_pu)
        return np.asarray(outside.any(axis=2).sum(axis=1))
