"""Every enabled element of a solved circuit, read through the engine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from simulation.engine.network import Complexes
from simulation.sequence import sequence_components
from studies.conversion.to_pandapower.joining import join_phases
from studies.conversion.to_pandapower.parts import PHASES, Part
from studies.errors import StudyError
from studies.opendss.circuit import Circuit

_WHOLE, _NO_VOLTAGES = 1, 0
_WATCHES = ("monitor", "energymeter", "sensor", "fmonitor", "fuse", "relay", "recloser")
_CONTROLS = (
    "regcontrol", "capcontrol", "swtcontrol", "invcontrol", "expcontrol", "storagecontroller",
    "gendispatcher",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parts:
    """A solved circuit as plain data.

    Attributes:
        file: Its file.
        name: Its name.
        frequency_hz: Of the solution.
        buses: Names, in the engine's order.
        base_kv: Nominal voltage of each bus, phase to phase.
        v_pu: Positive-sequence voltage of each bus; NaN where it has not three phases.
        unbalance_pu: Largest zero- or negative-sequence voltage of a bus.
        elements: What is enabled.
        controls: Names of what has set taps and switched steps.
        watching: Names of what only measures or protects.
        load_mult: The circuit's multiplier of loads.
    """

    file: Path
    name: str
    frequency_hz: float
    buses: tuple[str, ...]
    base_kv: Mapping[str, float]
    v_pu: Mapping[str, complex]
    unbalance_pu: float
    elements: tuple[Part, ...]
    controls: tuple[str, ...]
    watching: tuple[str, ...]
    load_mult: float


def read_parts(circuit: Circuit, file: Path) -> Parts:
    """Read a circuit that has just been solved.

    Terminals that are open are closed on the way, for the admittances behind them.

    Raises:
        StudyError: A bus has no nominal voltage, or a terminal is open in some phases only.
    """
    dss = circuit.dss
    bare = [bus for bus in circuit.bus_names() if np.isnan(circuit.base_v[circuit.rows_of(bus)][0])]
    if bare:
        raise StudyError(
            f"{file}: {len(bare)} buses have no nominal voltage ({', '.join(bare[:4])}), which every bus of "
            "pandapower needs",
            "add `Set VoltageBases=[...]` and `CalcVoltageBases` to the circuit",
        )
    base_kv, v_pu, unbalance = _voltages(circuit)
    names = [str(name) for name in dss.AllElementNames]
    solved = [part for name in names if (part := _read(dss, name, file)) is not None]
    closed = _admittances_of_the_open(dss, solved)
    elements = [part if part.name not in closed else replace(part, y=closed[part.name]) for part in solved]
    return Parts(
        file=file,
        name=circuit.name,
        frequency_hz=float(dss.Solution.Frequency),
        buses=tuple(circuit.bus_names()),
        base_kv=base_kv,
        v_pu=v_pu,
        unbalance_pu=unbalance,
        elements=tuple(join_phases([part for part in elements if part.kind not in (*_WATCHES, *_CONTROLS)])),
        controls=tuple(part.name for part in elements if part.kind in _CONTROLS),
        watching=tuple(part.name for part in elements if part.kind in _WATCHES),
        load_mult=float(dss.Solution.LoadMult),
    )


def _voltages(circuit: Circuit) -> tuple[dict[str, float], dict[str, complex], float]:
    """Nominal voltage of each bus, kV, its positive sequence, and the largest of the others, pu."""
    base_kv, v_pu, unbalance = {}, {}, 0.0
    v = circuit.voltages()
    for bus in circuit.bus_names():
        rows = circuit.rows_of(bus)
        base = float(circuit.base_v[rows][0])
        # As it was stated: the engine keeps the voltage to earth, whose √3 does not give 20 but 20 + 4e-15.
        base_kv[bus] = float(f"{base * np.sqrt(3.0) / 1e3:.12g}")
        at = {int(node): v[row] / base for node, row in zip(circuit.phases[rows], rows, strict=True)}
        phases = np.array([at.get(phase, np.nan) for phase in (1, 2, 3)], dtype=np.complex128)
        zero, positive, negative = sequence_components(phases)
        v_pu[bus] = complex(positive)
        if np.isfinite(positive):
            unbalance = max(unbalance, abs(zero), abs(negative))
    return base_kv, v_pu, float(unbalance)


def _read(dss: Any, name: str, file: Path) -> Part | None:
    from dss import DSSJSONFlags

    dss.SetActiveElement(name)
    element = dss.ActiveCktElement
    if not element.Enabled:
        return None
    shape = (int(element.NumTerminals), int(element.NumConductors))
    stated = json.loads(dss.ActiveDSSElement.ToJSON(DSSJSONFlags.Full), strict=False)
    kind = name.partition(".")[0].lower()
    if kind in (*_WATCHES, *_CONTROLS):
        nothing = np.zeros(shape, dtype=np.complex128)
        empty = np.zeros((0, 0), dtype=np.complex128)
        nodes = np.zeros(shape, dtype=np.int64)
        return Part(name.lower(), file, stated, (), nodes, (), empty, nothing, nothing, np.nan)
    rating = float(element.NormalAmps)
    part = Part(
        name=name.lower(),
        file=file,
        properties={key.lower(): value for key, value in stated.items()},
        buses=tuple(str(bus).lower().partition(".")[0] for bus in element.BusNames),
        nodes=np.asarray(element.NodeOrder, dtype=np.int64).reshape(shape),
        opened=(False,) * shape[0],
        y=_admittances(element),
        v=np.asarray(element.Voltages, dtype=np.float64).view(np.complex128).reshape(shape).copy(),
        i=np.asarray(element.Currents, dtype=np.float64).view(np.complex128).reshape(shape).copy(),
        rating_a=rating if rating > 0.0 else float("nan"),
    )
    return _with_opened(part, element)


def _with_opened(part: Part, element: Any) -> Part:
    opened = []
    phases = int(element.NumPhases)
    for terminal in range(len(part.buses)):
        by_phase = [bool(element.IsOpen(terminal + 1, phase + 1)) for phase in range(phases)]
        if any(by_phase) and not all(by_phase):
            raise part.refused(
                f"terminal {terminal + 1} is open in some phases only: pandapower's balanced power flow "
                "opens all three"
            )
        opened.append(any(by_phase))
    return replace(part, opened=tuple(opened)) if any(opened) else part


def _admittances_of_the_open(dss: Any, parts: list[Part]) -> dict[str, Complexes]:
    """Admittances of the elements with open terminals, as they are with these closed."""
    opened = [part for part in parts if any(part.opened)]
    if not opened:
        return {}
    for part in opened:
        dss.SetActiveElement(part.name)
        for terminal, is_open in enumerate(part.opened):
            if is_open:
                dss.ActiveCktElement.Close(terminal + 1, 0)
    dss.Solution.BuildYMatrix(_WHOLE, _NO_VOLTAGES)
    found = {}
    for part in opened:
        dss.SetActiveElement(part.name)
        found[part.name] = _admittances(dss.ActiveCktElement)
    return found


def _admittances(element: Any) -> Complexes:
    values = np.asarray(element.Yprim, dtype=np.float64).view(np.complex128)
    size = round(np.sqrt(values.size))
    return np.asarray(values.reshape(size, size, order="F").copy(), dtype=np.complex128)


def touching(parts: Parts) -> Iterator[tuple[str, int]]:
    """Bus and node of every conductor that is on a neutral node."""
    for part in parts.elements:
        for bus, nodes in zip(part.buses, part.nodes, strict=True):
            for node in set(nodes[nodes > PHASES].tolist()):
                yield bus, int(node)
