"""The linear part of a substation: what carries current between its nodes, loads apart."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulation.noise import Floats

Complexes = NDArray[np.complex128]
Ints = NDArray[np.int64]

BASE_VA = 100e6
"""Base power of the power-balance residual."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where nodes and loads are; it does not change while an engine keeps its circuit.

    Attributes:
        nodes: Node names `bus.phase` in OpenDSS's order, lower case.
        base_v: Phase-to-neutral nominal voltage of each node, V, shape [n].
        point_nodes: Nodes of each measurement point's phases, shape [p, 3].
        load_nodes: The two nodes of each load; −1 is earth, shape [l, 2].
        incidence: 1 where a load's current leaves a node, −1 where it returns, shape [l, n].
        load_base_v: Nominal voltage across each load, V, shape [l].
        v_low_pu: Voltage below which each load is the constant impedance that it is at nominal voltage, shape
            [l].
        v_min_pu: Voltage down to which it draws constant power, shape [l].
        v_max_pu: Voltage up to which it does, shape [l].
        of_bus: Nodes of the three phases of each bus.
    """

    nodes: tuple[str, ...]
    base_v: Floats
    point_nodes: Ints
    load_nodes: Ints
    incidence: Floats
    load_base_v: Floats
    v_low_pu: Floats
    v_min_pu: Floats
    v_max_pu: Floats
    of_bus: dict[str, Ints]
    _of_buses: dict[tuple[str, ...], Ints] = field(default_factory=dict, repr=False, compare=False)

    def nodes_of(self, buses: tuple[str, ...]) -> Ints:
        """Nodes of the three phases of several buses, one bus after the other."""
        if buses not in self._of_buses:
            self._of_buses[buses] = np.concatenate([self.of_bus[bus] for bus in buses])
        return self._of_buses[buses]

    def bus_nodes(self, bus: str) -> Ints:
        """Nodes of the three phases of `bus`."""
        return self.of_bus[bus]

    def across(self, v: Complexes) -> Complexes:
        """Voltages across the loads from node voltages of shape [..., n], shape [..., l]."""
        return np.asarray(v @ self.incidence.T)

    def onto_nodes(self, i_load: Complexes) -> Complexes:
        """Currents that loads draw from each node, from currents through the loads of shape [..., l]."""
        return np.asarray(i_load @ self.incidence)


@dataclass(frozen=True, slots=True)
class Network:
    """One state of switches and taps.

    Attributes:
        layout: Nodes, points and loads.
        y: Admittances of lines, transformers, shunts and the source's impedance, S, shape [n, n].
        source: Norton current of the source at an internal voltage of 1 V in phase a (positive sequence), A,
            shape [n].
        point_y: Current into each point's element by node voltage, S, shape [3·p, n].
        point_source: Norton current inside each point's element at 1 V, A, shape [3·p].
    """

    layout: Layout
    y: Complexes
    source: Complexes
    point_y: Complexes
    point_source: Complexes

    def point_voltages(self, v: Complexes) -> Complexes:
        """Phase voltages at the points from node voltages [..., n], shape [..., p, 3]."""
        return np.asarray(v[..., self.layout.point_nodes])

    def point_currents(self, v: Complexes, emf_v: Complexes) -> Complexes:
        """Currents out of the busbars at the points, shape [..., p, 3].

        Args:
            v: Node voltages, shape [..., n].
            emf_v: Internal voltage of the source, phase a, V, shape [...].
        """
        flat = v @ self.point_y.T - emf_v[..., None] * self.point_source
        return np.asarray(flat.reshape(*v.shape[:-1], -1, 3))

    def load_currents(self, v: Complexes, s_va: Complexes) -> Complexes:
        """Currents through the loads as OpenDSS's load model 1 has them.

        Constant power, I = conj(S/U), for v_min ≤ |U| ≤ v_max; above that the admittance that gives this
        current at v_max; below v_low the admittance Y = conj(S)/U_n²; between v_low and v_min the current's
        magnitude is linear in |U| from Y·v_low to conj(S)/v_min (OpenDSS source, Load:
        `InterpolateY95_YLow`).

        Args:
            v: Node voltages, shape [..., n].
            s_va: Power of each load, VA, shape [..., l].
        """
        layout = self.layout
        u = layout.across(v)
        pu = np.abs(u) / layout.load_base_v
        if np.all((pu >= layout.v_min_pu) & (pu <= layout.v_max_pu)):
            return np.asarray(np.conj(s_va / u))
        at_low, at_min = layout.v_low_pu, 1.0 / layout.v_min_pu
        size = np.select(
            [pu < layout.v_low_pu, pu < layout.v_min_pu, pu <= layout.v_max_pu],
            [
                pu,
                at_low + (at_min - at_low) * (pu - layout.v_low_pu) / (layout.v_min_pu - layout.v_low_pu),
                1.0 / np.maximum(pu, 1e-12),
            ],
            pu / layout.v_max_pu**2,
        )
        direction = u / np.maximum(np.abs(u), 1e-12)
        return np.asarray(size * np.conj(s_va) / layout.load_base_v * direction)

    def residual(self, v: Complexes, emf_v: Complexes, s_va: Complexes) -> tuple[Floats, Floats]:
        """Power that does not balance: the largest mismatch over the nodes, pu on 100 MVA.

        Kirchhoff's current law at every node, times its voltage: V·conj(Y·V − I_source + I_loads). The sign
        is that of the largest mismatch.

        Args:
            v: Node voltages, shape [t, n].
            emf_v: Internal voltage of the source, phase a, V, shape [t].
            s_va: Power of each load, VA, shape [t, l].

        Returns:
            Active and reactive residual, shape [t] each.
        """
        drawn = self.layout.onto_nodes(self.load_currents(v, s_va))
        mismatch = v * np.conj(v @ self.y.T - emf_v[:, None] * self.source + drawn) / BASE_VA
        return _largest(mismatch.real), _largest(mismatch.imag)


def _largest(values: Floats) -> Floats:
    """The value of the largest magnitude in each row."""
    low, high = values.min(axis=1), values.max(axis=1)
    return np.asarray(np.where(-low > high, low, high))
