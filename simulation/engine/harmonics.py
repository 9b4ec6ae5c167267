"""Harmonics by OpenDSS's own harmonic mode: every order of every load and of the source, one after the other.

How the engine is used (OpenDSS source: Load `DoHarmonicMode` and `CalcYPrimMatrix`, VSource
`GetVterminalForSource`, Spectrum `SetMultArray`):

- each load is a Norton equivalent: it injects, at order h, its fundamental current's magnitude times the
  spectrum's share, turned by h times that current's angle plus the spectrum's angle. In phasors, I_h = s_h ·
  |I_1| · exp(j·h·∠I_1) with the complex s_h given here;
- in parallel lies the load's own admittance at that order: half of it in series (R + jh·X), half in parallel
  (`%SeriesRL` = 50, OpenDSS's default and its compromise between motors and heating); of loads at rest and of
  the grid's other customers all of it in parallel, since a series branch without power is not defined;
- the source holds e_h · |E_1| · exp(j·h·∠E_1) behind its impedance R + jh·X; its phases are turned by
  h · 120° (`scantype=none`), so that the fifth is a negative sequence and the third a zero sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulation.engine.assembly import conductor_nodes
from simulation.engine.harmonic_network import (
    Fundamental,
    HarmonicNetwork,
    OrderMatrices,
    PointElement,
)
from simulation.engine.network import Complexes
from simulation.errors import NotConvergedError
from simulation.noise import Floats

ORDERS = 40
"""Highest order, as in IEC 61000-4-7's total harmonic distortion."""

HARMONIC_ORDERS = tuple(range(2, ORDERS + 1))
"""All orders above the fundamental."""

_PREFIX = "harmonics_of_"
_AT_REST = 0.0


@dataclass(frozen=True, slots=True)
class Emission:
    """What drives the harmonics, orders 1 … `ORDERS` along the last axis.

    Attributes:
        loads: Harmonic currents of each load as shares of its fundamental, with their angles at the crest of
            its fundamental current; order 1 is not read, shape [l, 40].
        source: Harmonic voltages of the grid as shares of its fundamental, likewise, shape [40].
    """

    loads: Complexes
    source: Complexes

    @property
    def orders(self) -> tuple[int, ...]:
        """Orders from 2 that anything is emitted at."""
        emitted = np.abs(self.source) + np.abs(self.loads).sum(axis=0)
        return tuple(int(k) + 1 for k in np.flatnonzero(emitted) if k > 0)


