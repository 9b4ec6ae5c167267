"""One circuit in an OpenDSS engine of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from simulation.engine.network import Complexes, Ints
from simulation.noise import Floats
from studies.errors import StudyError
from studies.opendss.files import Links

TOLERANCE = 1e-6
"""Largest change of a voltage between two iterations, pu. The engine's own 1e-4 makes a result depend on the
one before it."""

MAX_ITERATIONS = 200
_REFERENCE = 1e-3


class Circuit:
    """A compiled circuit. `open_circuit` makes one.

    Attributes:
        engine: Name and version of the engine.
        name: The circuit's name.
        buses: Bus of each node, shape [n].
        phases: Number of each node on its bus: 1, 2, 3 are phases, 4 and more usually neutrals, shape [n].
        base_v: Nominal voltage to earth of each node, V; NaN where the circuit states none, shape [n].
    """

    def __init__(self, dss: Any, file: Path, links: Links) -> None:
        self._dss, self._file, self._links = dss, file, links
        self.run(f'compile "{links.main}"', "correct the circuit's file")
        if dss.NumCircuits == 0:
            raise StudyError(f"{file}: it defines no circuit", "it needs a line: New Circuit.NAME ...")
        self._ckt = dss.ActiveCircuit
        self._solution = self._ckt.Solution
        version = str(dss.Version).split()
        self.engine = f"OpenDSS (DSS C-API {version[version.index('version') + 1]})"
        self.name = str(self._ckt.Name)

    @property
    def dss(self) -> Any:
        """The engine's active circuit."""
        return self._ckt

    def run(self, command: str, remedy: str) -> None:
        """Run one command of the engine.

        Raises:
            StudyError: The engine refuses; with its message, file and line.
        """
        from dss import DSSException

        try:
            self._dss.Text.Command = command
        except DSSException as error:
            raise self._failed(error, remedy) from error

    def solve(self, remedy: str = "correct the circuit's file") -> bool:
        """Solve in the present mode; whether it converged.

        Raises:
            StudyError: The engine cannot solve it at all.
        """
        from dss import DSSException

        try:
            self._solution.Solve()
        except DSSException as error:
            # Too many control iterations are reported as an exception and as not converged.
            if int(error.args[0]) != _CONTROL_ITERATIONS:
                raise self._failed(error, remedy) from error
            return False
        return bool(self._solution.Converged)

    def solve_snapshot(self, tolerance: float, *, controls: bool) -> None:
        """Solve the power flow.

        Args:
            tolerance: Largest change of a voltage in the last iteration, pu.
            controls: Let regulators and switched capacitors act as the circuit says.

        Raises:
            StudyError: It does not converge.
        """
        settings = f"set mode=snapshot number=1 tolerance={tolerance!r}"
        iterations = max(MAX_ITERATIONS, int(self._solution.MaxIterations))
        self.run(f"{settings} maxiterations={iterations}", "")
        if not controls:
            self.run("set controlmode=off", "")
        if not self.solve() or not np.isfinite(self.voltages()).all():
            raise StudyError(
                f"{self._file}: the power flow does not converge: {self._solution.Iterations} iterations "
                f"({self.algorithm}), {self._solution.ControlIterations} of the controls",
                "look for loads beyond what the lines carry, wrong units, or controls that hunt "
                "(--no-controls); --tolerance allows more",
            )
        self._index()

    @property
    def algorithm(self) -> str:
        """How the engine solves the circuit."""
        return "Newton" if int(self._solution.Algorithm) == 1 else "fixed point"

    def convergence(self) -> dict[str, Any]:
        """Facts on the last solution."""
        return {
            "converged": True,
            "algorithm": self.algorithm,
            "iterations": int(self._solution.MostIterationsDone),
            "control_iterations": int(self._solution.ControlIterations),
            "tolerance_pu": float(self._solution.Tolerance),
        }

    def voltages(self) -> Complexes:
        """Node voltages of the last solution, V, shape [n]."""
        return np.asarray(self._ckt.YNodeVarray, dtype=np.float64).view(np.complex128).copy()

    def admittances(self) -> tuple[Complexes, Ints, Ints]:
        """The admittance matrix used last, S: values, rows and column starts, compressed by columns."""
        values, rows, starts = self._dss.YMatrix.GetCompressedYMatrix(factor=False)
        return values, rows, starts

    def rows_of(self, bus: str) -> Ints:
        """Nodes of a bus.

        Raises:
            StudyError: The circuit has no such bus.
        """
        rows = np.flatnonzero(self.buses == bus.lower())
        if rows.size == 0:
            raise StudyError(
                f"{self._file}: it has no bus {bus}", f"one of: {', '.join(self._some_buses())}, …"
            )
        return rows

    def bus_names(self) -> list[str]:
        """Buses in the engine's order."""
        return list(dict.fromkeys(self.buses.tolist()))

    def _some_buses(self) -> list[str]:
        return self.bus_names()[:8]

    def _index(self) -> None:
        nodes = [str(name).lower().rpartition(".") for name in self._ckt.YNodeOrder]
        self.buses = np.array([bus for bus, _, _ in nodes])
        self.phases: Ints = np.array([int(phase) for _, _, phase in nodes], dtype=np.int64)
        bases = {}
        for bus in dict.fromkeys(self.buses.tolist()):
            self._ckt.SetActiveBus(bus)
            bases[bus] = float(self._ckt.ActiveBus.kVBase) * 1e3
        base = np.array([bases[bus] for bus in self.buses])
        self.base_v: Floats = np.where(base > _REFERENCE, base, np.nan)

    def _failed(self, error: Exception, remedy: str) -> StudyError:
        text = self._links.real_names(str(error.args[-1])).strip()
        return StudyError(f"{self._file}: OpenDSS says: {text}", remedy)


_CONTROL_ITERATIONS = 485
"""Number of the engine's error that its controls have not settled."""


@contextmanager
def open_circuit(file: Path) -> Iterator[Circuit]:
    """Compile a circuit; the engine and its scratch folder end with the block.

    Raises:
        StudyError: There is no such file, or OpenDSS refuses it.
    """
    from dss import dss

    if not file.is_file():
        raise StudyError(f"{file} does not exist", "name the circuit's main file")
    with tempfile.TemporaryDirectory(prefix="switchyard-study-") as scratch:
        engine = dss.NewContext()
        # Nothing of a script may start a program, open a window or leave the scratch folder.
        engine.AllowChangeDir = engine.AllowDOScmd = engine.AllowEditor = engine.AllowForms = False
        try:
            yield Circuit(engine, file, Links(file, Path(scratch)))
        finally:
            engine.ClearAll()
