"""One persistent OpenDSS engine with one substation's circuit in it."""

from __future__ import annotations

import math
import shutil
import tempfile
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec import structs

from simulation.engine.assembly import Assembly, conductor_nodes, read_layout
from simulation.engine.harmonic_network import HarmonicNetwork
from simulation.engine.harmonics import HARMONIC_ORDERS, Emission, HarmonicMode
from simulation.engine.losses import Lossy
from simulation.engine.network import Complexes, Ints, Layout, Network
from simulation.engine.wear import Wear
from simulation.errors import NotConvergedError, SimulationError
from simulation.noise import Floats
from substations.description import Substation

# Iterations at which the fixed point is given up; OpenDSS's default of 15 is too few for a tolerance of 1e-9.
MAX_ITERATIONS = 200
TOLERANCE = 1e-9

NEIGHBOURS = ("load.neighbour_a", "load.neighbour_b", "load.neighbour_c")
"""Reactive loads at the source's bus: what the grid's other customers do from second to second."""


@dataclass(frozen=True, slots=True)
class Source:
    """The grid behind the substation.

    Attributes:
        emf_pu: Internal voltage in pu of the circuit's base, with its angle.
        z1_ohm: Positive-sequence impedance; the zero-sequence one keeps the circuit file's ratio to it.
    """

    emf_pu: complex
    z1_ohm: complex


