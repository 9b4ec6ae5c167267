"""The transmission grid as plain arrays, read from pandapower's model once a process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from data_contracts.power_flow import Masks
from data_contracts.transmission_ac import BASE_MVA, Network, patterns, two_ports
from simulation.grid.dispatch import Lossless, branch_name, lossless
from simulation.grid.fleet import at_buses
from simulation.grid.network import build_network
from simulation.grid.plants import PLANTS
from simulation.noise import Floats

__all__ = ["BASE_MVA", "RATING_FACTOR", "Case", "Masks", "read_case", "the_case"]

RATING_FACTOR = 1.15
"""Thermal ratings of the case times this, as the grid's dispatch has them."""


@dataclass(frozen=True, slots=True)
class Case(Network):
    """A network with the loads of the case.

    Attributes:
        load_mw: Load of the case at each bus, shape [n].
        load_mvar: Reactive load of the case at each bus, shape [n].
        flows: Its lossless model with the lines' ratings.
    """

    load_mw: Floats
    load_mvar: Floats
    flows: Lossless

    def reached(self, inside: Masks) -> Masks:
        """Buses of the part that carries most load of the case, shape [m] to [n]."""
        return self.part_with_most(self.load_mw, inside)


@lru_cache(maxsize=1)
def the_case() -> Case:
    """The 39-bus grid around the substations."""
    return read_case(build_network(), RATING_FACTOR)


def read_case(net: Any, rating_factor: float) -> Case:
    """The branches of a pandapower network of lines and two-winding transformers, each ratio as it stands."""
    import pandapower as pp

    pp.runpp(net, numba=False, init="dc")
    rows = np.real(net["_ppc"]["branch"])
    ends = np.column_stack(
        [
            np.concatenate([net.line.from_bus, net.trafo.hv_bus]),
            np.concatenate([net.line.to_bus, net.trafo.lv_bus]),
        ]
    ).astype(np.int64)
    ratio = np.where(rows[:, 8] == 0.0, 1.0, rows[:, 8])
    admittance = two_ports(1.0 / (rows[:, 2] + 1j * rows[:, 3]), rows[:, 4], ratio)
    lines = len(net.line)
    rating = np.full(len(rows), np.inf)
    kv = net.bus.vn_kv.to_numpy()[ends[:lines, 0]]
    rating[:lines] = rating_factor * np.sqrt(3.0) * kv * net.line.max_i_ka.to_numpy() / BASE_MVA
    stations = [plant.bus for plant in PLANTS]
    own = np.isin(ends, stations).any(axis=1)
    kinds = ["line"] * lines + ["transformer"] * (len(rows) - lines)
    buses, places = len(net.bus), net.load.bus.to_numpy()
    return Case(
        names=tuple(branch_name(kind, int(a), int(b)) for kind, (a, b) in zip(kinds, ends, strict=True)),
        ends=ends,
        admittance=admittance,
        rating_pu=rating,
        of_station=own & (np.arange(len(rows)) >= lines),
        load_mw=at_buses(net.load.p_mw.to_numpy(), places, buses),
        load_mvar=at_buses(net.load.q_mvar.to_numpy(), places, buses),
        flows=lossless(net, rating_factor),
        patterns=patterns(ends, admittance, buses),
    )
