"""The example network of IEC TR 60909-4, solved by its bus impedance matrix in phase coordinates.

Data and results: IEC TR 60909-4, the test network, as pandapower's repository quotes them (e2nIEE/pandapower,
pandapower/test/shortcircuit/test_iec60909_4.py, commit 080c07f).
"""

from __future__ import annotations

import numpy as np

from simulation.engine.network import Complexes
from simulation.faults.zbus import FaultNetwork, Place, fault_admittance
from studies.validation.case import Case, Figure

C_MAX = 1.1
"""IEC 60909-0, table 1, above 1 kV."""

# Stiffer than any fault that a campaign draws: one micro-ohm.
STIFFER = 1e3

STRUCK = {"LLL": "abc", "LL": "bc", "LG": "a"}

A = np.exp(2j * np.pi / 3.0)
FROM_SEQUENCE = np.array([[1, 1, 1], [1, A**2, A], [1, A, A**2]])
TO_SEQUENCE = np.linalg.inv(FROM_SEQUENCE)

UNITS_KV = {"1": 380.0, "2": 110.0, "3": 110.0, "4": 110.0, "5": 110.0, "6": 10.0, "7": 10.0, "8": 30.0}
STARS = ("T3", "T4")
NODES = (*UNITS_KV, *STARS)

# Length in km; Ω/km in positive and zero sequence.
LINES = {
    "L1": ("2", "3", 20.0, 0.12 + 0.39j, 0.32 + 1.26j),
    "L2": ("3", "4", 10.0, 0.12 + 0.39j, 0.32 + 1.26j),
    "L3a": ("2", "5", 5.0, 0.12 + 0.39j, 0.52 + 1.86j),
    "L3b": ("2", "5", 5.0, 0.12 + 0.39j, 0.52 + 1.86j),
    "L4": ("5", "3", 10.0, 0.096 + 0.388j, 0.22 + 1.10j),
    "L5": ("5", "4", 15.0, 0.12 + 0.386j, 0.22 + 1.10j),
    "L6": ("6", "7", 1.0, 0.082 + 0.086j, None),
}
# Bus, I″kQ in kA, R/X, X0/X1, R0/X0.
FEEDERS = (("1", 38.0, 0.1, 3.0, 0.15), ("5", 16.0, 0.1, 3.3, 0.2))

THREE_PHASE_KA = [40.6447, 31.7831, 19.6730, 16.2277, 33.1894, 37.5629, 25.5895, 13.5778]
EARTH_FAULT_KA = [24.6526, 15.9722, 10.4106, 9.0498, 17.0452]
TWO_PHASE_KA = [35.1994, 27.5249, 17.0373, 14.0536, 28.7429, 32.5304, 22.1611, 11.7586]


def percent_z(x_pct: float, r_pct: float) -> complex:
    """Impedance of a short-circuit voltage and its resistive part, pu."""
    return complex(r_pct, np.sqrt(x_pct**2 - r_pct**2)) / 100.0


class Sequence:
    """Node admittances of one sequence, S."""

    def __init__(self) -> None:
        self.y = np.zeros((len(NODES), len(NODES)), dtype=np.complex128)

    def branch(self, one: str, other: str, z: complex, ratio: float = 1.0) -> None:
        """A series impedance on the side of `one`, then an ideal transformer ratio : 1 to `other`."""
        i, j = NODES.index(one), NODES.index(other)
        self.y[[i, j, i, j], [i, j, j, i]] += np.array([1.0, ratio**2, -ratio, -ratio]) / z

    def shunt(self, bus: str, z: complex) -> None:
        """An impedance from a bus to earth."""
        self.y[NODES.index(bus), NODES.index(bus)] += 1.0 / z