class HarmonicMode:
    """The spectra of one compiled circuit, and the solution of its harmonics.

    Args:
        dss: The engine's context; its circuit has just been compiled.
        elements: Its elements by full name.
        source: Full name of its source.
        loads: Full names of the loads in the order of the emission.
        points: Full name and terminal of the elements whose currents are wanted.
    """

    def __init__(
        self,
        dss: Any,
        elements: Mapping[str, Any],
        source: str,
        loads: tuple[str, ...],
        points: tuple[tuple[str, int], ...],
    ) -> None:
        self._dss = dss
        self._source = source
        self._source_element = elements[source]
        names = [*loads, source]
        flat = " ".join("0" for _ in range(ORDERS - 1))
        orders = " ".join(str(order) for order in range(1, ORDERS + 1))
        for name in names:
            own = _PREFIX + name.replace(".", "_")
            dss.Command(
                f"new spectrum.{own} numharm={ORDERS} harmonic=[{orders}] %mag=[100 {flat}] angle=[0 {flat}]"
            )
            dss.Command(f"edit {name} spectrum={own}")
        dss.Command(f"edit {source} scantype=none")
        self._spectra = [dss.Spectrum[_PREFIX + name.replace(".", "_")] for name in names]
        self._loads = [elements[name] for name in loads]
        firsts = {name: int(elements[name].NumConductors()) for name, _ in points}
        self._points = [(name, (terminal - 1) * firsts[name]) for name, terminal in points]
        self._distinct = {name: elements[name] for name, _ in points}

    def solve(self, emission: Emission) -> tuple[Complexes, Complexes]:
        """Solve all orders on the snapshot that was solved last; the engine is left in snapshot mode.

        Returns:
            Node voltages, V, shape [40, n], and currents into the points' elements, A, shape [40, p, 3];
            order 1 and orders that nothing is emitted at are zero.

        Raises:
            NotConvergedError: An order has no finite solution.
        """
        self._set(emission)
        nodes = np.asarray(self._dss.YNodeVarray()).size
        v = np.zeros((ORDERS, nodes), dtype=np.complex128)
        i = np.zeros((ORDERS, len(self._points), 3), dtype=np.complex128)
        with self._solving() as solve_order:
            for order in emission.orders:
                solve_order(order)
                v[order - 1] = self._dss.YNodeVarray()
                i[order - 1] = self._currents()
        if not np.isfinite(v).all():
            raise NotConvergedError(f"{self._source}: a harmonic order has no finite solution")
        return v, i

    def network(self, incidence: Floats, orders: tuple[int, ...], emf_v: complex) -> HarmonicNetwork:
        """The harmonics of the snapshot that was solved last, for any number of emissions.

        The engine is left in snapshot mode.

        Args:
            incidence: 1 where a load's current leaves a node, −1 where it returns, shape [l, n].
            orders: Orders wanted, from 2.
            emf_v: Internal voltage of the source's phase a, V.

        Raises:
            NotConvergedError: An order has no finite solution.
        """
        self._set_series()
        nodes = incidence.shape[1]
        fundamental = Fundamental(
            np.array([np.asarray(load.Currents())[0] for load in self._loads]),
            incidence,
            emf_v,
            conductor_nodes(self._source_element)[:3],
        )
        y = np.empty((len(orders), nodes * nodes), dtype=np.complex128)
        source = []
        read: dict[str, list[Complexes]] = {name: [] for name in self._distinct}
        with self._solving() as solve_order:
            for row, order in enumerate(orders):
                solve_order(order)
                y[row] = self._dss.SystemY(dense=True)
                source.append(_square(self._source_element.YPrim())[:3, :3])
                for name, element in self._distinct.items():
                    read[name].append(_square(element.YPrim()))
        matrices = OrderMatrices(
            np.array(orders, dtype=np.int64),
            # Column by column, as primitive matrices are.
            y.reshape(-1, nodes, nodes).transpose(0, 2, 1),
            np.array(source),
            tuple(np.array(prims) for prims in read.values()),
        )
        return HarmonicNetwork.of(matrices, fundamental, self._point_elements(), len(self._points), ORDERS)

    @contextmanager
    def _solving(self) -> Iterator[Callable[[int], None]]:
        """A function that solves one order; afterwards the snapshot is solved again."""
        dss = self._dss

        def solve(order: int) -> None:
            dss.Command(f"set harmonics=[{order}]")
            dss.Solution.Solve()

        dss.Command("set mode=harmonics")
        try:
            yield solve
        finally:
            # The matrices are those of the fundamental again, also for whoever reads them next.
            dss.Command("set mode=snapshot")
            dss.Solution.Solve()

    def _point_elements(self) -> tuple[PointElement, ...]:
        return tuple(
            PointElement(
                conductor_nodes(element),
                tuple(k for k, (own, _) in enumerate(self._points) if own == name),
                tuple(first for own, first in self._points if own == name),
                name == self._source,
            )
            for name, element in self._distinct.items()
        )

    def _set(self, emission: Emission) -> None:
        rows = np.concatenate([emission.loads, emission.source[None]])
        magnitude, angle = 100.0 * np.abs(rows), np.degrees(np.angle(rows))
        magnitude[:, 0], angle[:, 0] = 100.0, 0.0
        for spectrum, size, turn in zip(self._spectra, magnitude, angle, strict=True):
            spectrum.pctMag, spectrum.Angle = size, turn
        self._set_series()

    def _set_series(self) -> None:
        for load in self._loads:
            series = _AT_REST if load.kW == 0.0 else 50.0
            if load.pctSeriesRL != series:
                load.pctSeriesRL = series

    def _currents(self) -> Complexes:
        known = {name: np.asarray(element.Currents()) for name, element in self._distinct.items()}
        return np.array([known[name][first : first + 3] for name, first in self._points])


def _square(entries: Any) -> Complexes:
    """A primitive matrix from its entries, which come column by column."""
    flat = np.array(entries, dtype=np.complex128)
    width = round(np.sqrt(flat.size))
    return np.asarray(flat.reshape(width, width, order="F"))
