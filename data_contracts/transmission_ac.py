"""The transmission grid as an AC network: branches as two-ports, machines by their nameplates.

Impedances are those of the 39-bus system of Athay, Podmore and Virmani (1979) at 50 Hz on 400 kV, the
branches of `data_contracts.transmission` in their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from data_contracts.power_flow import Complexes, Floats, Masks
from data_contracts.transmission import BUSES, LINE_NAMES, LINES, PLANTS, TRANSFORMERS, bus_name

BASE_MVA = 100.0

TRANSFORMER_NAMES = tuple(f"transformer-{bus_name(one)}-{bus_name(other)}" for one, other, _ in TRANSFORMERS)
BRANCH_NAMES = (*LINE_NAMES, *TRANSFORMER_NAMES)
"""Lines, then transformers."""

BUS_NAMES = tuple(bus_name(bus) for bus in range(1, BUSES + 1))

# Resistance, reactance and charging in pu on 100 MVA, ratio at the first end.
IMPEDANCES = (
    (0.0035, 0.03425, 0.58225, 1), (0.001, 0.02083333333, 0.625, 1),
    (0.0013, 0.01258333333, 0.214333333, 1), (0.007, 0.007166666667, 0.121666667, 1),
    (0.0013, 0.01775, 0.1845, 1), (0.0011, 0.01108333333, 0.178166667, 1),
    (0.0008, 0.01066666667, 0.111833333, 1), (0.0008, 0.01075, 0.115166667, 1),
    (0.0002, 0.002166666667, 0.036166667, 1), (0.0008, 0.009333333333, 0.123, 1),
    (0.0006, 0.007666666667, 0.094166667, 1), (0.0007, 0.006833333333, 0.11575, 1),
    (0.0004, 0.003833333333, 0.065, 1), (0.0023, 0.03025, 0.317, 1), (0.001, 0.02083333333, 1, 1),
    (0.0004, 0.003583333333, 0.06075, 1), (0.0004, 0.003583333333, 0.06075, 1),
    (0.0009, 0.008416666667, 0.143583333, 1), (0.0018, 0.01808333333, 0.305, 1),
    (0.0009, 0.007833333333, 0.1425, 1), (0.0007, 0.007416666667, 0.111833333, 1),
    (0.0016, 0.01625, 0.253333333, 1), (0.0008, 0.01125, 0.212333333, 1),
    (0.0003, 0.004916666667, 0.056666667, 1), (0.0007, 0.006833333333, 0.109916667, 1),
    (0.0013, 0.01441666667, 0.268, 1), (0.0008, 0.01166666667, 0.21375, 1),
    (0.0006, 0.008, 0.153833333, 1), (0.0022, 0.02916666667, 0.300833333, 1),
    (0.0032, 0.02691666667, 0.4425, 1), (0.0014, 0.01225, 0.199666667, 1),
    (0.0043, 0.0395, 0.650166667, 1), (0.0057, 0.05208333333, 0.8575, 1),
    (0.0014, 0.01258333333, 0.2075, 1), (0.0003333333333, 0.02719795744, 0, 1),
    (0.0003333333333, 0.01809693037, 0, 1.005), (0.0001666666667, 0.02499944444, 0, 1.014),
    (0.0003333333333, 0.01999722203, 0, 1.014), (0.0016, 0.0435, -0, 1.0012), (0.0016, 0.0435, -0, 1.0012),
    (0.0007, 0.0138, 0, 1.012), (0.0007, 0.0142, 0, 1.014), (0.0009, 0.018, 0, 1.0018),
    (0.0003333333333, 0.01429611447, 0, 1.005), (0.0006, 0.0232, 0, 1.005), (0.0008, 0.0156, 0, 1.005),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Machine:
    """A unit of a power station, by its nameplate.

    Attributes:
        units: How many the station has.
        unit_mw: Rated active power of one.
        inertia_s: Inertia constant on its own rating, s; 0 where another grid is behind it.
        governor: What its turbine's governor is: `steam`, `hydro` or `none`.
    """

    units: int
    unit_mw: float
    inertia_s: float
    governor: str


MACHINES = (
    Machine(5, 208.0, 3.2, "hydro"), Machine(4, 160.0, 5.0, "steam"), Machine(3, 242.0, 4.0, "steam"),
    Machine(3, 218.0, 4.0, "steam"), Machine(2, 254.0, 4.0, "steam"), Machine(3, 229.0, 4.0, "steam"),
    Machine(4, 145.0, 5.0, "steam"), Machine(3, 188.0, 4.0, "steam"), Machine(4, 216.0, 5.5, "none"),
    Machine(5, 220.0, 0.0, "none"),
)  # fmt: skip
"""Of the stations of `data_contracts.transmission.PLANTS`, in their order."""

POWER_FACTOR = 0.85
Q_MAX, Q_MIN = 0.62, -0.33
"""Reactive power of a machine of that power factor, over- and under-excited, pu of its active power."""

DROOP = 0.05
WITHIN = 0.15
"""What a unit gives within ten seconds, pu of its rating."""

PARK_LOSS = 0.5
"""A park feeds in over two circuits, one of which fails."""

LEAST_SHARE = 0.02
"""Least share of a running unit's rating with which it takes part in what is missing."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network of n buses and m branches, lines first; per unit on 100 MVA.

    Attributes:
        names: Name of each branch.
        ends: Its buses, shape [m, 2].
        admittance: Two-port admittance of each branch, shape [m, 2, 2].
        rating_pu: Current that it bears for long, shape [m]; infinite for transformers.
        of_station: Whether it is a station's transformer, which stands for as many as there are units, [m].
        patterns: What each branch adds to the admittance matrix, laid flat, shape [m, n²].
    """

    names: tuple[str, ...]
    ends: NDArray[np.int64]
    admittance: Complexes
    rating_pu: Floats
    of_station: Masks
    patterns: Complexes

    @property
    def buses(self) -> int:
        """Number of buses."""
        return int(np.sqrt(self.patterns.shape[1]))

    def matrix(self, inside: Masks) -> Complexes:
        """Admittance matrices with the branches that are in service, shape [b, m] to [b, n, n]."""
        return (inside.astype(np.complex128) @ self.patterns).reshape(-1, self.buses, self.buses)

    def part_with_most(self, load_mw: Floats, inside: Masks) -> Masks:
        """Buses of the part that carries most load, by branches in service, shapes [n] and [m] to [n]."""
        part = np.arange(self.buses)
        ends = self.ends[inside]
        while True:
            lower = part.copy()
            np.minimum.at(lower, ends[:, 0], part[ends[:, 1]])
            np.minimum.at(lower, ends[:, 1], part[ends[:, 0]])
            if (lower == part).all():
                break
            part = lower
        carried = np.bincount(part, weights=load_mw, minlength=self.buses)
        found: Masks = part == int(carried.argmax())
        return found

    def currents(self, v_pu: Complexes, inside: Masks) -> Floats:
        """Larger current of both ends of each branch, pu, shapes [b, n] and [b, m] to [b, m]."""
        at_ends = v_pu[:, self.ends]
        through = np.abs(np.einsum("mij,bmj->bmi", self.admittance, at_ends)).max(axis=2)
        return np.asarray(through * inside)


def two_ports(series: Complexes, charging: Floats, ratio: Floats) -> Complexes:
    """Two-port admittances of branches, shape [m] each to [m, 2, 2].

    A branch of series admittance y, charging b and ratio τ at its first end has
    [[(y + jb/2)/τ², −y/τ], [−y/τ, y + jb/2]] (MATPOWER's branch model, from common knowledge).
    """
    own = series + 0.5j * charging
    found = np.empty((len(series), 2, 2), dtype=np.complex128)
    found[:, 0, 0], found[:, 1, 1] = own / ratio**2, own
    found[:, 0, 1] = found[:, 1, 0] = -series / ratio
    return found


def patterns(ends: NDArray[np.int64], admittance: Complexes, buses: int) -> Complexes:
    """What each branch adds to the admittance matrix, laid flat, shape [m, n²]."""
    found = np.zeros((len(ends), buses, buses), dtype=np.complex128)
    rows = np.arange(len(ends))
    for one in range(2):
        for other in range(2):
            found[rows, ends[:, one], ends[:, other]] += admittance[:, one, other]
    return found.reshape(len(ends), -1)


@lru_cache(maxsize=1)
def network() -> Network:
    """The transmission grid with all its branches."""
    values = np.array(IMPEDANCES)
    ends = np.array([(one - 1, other - 1) for one, other, *_ in (*LINES, *TRANSFORMERS)])
    admittance = two_ports(1.0 / (values[:, 0] + 1j * values[:, 1]), values[:, 2], values[:, 3])
    stations = [plant.bus - 1 for plant in PLANTS]
    return Network(
        names=BRANCH_NAMES,
        ends=ends,
        admittance=admittance,
        rating_pu=np.array([*(line[3] / BASE_MVA for line in LINES), *(np.inf for _ in TRANSFORMERS)]),
        of_station=np.isin(ends, stations).any(axis=1) & (np.arange(len(ends)) >= len(LINES)),
        patterns=patterns(ends, admittance, BUSES),
    )