def worked_example() -> FaultNetwork:
    """The example network of IEC TR 60909-4 as its equipment is published, corrected by IEC 60909-0."""
    positive, zero = Sequence(), Sequence()
    for one, other, km, z1, z0 in LINES.values():
        positive.branch(one, other, z1 * km)
        if z0 is not None:
            zero.branch(one, other, z0 * km)
    for bus, ka, rx, x0x1, r0x0 in FEEDERS:
        z = C_MAX * UNITS_KV[bus] / (np.sqrt(3.0) * ka)
        x = z / np.hypot(1.0, rx)
        positive.shunt(bus, complex(rx * x, x))
        zero.shunt(bus, x0x1 * x * complex(r0x0, 1.0))
    three_winding(positive, zero)
    for _ in ("T5", "T6"):
        # 31.5 MVA, 115/10.5 kV, 12 %, 0.5 %; the star points at 110 kV are not earthed.
        z = percent_z(12.0, 0.5)
        positive.branch("5", "6", k_t(z.imag) * z * 115.0**2 / 31.5, 115.0 / 10.5)
    power_stations(positive, zero)
    # G3: 10 MVA, 10.5 kV, x″ 10 %, 0.018 Ω, cos φ 0.8.
    k_g = 10.0 / 10.5 * C_MAX / (1.0 + 0.10 * 0.6)
    positive.shunt("6", k_g * complex(0.018, 0.10 * 10.5**2 / 10.0))
    # M1 5 MW, M2 two of 2 MW: power, cos φ, efficiency, starting current; R/X 0.1.
    for mw, cos_phi, efficiency, start in ((5.0, 0.88, 0.975, 5.0), *((2.0, 0.89, 0.968, 5.2),) * 2):
        z = 10.0**2 / (mw / (cos_phi * efficiency)) / start
        positive.shunt("7", z * complex(0.1, 1.0) / np.hypot(0.1, 1.0))
    # Sides without an earthed star point: a vanishing admittance keeps the matrix regular.
    for bus in ("6", "7", "8", *STARS):
        zero.shunt(bus, 1e9)
    return in_phases(positive.y, zero.y)


def three_winding(positive: Sequence, zero: Sequence) -> None:
    """T3 and T4: 400/120/30 kV, 350/350/50 MVA; 21, 10 and 7 %, resistances 0.26, 0.16 and 0.16 %.

    T3's star point is earthed at 380 kV, T4's at 110 kV; X0/X1 is 2.1, R0/R1 is 1.
    """
    hm = percent_z(21.0, 0.26) / 350.0
    hl, ml = percent_z(10.0, 0.16) / 50.0, percent_z(7.0, 0.16) / 50.0
    z_hm, z_hl, z_ml = (k_t(z.imag * mva) * z for z, mva in ((hm, 350.0), (hl, 50.0), (ml, 50.0)))
    legs = (z_hm + z_hl - z_ml) / 2.0, (z_hm + z_ml - z_hl) / 2.0, (z_hl + z_ml - z_hm) / 2.0
    for star, low in zip(STARS, (None, "8"), strict=True):
        positive.branch("1", star, legs[0] * 400.0**2)
        # From the medium and low side's bus into the star point, which is at 400 kV.
        positive.branch("2", star, legs[1] * 120.0**2, 120.0 / 400.0)
        if low is not None:
            positive.branch(low, star, legs[2] * 30.0**2, 30.0 / 400.0)
    # Between the earthed side and the delta, hence with the factor of that pair.
    z0 = complex(hm.real, 2.1 * hm.imag)
    zero.shunt("1", k_t(hl.imag * 50.0) * z0 * 400.0**2)
    zero.shunt("2", k_t(ml.imag * 50.0) * z0 * 120.0**2)