class Engine:
    """OpenDSS with one substation's circuit. Nothing that is set outlives `compile`.

    Each engine has its own OpenDSS context and its own scratch folder. Loads are the feeders' phases in the
    description's order (a, b, c of the first feeder, of the second …), then the traction supplies, then the
    three `NEIGHBOURS`.

    Attributes:
        substation: Its description.
        loads: Element names of the loads in order.
    """

    def __init__(self, substation: Substation) -> None:
        from altdss import SetterFlags, altdss

        self.substation = substation
        self.loads = (
            *(element for feeder in substation.feeders for element in feeder.loads),
            *(supply.element for supply in substation.traction),
            *NEIGHBOURS,
        )
        scratch = tempfile.mkdtemp(prefix="switchyard-dss-")
        weakref.finalize(self, shutil.rmtree, scratch, ignore_errors=True)
        self._dss = altdss.NewContext()
        self._dss.Settings.AllowChangeDir = False
        self._dss.Command(f'set datapath="{scratch}"')
        # Loads are set without rebuilding the system matrix: the fixed point makes up for the difference.
        self._in_place = SetterFlags.AvoidFullRecalc
        self._as_described: tuple[Layout, Assembly] | None = None
        self._places: tuple[Layout, Assembly] | None = None
        self.compile()
        places = self._placed()
        self._as_described, self._places = places, places
        self._nodes = places[0].nodes
        self._entries = np.zeros(places[1].into_y.size, dtype=np.complex128)

    def compile(self) -> None:
        """Read the circuit file anew: later results depend on what is set from here on, and on nothing else.

        Raises:
            SimulationError: OpenDSS refuses the circuit, or a load of the description is not in it.
        """
        from dss import DSSException

        dss, file = self._dss, self.substation.circuit_file
        try:
            dss.Command("clear")
            dss.Command(f'redirect "{file}"')
            source = dss.Vsource[self.substation.source.split(".", 1)[1]]
            self._add_neighbours(str(source.Bus1).split(".")[0], float(source.BasekV) / math.sqrt(3.0))
            dss.Command(
                f"set controlmode=off tolerance={TOLERANCE} maxiterations={MAX_ITERATIONS} mode=snapshot"
            )
            dss.Solution.Solve()
        except DSSException as error:
            raise SimulationError(f"{file}: OpenDSS says: {error}", "correct the circuit") from error
        self._elements: dict[str, Any] = {element.FullName().lower(): element for element in dss.Element}
        if missing := [name for name in self.loads if name not in self._elements]:
            raise SimulationError(f"{file}: it has no {missing[0]}", "name the loads as the description does")
        self._network: Network | None = None
        self._solved = False
        self._stale = {name for name in self._elements if not name.startswith("load.")}
        self._moved: dict[str, str] = {}
        self._places = self._as_described
        self._taps: dict[str, int] = {}
        self._ratios: dict[str, Floats] = {}
        self._steps: dict[str, tuple[int, str]] = {}
        self._described_kvar: dict[str, list[float]] = {}
        self._source = source
        self._z1_ohm = complex(source.R1, source.X1)
        self._z0_over_z1 = complex(source.R0, source.X0) / self._z1_ohm
        self._emf_pu = complex(source.pu * np.exp(1j * np.radians(source.Angle)))
        self._batch = dss.Load.batch()
        in_file = [f"load.{name.lower()}" for name in self._batch.Name]
        strangers = set(in_file) - set(self.loads)
        if strangers:
            raise SimulationError(
                f"{file}: {min(strangers)} belongs to no feeder and no traction supply",
                "describe or remove it",
            )
        # The batch follows the file's order, `loads` the description's.
        self._order = np.array([self.loads.index(name) for name in in_file])
        # OpenDSS numbers the nodes anew when an element is disabled or enabled, and gives a disabled one no
        # nodes: what is out of service is therefore enabled and opened at every terminal.
        self._off: frozenset[str] = frozenset()
        for name, element in self._elements.items():
            if not element.Enabled:
                element.Enabled = True
                self.switch(name, on=False)
        dss.Solution.Solve()
        self._line_r: dict[str, Floats] = {}
        self._line_z: dict[str, Floats] = {}
        self._harmonics: HarmonicMode | None = None
        self._lossy: Lossy | None = None
        self._wear: Wear | None = None
        self._changed()

    def _add_neighbours(self, bus: str, kv: float) -> None:
        for phase, name in enumerate(NEIGHBOURS, start=1):
            at_rest = "kw=0 kvar=0 vminpu=0.7 vmaxpu=1.3"
            self._dss.Command(f"new {name} bus1={bus}.{phase} phases=1 conn=wye kv={kv!r} {at_rest}")

    @property
    def layout(self) -> Layout:
        """Nodes, points and loads; the same object until something is moved or turned."""
        return self._where()[0]

    @property
    def source_bus(self) -> str:
        """Bus that the grid's equivalent source is connected to."""
        return str(self._source.Bus1).split(".")[0].lower()

    @property
    def z1_ohm(self) -> complex:
        """Positive-sequence impedance of the source, Ω."""
        return self._z1_ohm

    @property
    def emf_pu(self) -> complex:
        """Internal voltage of the source, pu."""
        return self._emf_pu

    @property
    def emf_v(self) -> complex:
        """Internal voltage of the source's phase a, V."""
        return self._emf_pu * float(self._source.BasekV) * 1e3 / math.sqrt(3.0)

    @property
    def out_of_service(self) -> frozenset[str]:
        """Elements that are switched off."""
        return self._off

    def set_source(self, source: Source) -> None:
        """Set the grid's internal voltage and impedance."""
        if source.z1_ohm != self._z1_ohm:
            z1, z0 = complex(source.z1_ohm), complex(source.z1_ohm * self._z0_over_z1)
            self._dss.Command(
                f"edit {self.substation.source} z1=[{z1.real!r}, {z1.imag!r}] z0=[{z0.real!r}, {z0.imag!r}]"
            )
            self._z1_ohm = source.z1_ohm
            self._changed(self.substation.source)
        self.set_emf(source.emf_pu)

    def set_emf(self, emf_pu: complex) -> None:
        """Set the grid's internal voltage, pu with its angle."""
        self._source.Angle = float(np.degrees(np.angle(emf_pu)))
        self._source.pu = float(abs(emf_pu))
        self._emf_pu = complex(emf_pu)

    def set_tap(self, transformer: str, position: int) -> None:
        """Set a transformer's tap changer to `position`, 1 … steps.

        Raises:
            SimulationError: It has none.
        """
        if self._taps.get(transformer) == position:
            return
        description = self.substation.transformer(transformer)
        if description.taps is None:
            raise SimulationError(f"{transformer} has no tap changer", "name a transformer that has one")
        self._taps[transformer] = position
        element = self._elements[description.element]
        if transformer not in self._ratios:
            self._ratios[transformer] = np.array(element.Taps, dtype=np.float64)
        ratios = self._ratios[transformer]
        ratios[description.taps.winding - 1] = description.taps.ratio(position)
        element.Taps = ratios
        self._changed(description.element)

    def set_steps(self, capacitor: str, steps: int, blown: str = "") -> None:
        """Switch on `steps` steps of a capacitor bank; the unit of phase `blown` carries no current."""
        if self._steps.get(capacitor) == (steps, blown):
            return
        self._steps[capacitor] = (steps, blown)
        bank = next(bank for bank in self.substation.capacitors if bank.id == capacitor)
        for phase, name in zip("abc", bank.elements, strict=True):
            on = 0 if phase == blown else steps
            states = " ".join("1" if k < on else "0" for k in range(bank.steps))
            # altdss's own setter of this property changes nothing at this version.
            self._dss.Command(f"edit {name} states=[{states}]")
        self._changed(*bank.elements)

    def set_bank_var(self, capacitor: str, var: float) -> None:
        """Let a bank supply any reactive power, by all of its steps alike, until `restore_bank`.

        Args:
            capacitor: The bank.
            var: Power of all three phases at nominal voltage, var; not negative.
        """
        bank = next(bank for bank in self.substation.capacitors if bank.id == capacitor)
        on = " ".join(["1"] * bank.steps)
        size = " ".join([repr(float(var) / 3e3 / bank.steps)] * bank.steps)
        for name in bank.elements:
            if name not in self._described_kvar:
                self._described_kvar[name] = [float(kvar) for kvar in self._elements[name].kvar]
            self._dss.Command(f"edit {name} kvar=[{size}] states=[{on}]")
        self._steps.pop(capacitor, None)
        self._changed(*bank.elements)

    def restore_bank(self, capacitor: str, steps: int) -> None:
        """Give a bank the circuit file's steps again, `steps` of them switched on."""
        bank = next(bank for bank in self.substation.capacitors if bank.id == capacitor)
        for name in bank.elements:
            if (kvar := self._described_kvar.pop(name, None)) is not None:
                self._dss.Command(f"edit {name} kvar=[{' '.join(map(repr, kvar))}]")
        self.set_steps(capacitor, steps)

    def set_series_resistance(self, line: str, phase: int, ohm: float) -> None:
        """Put `ohm` in series with one phase (0, 1, 2) of a line: a failing joint. 0 restores the line."""
        element = self._elements[line]
        if line not in self._line_r:
            self._line_r[line] = np.array(element.RMatrix, dtype=np.float64)
        r = self._line_r[line].reshape(3, 3).copy()
        r[phase, phase] += ohm / float(element.Length)
        element.RMatrix = r.ravel()
        self._changed(line)

    def strengthen(self, line: str, factor: float) -> None:
        """Divide a line's series impedance by `factor`, its charging left alone; 1 restores it."""
        element = self._elements[line]
        if line not in self._line_z:
            matrices = (element.RMatrix, element.XMatrix)
            self._line_z[line] = np.array(matrices, dtype=np.float64).reshape(2, 9)
        element.RMatrix, element.XMatrix = self._line_z[line] / factor
        self._changed(line)

    def set_open(self, line: str, phase: int, *, is_open: bool) -> None:
        """Interrupt one phase (0, 1, 2) of a line at its first terminal, or make it whole again."""
        element = self._elements[line]
        (element.Open if is_open else element.Close)(1, phase + 1)
        self._changed(line)

    def move(self, line: str, bus: str) -> None:
        """Hang a line's first terminal on another busbar; its measurement point goes with it."""
        self._moved[line] = bus
        self._elements[line].Bus1 = bus
        self._places = None
        self._changed(line)

    def turn(self, load: str, phases: tuple[int, int]) -> None:
        """Connect a single-phase load between two phases (0, 1, 2) of its bus."""
        element = self._elements[load]
        bus = str(element.Bus1).split(".")[0]
        element.Bus1 = f"{bus}.{phases[0] + 1}.{phases[1] + 1}"
        self._places = None
        self._changed()

    def primitive(self, element: str) -> tuple[Complexes, Ints]:
        """An element's admittances and nodes in its present state.

        Returns:
            Primitive matrix, S, shape [c, c], and the node of each conductor, −1 for earth, shape [c].
        """
        found = self._elements[element]
        nodes = conductor_nodes(found)
        return np.asarray(found.YPrim()).reshape(nodes.size, nodes.size, order="F"), nodes

    def switch(self, element: str, *, on: bool) -> None:
        """Take an element out of service or put it back."""
        found = self._elements[element]
        for terminal in range(1, int(found.NumTerminals()) + 1):
            (found.Close if on else found.Open)(terminal, 0)
        self._off = self._off - {element} if on else self._off | {element}
        self._changed(element)

    def solve(self, s_va: Complexes) -> Complexes:
        """Solve a series of snapshots.

        Args:
            s_va: Power of each load, VA, shape [t, l].

        Returns:
            Node voltages, V, shape [t, n].

        Raises:
            NotConvergedError: A snapshot has no solution within the iterations allowed.
            SimulationError: A line that was moved has changed the order of the nodes.
        """
        dss, batch, flags, solution = self._dss, self._batch, self._in_place, self._dss.Solution
        kw = np.ascontiguousarray(s_va.real[:, self._order] / 1e3)
        kvar = np.ascontiguousarray(s_va.imag[:, self._order] / 1e3)
        out = np.empty((s_va.shape[0], len(self._nodes)), dtype=np.complex128)
        set_kw, set_kvar = batch._set_kW, batch._set_kvar  # noqa: SLF001 - the public setters take no flags
        for k in range(s_va.shape[0]):
            set_kw(kw[k], flags)
            set_kvar(kvar[k], flags)
            solution.Solve()
            if not solution.Converged:
                raise NotConvergedError(
                    f"{self.substation.name}: no power-flow solution after {MAX_ITERATIONS} iterations"
                )
            if self._places is None and k == 0:
                self._check_order()
            out[k] = dss.YNodeVarray()
        self._solved = True
        return out

    def solve_harmonics(self, emission: Emission) -> tuple[Complexes, Complexes]:
        """Solve the harmonics of the snapshot that was solved last.

        Args:
            emission: What drives them; its loads are in the order of `loads`.

        Returns:
            Node voltages, V, shape [40, n], and currents out of the busbars at the points, A, shape
            [40, p, 3]; orders 1 … 40, of which the first is zero.

        Raises:
            SimulationError: Nothing was solved since the last change.
            NotConvergedError: An order has no finite solution.
        """
        return self._harmonic_mode().solve(emission)

    def harmonic_network(self, orders: tuple[int, ...] = HARMONIC_ORDERS) -> HarmonicNetwork:
        """The harmonics of the snapshot that was solved last, factorised for many emissions.

        It takes as long as two or three calls of `solve_harmonics`; every further emission then costs a
        product of matrices.

        Args:
            orders: Orders wanted, from 2.

        Raises:
            SimulationError: Nothing was solved since the last change.
            NotConvergedError: An order has no finite solution.
        """
        return self._harmonic_mode().network(self.layout.incidence, orders, self.emf_v)

    def _harmonic_mode(self) -> HarmonicMode:
        if not self._solved:
            raise SimulationError("harmonics were asked for before their snapshot was solved", "solve first")
        if self._harmonics is None:
            points = tuple((point.element, point.terminal) for point in self.substation.points)
            source = self.substation.source
            self._harmonics = HarmonicMode(self._dss, self._elements, source, self.loads, points)
            self._dss.Solution.Solve()
        return self._harmonics

    def network(self) -> Network:
        """The linear network in its present state of switches and taps.

        Raises:
            SimulationError: Nothing was solved since the last change: OpenDSS has not built the admittances
                yet.
        """
        if not self._solved:
            raise SimulationError("the engine's network was asked for before it was solved", "solve first")
        if self._network is None:
            layout, assembly = self._where()
            assembly.read(self._entries, self._elements, self._stale, self._off)
            self._stale = set()
            self._network = assembly.network(layout, self._elements, self._entries)
        return self._network

    def lossy(self) -> Lossy:
        """Losses of the elements, and what causes them, until the next `compile`."""
        if self._lossy is None:
            self._lossy = Lossy(self.substation, self._elements, self._changed, self._as_solved)
        return self._lossy

    def wear(self) -> Wear:
        """Wear of the elements, until the next `compile`."""
        if self._wear is None:
            self._wear = Wear(self._elements, self._changed)
        return self._wear

    def supplied_va(self) -> complex:
        """Power that the grid's equivalent source delivers in the snapshot that was solved last, VA."""
        return -1e3 * complex(np.asarray(self._source.Powers())[:3].sum())

    def solved_v(self) -> Complexes:
        """Node voltages of the snapshot that was solved last, V, shape [n]."""
        return np.asarray(self._dss.YNodeVarray())

    def series_impedance(self, line: str) -> Complexes:
        """Series impedance matrix of a line, Ω, shape [3, 3]."""
        prim = np.asarray(self._elements[line].YPrim()).reshape(6, 6, order="F")
        return np.asarray(-np.linalg.inv(prim[:3, 3:]))

    def _as_solved(self) -> tuple[Assembly, Complexes, Complexes]:
        self.network()
        return self._where()[1], self._entries, np.asarray(self._dss.YNodeVarray())

    def _where(self) -> tuple[Layout, Assembly]:
        if self._places is None:
            # OpenDSS gives what was moved its nodes only when it lists its buses anew.
            self._dss.Command("makebuslist")
            self._places = self._placed()
        return self._places

    def _placed(self) -> tuple[Layout, Assembly]:
        points = tuple(
            structs.replace(point, bus=self._moved[point.element])
            if point.element in self._moved and point.terminal == 1
            else point
            for point in self.substation.points
        )
        described = structs.replace(self.substation, points=points)
        names = self._dss.YNodeOrder()
        layout = read_layout(described, names, self._elements, self.loads)
        return layout, Assembly.of(described, layout, self._elements)

    def _check_order(self) -> None:
        if tuple(name.lower() for name in self._dss.YNodeOrder()) != self._nodes:
            raise SimulationError(
                f"{self.substation.circuit_file}: a moved feeder changes the order of the nodes",
                "define transformers and couplers before the feeders' lines",
            )

    def _changed(self, *elements: str) -> None:
        self._network, self._solved = None, False
        self._stale.update(elements)
