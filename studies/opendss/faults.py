"""Short circuits at the buses of a circuit, and what they do to the voltages everywhere.

The engine's admittance matrix in its fault study mode (loads as admittances, machines behind their
subtransient reactances) is factorised once; the voltages before the fault are those of the solved power flow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simulation.engine.network import Complexes, Ints
from simulation.noise import Floats
from simulation.sequence import sequence_impedances
from studies.errors import StudyError
from studies.faults import DIP_ROWS, NOT_LISTED, TYPES, Dips, Fault, faults_between, phase_currents
from studies.opendss.circuit import TOLERANCE, Circuit, open_circuit
from studies.opendss.powerflow import notes
from studies.result import Study, Table

_AT_ONCE = 96
_COLUMNS = (
    "bus", "type", "phases", "base_kv", "prefault_v_pu", "i_ka", "i_1_ka", "i_2_ka", "i_3_ka", "i_earth_ka",
    "buses_below_0_9_pu",
)  # fmt: skip


def study(
    file: Path,
    *,
    kinds: Sequence[str] = TYPES,
    buses: Sequence[str] = (),
    z_fault: complex = 0.0,
    tolerance: float = TOLERANCE,
    controls: bool = True,
) -> Study:
    """Currents of the faults at all buses, or at `buses`, and the dips that they cause.

    Args:
        file: The circuit's main file.
        kinds: Types of fault, of `TYPES`.
        buses: Buses to strike; all if empty.
        z_fault: Impedance of the fault, Ω: of each faulted phase to earth, or between the two of LL.
        tolerance: Of the power flow before the fault, pu.
        controls: Let the circuit's regulators act before the fault.

    Raises:
        StudyError: The circuit cannot be read or solved, or has no such bus.
    """
    with open_circuit(file) as circuit:
        circuit.solve_snapshot(tolerance, controls=controls)
        facts = circuit.convergence()
        v = circuit.voltages()
        chosen = [bus.lower() for bus in buses] or circuit.bus_names()
        places = [_phase_rows(circuit, bus) for bus in chosen]
        solver = _factorised(circuit, file)
        rows: list[dict[str, Any]] = []
        impedances: list[dict[str, Any]] = []
        everywhere = _ByBus(circuit)
        dips = Dips(circuit.bus_names(), wanted=_listed(circuit, places, kinds, named=bool(buses)))
        for bus, at, columns in zip(chosen, places, _impedances(solver, places, v.size), strict=True):
            z_place = columns[at]
            if at.size == 3:
                impedances.append({"bus": bus, **_sequence(z_place)})
            struck = list(faults_between(circuit.phases[at].tolist(), kinds))
            if not struck:
                continue
            currents = np.array([phase_currents(z_place, v[at], fault, z_fault) for fault in struck])
            dipped = dips.add(bus, struck, everywhere.pu(np.abs(v[:, None] - columns @ currents.T)))
            rows += [
                _row(circuit, at, fault, current, v) | {_COLUMNS[-1]: int(count)}
                for fault, current, count in zip(struck, currents, dipped, strict=True)
            ]
        tables = [
            Table.of("faults", "currents of the faults", rows, _COLUMNS),
            Table.of("impedances", "impedances of the three-phase buses", impedances,
                     ("bus", "r1_ohm", "x1_ohm", "r0_ohm", "x0_ohm")),
        ]  # fmt: skip
        said = notes(circuit)
        if dips.wanted:
            tables.append(dips.table("voltages during the faults"))
        else:
            said += (NOT_LISTED,)
        facts |= {
            "faults": len(rows),
            "fault_r_ohm": complex(z_fault).real,
            "fault_x_ohm": complex(z_fault).imag,
        }
        return Study("faults", circuit.engine, facts, tuple(tables), said)


class _ByBus:
    """Voltages of nodes put into a row for each bus."""

    def __init__(self, circuit: Circuit) -> None:
        self._base = circuit.base_v
        names = circuit.bus_names()
        of_bus = {bus: k for k, bus in enumerate(names)}
        self._count = len(names)
        self._rows: Ints = np.flatnonzero((circuit.phases <= 3) & np.isfinite(self._base))
        self._bus = np.array([of_bus[bus] for bus in circuit.buses[self._rows]], dtype=np.int64)
        self._phase = circuit.phases[self._rows] - 1

    def pu(self, v: Floats) -> Floats:
        """From V of the nodes, [n, faults], to pu of their nominal voltage, [faults, buses, 3]."""
        found = np.full((v.shape[1], self._count, 3), np.nan)
        found[:, self._bus, self._phase] = (v[self._rows] / self._base[self._rows, None]).T
        return found


def _listed(circuit: Circuit, places: Sequence[Ints], kinds: Sequence[str], *, named: bool) -> bool:
    count = sum(len(list(faults_between(circuit.phases[at].tolist(), kinds))) for at in places)
    return named or count * len(circuit.bus_names()) <= DIP_ROWS


def _phase_rows(circuit: Circuit, bus: str) -> Ints:
    rows = circuit.rows_of(bus)
    rows = rows[circuit.phases[rows] <= 3]
    return rows[np.argsort(circuit.phases[rows])]


def _factorised(circuit: Circuit, file: Path) -> Any:
    """Factors of the admittance matrix with loads and machines as a fault sees them."""
    from scipy.sparse import csc_matrix  # type: ignore[import-untyped]
    from scipy.sparse.linalg import splu  # type: ignore[import-untyped]

    circuit.run("set mode=faultstudy controlmode=off", "")
    circuit.solve()
    y = csc_matrix(circuit.admittances())
    try:
        return splu(y)
    except RuntimeError as error:
        raise StudyError(
            f"{file}: its admittance matrix is singular", "connect or remove buses that nothing supplies"
        ) from error


def _impedances(solver: Any, places: Sequence[Ints], size: int) -> Iterator[Complexes]:
    """Columns of the impedance matrix at each place, Ω, shape [n, phases of the place]."""
    start = 0
    while start < len(places):
        stop, width = start, 0
        while stop < len(places) and (stop == start or width + places[stop].size <= _AT_ONCE):
            width += places[stop].size
            stop += 1
        unit = np.zeros((size, width), dtype=np.complex128)
        unit[np.concatenate(places[start:stop]), np.arange(width)] = 1.0
        columns = solver.solve(unit) if width else unit
        at = 0
        for place in places[start:stop]:
            yield columns[:, at : at + place.size]
            at += place.size
        start = stop


def _row(circuit: Circuit, at: Ints, fault: Fault, current: Complexes, v: Complexes) -> dict[str, Any]:
    ka = dict(zip(circuit.phases[at].tolist(), np.abs(current) / 1e3, strict=True))
    struck = at[np.isin(circuit.phases[at], fault.phases)]
    return {
        "bus": str(circuit.buses[at[0]]),
        "type": fault.kind,
        "phases": fault.name,
        "base_kv": float(circuit.base_v[at[0]]) * np.sqrt(3.0) / 1e3,
        "prefault_v_pu": float((np.abs(v[struck]) / circuit.base_v[struck]).min()),
        "i_ka": float(np.abs(current).max()) / 1e3,
        **{f"i_{phase}_ka": float(ka.get(phase, np.nan)) for phase in (1, 2, 3)},
        "i_earth_ka": float(abs(current.sum())) / 1e3,
    }


def _sequence(z_place: Complexes) -> dict[str, float]:
    z0, z1, _ = sequence_impedances(z_place)
    return {"r1_ohm": z1.real, "x1_ohm": z1.imag, "r0_ohm": z0.real, "x0_ohm": z0.imag}