def power_stations(positive: Sequence, zero: Sequence) -> None:
    """S1 with, S2 without on-load tap changer (IEC 60909-0, 6.7.1 and 6.7.2), seen from 110 kV."""
    # G1 150 MVA, 21 kV, x″ 14 %, 0.002 Ω, cos φ 0.85; T1 115/21 kV, 16 %, 0.5 %, neutral by 22 Ω, X0/X1 0.95.
    z_g, z_t = complex(0.002, 0.14 * 21.0**2 / 150.0), percent_z(16.0, 0.5) * 115.0**2 / 150.0
    x_t = percent_z(16.0, 0.5).imag
    k_s = (110.0 / 21.0 * 21.0 / 115.0) ** 2 * C_MAX / (1.0 + abs(0.14 - x_t) * np.sin(np.arccos(0.85)))
    positive.shunt("4", k_s * ((115.0 / 21.0) ** 2 * z_g + z_t))
    zero.shunt("4", k_s * complex(z_t.real, 0.95 * z_t.imag) + 3.0 * 22.0j)
    # G2 100 MVA, 10.5 kV, x″ 16 %, 0.005 Ω, cos φ 0.9, range 7.5 %; T2 120/10.5 kV, 12 %, 0.5 %, not earthed.
    z_g, z_t = complex(0.005, 0.16 * 10.5**2 / 100.0), percent_z(12.0, 0.5) * 120.0**2 / 100.0
    k_so = 110.0 / (10.5 * 1.075) * 10.5 / 120.0 * C_MAX / (1.0 + 0.16 * np.sin(np.arccos(0.9)))
    positive.shunt("3", k_so * ((120.0 / 10.5) ** 2 * z_g + z_t))


def in_phases(y1: Complexes, y0: Complexes) -> FaultNetwork:
    """Phase coordinates, with c times the nominal voltage everywhere; Z2 = Z1."""
    size = len(NODES)
    y = np.zeros((size, 3, size, 3), dtype=np.complex128)
    for k, each in enumerate((y0, y1, y1)):
        y += each[:, None, :, None] * np.outer(FROM_SEQUENCE[:, k], TO_SEQUENCE[k])[None, :, None, :]
    kv = np.array([UNITS_KV.get(node, 400.0) for node in NODES])
    v = (C_MAX * kv[:, None] * 1e3 / np.sqrt(3.0) * FROM_SEQUENCE[:, 1]).ravel()
    z = np.asarray(np.linalg.inv(y.reshape(3 * size, 3 * size)), dtype=np.complex128)
    return FaultNetwork(z, np.asarray(v, dtype=np.complex128))


def node(bus: str) -> Place:
    """The three phases of a bus of the example."""
    weights = np.zeros((3, 3 * len(NODES)))
    weights[np.arange(3), 3 * NODES.index(bus) + np.arange(3)] = 1.0
    return Place(bus, weights, np.zeros((3, 3), dtype=np.complex128))


def k_t(x_pu: float) -> float:
    """IEC 60909-0, 6.3.3: correction of a network transformer's impedance."""
    return 0.95 * C_MAX / (1.0 + 0.6 * x_pu)


def current_a(network: FaultNetwork, place: Place, kind: str) -> float:
    """Largest phase current of a bolted fault, A."""
    y_fault = STIFFER * fault_admittance(kind, STRUCK[kind], np.array([0.0]))
    return float(np.abs(network.currents(place, y_fault)).max())


def case() -> Case:
    """The published currents beside ours."""
    network = worked_example()
    published = {"LLL": THREE_PHASE_KA, "LL": TWO_PHASE_KA, "LG": EARTH_FAULT_KA}
    names = {"LLL": "I″k", "LL": "I″k2", "LG": "I″k1"}
    return Case(
        "Short-circuit currents of IEC TR 60909-4",
        "IEC TR 60909-4, worked example, as quoted in pandapower's tests (e2nIEE/pandapower, "
        "`test/shortcircuit/test_iec60909_4.py`)",
        "The network is written down from its published equipment, corrected by IEC 60909-0 and solved by "
        "the bus impedance matrix in phase coordinates that fault campaigns use. Four decimals are "
        "published.",
        [
            Figure(
                f"{names[kind]} at bus {k + 1}",
                "kA",
                ka,
                current_a(network, node(str(k + 1)), kind) / 1e3,
                3e-4,
                4,
            )
            for kind, currents in published.items()
            for k, ka in enumerate(currents)
        ],
    )
