"""An OpenDSS circuit as a pandapower network.

pandapower's own `from_opendss` makes three-phase elements of single-phase ones and leaves out source
impedances, core losses, vector groups and what it does not know. Here every element is expressed exactly or
refused by name, and the network that comes of it is solved and compared with the circuit before it is
handed on.

Steps: OpenDSS solves the circuit with its controls; every enabled element is read through the engine
(`reading`), as positive and zero sequence of the admittances that the engine has solved with;
taps and switched steps stay as the controls have left them.
"""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np

from studies.conversion.converted import Converted
from studies.conversion.to_pandapower.injections import add_generation, add_shunt, add_source
from studies.conversion.to_pandapower.lines import add_line, add_series
from studies.conversion.to_pandapower.loads import add_loads
from studies.conversion.to_pandapower.parts import DEAD_PU, REMEDY, Part
from studies.conversion.to_pandapower.reading import Parts, read_parts
from studies.conversion.to_pandapower.target import Target
from studies.conversion.to_pandapower.transformers import add_transformer
from studies.errors import StudyError
from studies.opendss.circuit import open_circuit
from studies.pandapower.network import quiet, solve

AGREEMENT_PU = 1e-4
"""Largest difference of a voltage between the two engines, pu of its bus."""

_TOLERANCE = 1e-9
_UNBALANCE = 1e-6
_GENERATION = ("generator", "pvsystem", "storage")
_COMPENSATION = ("capacitor", "reactor")


def write_network(circuit: Path, file: Path, *, controls: bool = True) -> Converted:
    """Convert a circuit into pandapower's JSON.

    Args:
        circuit: The circuit's main file.
        file: Where the network is written.
        controls: Let the circuit's regulators and switched capacitors act before it is read.

    Raises:
        StudyError: The circuit cannot be read or solved, or has something that pandapower's balanced power
            flow cannot express; or the network's voltages are not the circuit's.
    """
    import pandapower as pp

    with open_circuit(circuit) as opened:
        opened.solve_snapshot(_TOLERANCE, controls=controls)
        parts = read_parts(opened, circuit)
    with quiet():
        target = _network(parts)
        if parts.unbalance_pu > _UNBALANCE:
            raise StudyError(
                f"{circuit}: its voltages have zero and negative sequences of {parts.unbalance_pu:.2g} pu, "
                "and pandapower's balanced power flow has the positive one only",
                REMEDY,
            )
        apart = difference_pu(target, circuit)
        pp.to_json(target.net, str(file))
    notes = (*target.notes, *_notes(parts, controls=controls), _agree(apart))
    buses = {bus: (bus,) for bus in parts.buses}
    return Converted(file, notes, buses, target.elements, target.internal)


def _network(parts: Parts) -> Target:
    target = Target.of(parts)
    of = {kind: [part for part in parts.elements if part.kind == kind] for kind in _kinds(parts)}
    for part in of.pop("vsource", []):
        add_source(target, part)
    for part in of.pop("line", []):
        add_line(target, part)
    for part in of.pop("transformer", []):
        add_transformer(target, part)
    for kind in _COMPENSATION:
        for part in of.pop(kind, []):
            (add_series if _joins(part) else add_shunt)(target, part)
    loads = of.pop("load", [])
    generation = [part for kind in _GENERATION for part in of.pop(kind, [])]
    add_loads(target, loads, generation, parts.load_mult)
    add_generation(target, generation)
    for unknown in of.values():
        raise unknown[0].refused("pandapower's balanced power flow has nothing that behaves like this class")
    return target


def _kinds(parts: Parts) -> list[str]:
    return list(dict.fromkeys(part.kind for part in parts.elements))


def _joins(part: Part) -> bool:
    """Whether it is between two buses."""
    return len({bus for bus, nodes in zip(part.buses, part.nodes, strict=True) if (nodes > 0).any()}) > 1


def difference_pu(target: Target, circuit: Path) -> float:
    """Largest difference of the voltages of a converted network from those of its circuit.

    Raises:
        StudyError: It exceeds `AGREEMENT_PU`, or the network cannot be solved.
    """
    net = copy.deepcopy(target.net)
    solve(net, circuit)
    worst, where = 0.0, ""
    for bus, index in target.bus.items():
        vm, va = (float(net.res_bus.at[index, column]) for column in ("vm_pu", "va_degree"))
        v = vm * np.exp(1j * np.radians(va))
        meant = target.v_pu[bus]
        if np.isnan(v) and abs(meant) < DEAD_PU:
            continue
        apart = float(abs(v - meant)) if np.isfinite(v) else np.inf
        if apart > worst:
            worst, where = apart, bus
    if worst > AGREEMENT_PU:
        raise StudyError(
            f"{circuit}: at bus {where} pandapower's voltage of the converted network differs by "
            f"{worst:.2g} pu from OpenDSS's, so it is not the same network",
            REMEDY,
        )
    return worst


def _agree(apart_pu: float) -> str:
    return f"pandapower's voltages of the converted circuit are those of OpenDSS to {apart_pu:.0e} pu"


def _notes(parts: Parts, *, controls: bool) -> list[str]:
    notes = []
    if parts.controls:
        names = ", ".join(parts.controls)
        notes.append(
            f"taps and steps stay where these controls have left them: {names}"
            if controls
            else f"taps and steps are the circuit's own, these controls do not act: {names}"
        )
    if parts.watching:
        notes.append(f"left out, for a power flow does not see them: {', '.join(parts.watching)}")
    return notes
