"""Short circuits from one factorisation: the bus impedance matrix and what any fault does to it.

With loads as the admittances that they are at the pre-fault voltage the substation is linear, V = Z·I_source.
A fault with admittance matrix Y_f between the phases of a place and earth then gives

    I_f = Y_f·(1 + Z_pp·Y_f)⁻¹·V_p,      V = V_oc − Z_p·I_f

(Thevenin's theorem in phase coordinates; e.g. A. R. Bergen and V. Vittal, Power Systems Analysis, chapter on
faults). A place within a line at the fraction d of its series impedance z is a linear combination of the
line's ends: Z_kp = (1 − d)·Z_ki + d·Z_kj and Z_pp gains d·(1 − d)·z; the line's charging stays lumped at its
ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.engine.network import Complexes, Network
from simulation.noise import Floats

BOLTED_OHM = 1e-3
"""Resistance of a bolted fault; an arc or a tower footing has more."""

_PHASES = {"a": 0, "b": 1, "c": 2}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fault is.

    Attributes:
        name: For people.
        weights: How the place's three voltages come from the nodes, shape [3, n].
        extra_z: Series impedance that adds to the driving-point impedance, Ω, shape [3, 3].
    """

    name: str
    weights: Floats
    extra_z: Complexes


@dataclass(frozen=True, slots=True)
class FaultNetwork:
    """A substation ready for faults.

    Attributes:
        z: Bus impedance matrix with loads as constant admittances, Ω, shape [n, n].
        v: Voltages before the fault, V, shape [n].
    """

    z: Complexes
    v: Complexes

    @classmethod
    def at(cls, network: Network, v: Complexes, s_va: Complexes, emf_v: complex) -> FaultNetwork:
        """Factorise `network` at one operating point.

        Args:
            network: Linear network.
            v: Solved node voltages, V, shape [n].
            s_va: Power of each load, VA, shape [l].
            emf_v: Internal voltage of the source, phase a, V.
        """
        layout = network.layout
        i_load = network.load_currents(v, s_va)
        u = layout.across(v)
        energised = np.abs(u) > 1e-3 * layout.load_base_v
        y_load = np.where(energised, i_load / np.where(energised, u, 1.0), 0.0)
        size = v.size
        y = np.zeros((size + 1, size + 1), dtype=np.complex128)
        y[:size, :size] = network.y
        one, other = layout.load_nodes[:, 0], layout.load_nodes[:, 1]
        np.add.at(y, (one, one), y_load)
        np.add.at(y, (other, other), y_load)
        np.add.at(y, (one, other), -y_load)
        np.add.at(y, (other, one), -y_load)
        y = y[:size, :size]
        # A bus without supply has no admittance at all; a vanishing one keeps the matrix regular and its
        # voltage zero.
        bare = np.flatnonzero(np.abs(np.diag(y)) == 0.0)
        y[bare, bare] = 1.0
        z = np.asarray(np.linalg.inv(y), dtype=np.complex128)
        return cls(z, z @ (network.source * emf_v))

    def driving_point(self, place: Place) -> Complexes:
        """Impedance matrix seen from the place, Ω, shape [3, 3]."""
        return np.asarray(place.weights @ self.z @ place.weights.T + place.extra_z)

    def currents(self, place: Place, y_fault: Complexes) -> Complexes:
        """Currents into faults at one place.

        Args:
            place: Where.
            y_fault: Admittance matrices of m faults, S, shape [m, 3, 3].

        Returns:
            Currents of the three phases, A, shape [m, 3].
        """
        z_pp = self.driving_point(place)
        v_p = place.weights @ self.v
        inner = np.linalg.solve(
            np.eye(3) + z_pp @ y_fault, np.broadcast_to(v_p, (len(y_fault), 3))[..., None]
        )
        return np.asarray((y_fault @ inner)[..., 0])

    def voltages(self, place: Place, i_fault: Complexes) -> Complexes:
        """Node voltages while currents `i_fault` (shape [m, 3]) flow into faults at a place, shape [m, n]."""
        return np.asarray(self.v - i_fault @ (place.weights @ self.z))


def bus_place(network: Network, bus: str) -> Place:
    """A busbar or a line's end."""
    weights = np.zeros((3, len(network.layout.nodes)))
    weights[np.arange(3), network.layout.bus_nodes(bus)] = 1.0
    return Place(bus, weights, np.zeros((3, 3), dtype=np.complex128))


def between(near: Place, far: Place, series_z: Complexes, fraction: float) -> Place:
    """A point within a line of series impedance `series_z` (Ω), `fraction` of the way between its ends."""
    return Place(
        f"{near.name}-{far.name}",
        (1.0 - fraction) * near.weights + fraction * far.weights,
        fraction * (1.0 - fraction) * series_z,
    )


def fault_admittance(kind: str, phases: str, r_ohm: Floats) -> Complexes:
    """Admittance matrices of faults of one type, S, shape [m, 3, 3].

    LG and LLG: each faulted phase to earth through the resistance. LL: one phase to the other through it.
        LLL: each phase to
    earth through it.

    Args:
        kind: LG, LL, LLG or LLL.
        phases: Faulted phases, e.g. `bc`.
        r_ohm: Resistances, Ω, shape [m].
    """
    g = 1.0 / np.maximum(np.asarray(r_ohm, dtype=np.float64), BOLTED_OHM)
    shape = np.zeros((3, 3))
    struck = [_PHASES[phase] for phase in phases]
    if kind == "LL":
        one, other = struck
        shape[one, one] = shape[other, other] = 1.0
        shape[one, other] = shape[other, one] = -1.0
    else:
        shape[struck, struck] = 1.0
    return (g[:, None, None] * shape).astype(np.complex128)
