"""The transmission grid as plain arrays, read from pandapower's model once a process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulation.grid.dispatch import Lossless, branch_name, lossless
from simulation.grid.fleet import at_buses
from simulation.grid.network import build_network
from simulation.grid.plants import PLANTS
from simulation.noise import Floats

BASE_MVA = 100.0
Complexes = NDArray[np.complex128]
Masks = NDArray[np.bool_]

RATING_FACTOR = 1.15
"""Thermal ratings of the case times this, as the grid's dispatch has them."""


@dataclass(frozen=True, slots=True)
class Case:
    """A network: n buses, m branches, lines first; per unit on 100 MVA.

    Attributes:
        names: Name of each branch.
        ends: Its buses, shape [m, 2].
        admittance: Two-port admittance of each branch, shape [m, 2, 2].
        rating_pu: Current that it bears for long, shape [m]; infinite for transformers.
        of_station: Whether it is a station's transformer, which stands for as many as there are units, [m].
        load_mw: Load of the case at each bus, shape [n].
        load_mvar: Reactive load of the case at each bus, shape [n].
        flows: Its lossless model with the lines' ratings.
        patterns: What each branch adds to the admittance matrix, laid flat, shape [m, n²].
    """

    names: tuple[str, ...]
    ends: NDArray[np.int64]
    admittance: Complexes
    rating_pu: Floats
    of_station: Masks
    load_mw: Floats
    load_mvar: Floats
    flows: Lossless
    patterns: Complexes

    @property
    def buses(self) -> int:
        """Number of buses."""
        return int(self.load_mw.size)

    def matrix(self, inside: Masks) -> Complexes:
        """Admittance matrices with the branches that are in service, shape [b, m] to [b, n, n]."""
        return (inside.astype(np.complex128) @ self.patterns).reshape(-1, self.buses, self.buses)

    def reached(self, inside: Masks) -> Masks:
        """Buses of the part that carries most load, by branches in service, shape [m] to [n]."""
        part = np.arange(self.buses)
        ends = self.ends[inside]
        while True:
            lower = part.copy()
            np.minimum.at(lower, ends[:, 0], part[ends[:, 1]])
            np.minimum.at(lower, ends[:, 1], part[ends[:, 0]])
            if (lower == part).all():
                break
            part = lower
        carried = at_buses(self.load_mw, part, self.buses)
        found: Masks = part == int(carried.argmax())
        return found

    def currents(self, v_pu: Complexes, inside: Masks) -> Floats:
        """Larger current of both ends of each branch, pu, shapes [b, n] and [b, m] to [b, m]."""
        at_ends = v_pu[:, self.ends]
        through = np.abs(np.einsum("mij,bmj->bmi", self.admittance, at_ends)).max(axis=2)
        return np.asarray(through * inside)


@lru_cache(maxsize=1)
def the_case() -> Case:
    """The 39-bus grid around the substations."""
    return read_case(build_network(), RATING_FACTOR)


def read_case(net: Any, rating_factor: float) -> Case:
    """The branches of a pandapower network of lines and two-winding transformers, each ratio as it stands.

    A branch of series admittance y, charging b and ratio τ at its first end has
    [[(y + jb/2)/τ², −y/τ], [−y/τ, y + jb/2]] (MATPOWER's branch model, from common knowledge).
    """
    import pandapower as pp

    pp.runpp(net, numba=False, init="dc")
    rows = np.real(net["_ppc"]["branch"])
    ends = np.column_stack(
        [
            np.concatenate([net.line.from_bus, net.trafo.hv_bus]),
            np.concatenate([net.line.to_bus, net.trafo.lv_bus]),
        ]
    ).astype(np.int64)
    series, half = 1.0 / (rows[:, 2] + 1j * rows[:, 3]), 0.5j * rows[:, 4]
    ratio = np.where(rows[:, 8] == 0.0, 1.0, rows[:, 8])
    admittance = np.empty((len(rows), 2, 2), dtype=np.complex128)
    admittance[:, 0, 0], admittance[:, 1, 1] = (series + half) / ratio**2, series + half
    admittance[:, 0, 1] = admittance[:, 1, 0] = -series / ratio
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
        patterns=_patterns(ends, admittance, buses),
    )


def _patterns(ends: NDArray[np.int64], admittance: Complexes, buses: int) -> Complexes:
    found = np.zeros((len(ends), buses, buses), dtype=np.complex128)
    rows = np.arange(len(ends))
    for one in range(2):
        for other in range(2):
            found[rows, ends[:, one], ends[:, other]] += admittance[:, one, other]
    return found.reshape(len(ends), -1)
