"""Harmonics of one settled station for any number of emissions: one factorisation an order, then products.

With the fundamental given, OpenDSS's harmonic mode is linear in what is emitted: at each order the admittance
matrix, with the loads' own admittances and the source's impedance in it, is the same for every emission. Its
inverse times the unit currents of loads and source is found once; what an emission causes is a sum of those
columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulation.engine.network import Complexes, Ints
from simulation.errors import NotConvergedError

_PHASES_RAD = 2.0 * np.pi / 3.0 * np.arange(3)
# OpenDSS turns degrees into radians by this rounded figure, which shows at high orders.
_ROUNDED = np.degrees(1.0) / 57.29577951


@dataclass(frozen=True, slots=True)
class PointElement:
    """An element whose currents are wanted.

    Attributes:
        nodes: Node of each of its conductors; −1 is earth, shape [c].
        points: Rows of the points at it.
        first: First conductor of each of these points' terminals.
        is_source: Whether it is the grid's equivalent source.
    """

    nodes: Ints
    points: tuple[int, ...]
    first: tuple[int, ...]
    is_source: bool


@dataclass(frozen=True, slots=True)
class OrderMatrices:
    """What the engine says of some orders; o of them.

    Attributes:
        orders: The orders, shape [o].
        y: Admittances of the whole circuit, loads and source among them, S, shape [o, n, n].
        source: Primitive matrices of the source's first terminal, S, shape [o, 3, 3].
        elements: Primitive matrices of the points' elements, S, shape [o, c, c] each.
    """

    orders: Ints
    y: Complexes
    source: Complexes
    elements: tuple[Complexes, ...]


@dataclass(frozen=True, slots=True)
class Fundamental:
    """The settled snapshot.

    Attributes:
        load_a: Currents through the loads, A, shape [l].
        incidence: 1 where a load's current leaves a node, −1 where it returns, shape [l, n].
        emf_v: Internal voltage of the source's phase a, V.
        source_nodes: Nodes of its phases, shape [3].
    """

    load_a: Complexes
    incidence: np.ndarray[tuple[int, int], np.dtype[np.float64]]
    emf_v: complex
    source_nodes: Ints

    def drawn_a(self, orders: Ints) -> Complexes:
        """Currents through the loads by unit of their emission, A, shape [o, l]."""
        turned = np.exp(1j * orders[:, None] * np.angle(self.load_a))
        return np.asarray(np.abs(self.load_a) * turned)

    def behind_v(self, orders: Ints) -> Complexes:
        """Internal voltages of the source's phases by unit of its emission, V, shape [o, 3]."""
        angle = np.angle(self.emf_v) - _PHASES_RAD
        return np.asarray(abs(self.emf_v) * np.exp(1j * _ROUNDED * orders[:, None] * angle))


@dataclass(frozen=True, slots=True)
class HarmonicNetwork:
    """Voltages and points' currents by unit of emission, for one settled snapshot.

    Attributes:
        orders: Orders that are known, shape [o].
        highest: Length of the results' axis of orders.
        points: Number of points.
        gain: By load (as shares of its fundamental) and, last, by the source: node voltages, V, then currents
            out of the busbars at the points, A, shape [o, l + 1, n + 3·p].
    """

    orders: Ints
    highest: int
    points: int
    gain: Complexes

    @classmethod
    def of(
        cls,
        matrices: OrderMatrices,
        fundamental: Fundamental,
        elements: tuple[PointElement, ...],
        points: int,
        highest: int,
    ) -> HarmonicNetwork:
        """Factorise every order.

        Raises:
            NotConvergedError: An order has no finite solution.
        """
        orders, nodes = matrices.orders, matrices.y.shape[-1]
        drives = fundamental.drawn_a(orders)[:, :, None] * -fundamental.incidence
        emf = fundamental.behind_v(orders)
        norton = np.zeros((orders.size, 1, nodes), dtype=np.complex128)
        norton[:, 0, fundamental.source_nodes] = np.einsum("oab,ob->oa", matrices.source, emf)
        driven = np.concatenate([drives, norton], axis=1)
        try:
            v = np.linalg.solve(matrices.y, driven.transpose(0, 2, 1)).transpose(0, 2, 1)
        except np.linalg.LinAlgError as error:
            raise NotConvergedError(f"a harmonic order has no solution: {error}") from error
        gain = np.zeros((*v.shape[:2], nodes + 3 * points), dtype=np.complex128)
        gain[:, :, :nodes] = v
        for element, y in zip(elements, matrices.elements, strict=True):
            at = np.where(element.nodes[None, None] >= 0, v[:, :, element.nodes], 0.0)
            i = at @ y.transpose(0, 2, 1)
            if element.is_source:
                i[:, -1] -= np.einsum("ocb,ob->oc", y[:, :, :3], emf)
            for point, first in zip(element.points, element.first, strict=True):
                gain[:, :, nodes + 3 * point : nodes + 3 * point + 3] = i[:, :, first : first + 3]
        if not np.isfinite(gain).all():
            raise NotConvergedError("a harmonic order has no finite solution")
        return cls(orders, highest, points, gain)

    def solve(self, loads: Sequence[Complexes], sources: Sequence[Complexes]) -> tuple[Complexes, Complexes]:
        """Solve k emissions at all known orders.

        Args:
            loads: Harmonic currents of the loads as shares of their fundamentals, shape [l, orders] each.
            sources: Harmonic voltages of the grid as shares of its fundamental, shape [orders] each.

        Returns:
            Node voltages, V, shape [k, orders, n], and currents out of the busbars at the points, A, shape
            [k, orders, p, 3]; the fundamental and what is not known are zero.
        """
        width = self.gain.shape[2]
        nodes = width - 3 * self.points
        emitted = np.concatenate([np.stack(loads), np.stack(sources)[:, None]], axis=1)
        # Loads that emit nothing in any case are most of the work.
        speak = np.flatnonzero(emitted[:, :, 1:].any(axis=(0, 2)))
        found = np.zeros((emitted.shape[0], self.highest, width), dtype=np.complex128)
        for row, order in enumerate(self.orders):
            found[:, order - 1] = emitted[:, speak, order - 1] @ self.gain[row, speak]
        i = found[:, :, nodes:].reshape(*found.shape[:2], self.points, 3)
        return found[:, :, :nodes], i
