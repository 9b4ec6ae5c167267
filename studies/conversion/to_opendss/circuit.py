"""Writes a network as a circuit."""

from __future__ import annotations

import cmath
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from studies.conversion.converted import Converted
from studies.conversion.to_opendss.branches import (
    write_impedances,
    write_lines,
    write_switches,
    write_transformers,
)
from studies.conversion.to_opendss.draft import Draft, Purpose
from studies.conversion.to_opendss.element import ELSEWHERE, elements
from studies.conversion.to_opendss.injections import write_loads, write_shunts
from studies.conversion.to_opendss.sources import write_generators, write_sources
from studies.errors import StudyError
from studies.opendss.circuit import open_circuit
from studies.pandapower.network import bus_name, quiet, read_network, solve

AGREEMENT_PU = 1e-4
"""Largest difference of a voltage between the two engines, pu of its bus."""

_TOLERANCE = 1e-9
_KNOWN = frozenset(
    {
        "bus", "ext_grid", "gen", "load", "sgen", "storage", "shunt", "ward", "line", "trafo", "impedance",
        "switch", "measurement",
    }
)  # fmt: skip
_ALSO_ELECTRICAL = frozenset({"bus_dc", "line_dc", "vsc", "b2b_vsc", "dcline", "load_dc", "source_dc"})


def write_circuit(network: Path, file: Path, purpose: Purpose = Purpose.POWER_FLOW) -> Converted:
    """Write a network as an OpenDSS circuit, every element exactly.

    Sources, lines (π with their capacitance), transformers of two windings (T with its magnetising branch, at
    the present tap), impedances, loads (shares of constant power, current and impedance), static generators,
    generators that hold a voltage, storage, shunts and wards have counterparts. Buses that a closed switch
    joins are one; a branch behind an open switch ends at a bus of its own. Both engines solve the network
    before it is handed on, and their voltages must agree.

    Args:
        network: The network's JSON file.
        file: Where the script is written.
        purpose: What the circuit is for. Faults need the short-circuit data of the sources, faults to earth
            zero-sequence data and vector groups too.

    Raises:
        StudyError: It cannot be read or solved, holds what OpenDSS does not know (names the element and the
            value), or OpenDSS's voltages are not pandapower's.
    """
    net = read_network(network)
    _refuse_unknown(net, network)
    draft = Draft(net, network, purpose)
    for write in (
        write_sources,
        write_lines,
        write_transformers,
        write_impedances,
        write_switches,
        write_loads,
        write_generators,
        write_shunts,
    ):
        write(draft)
    converted = draft.write(file)
    apart, where = _difference_pu(draft, converted)
    if draft.shares_differ:
        note = f"with that its voltages differ from pandapower's by up to {apart:.1g} pu"
    elif apart <= AGREEMENT_PU:
        note = f"voltages agree with pandapower's to {apart:.1g} pu"
    else:
        raise StudyError(
            f"{network}: at bus {where} OpenDSS's voltage of the converted network differs by {apart:.2g} pu "
            "from pandapower's, so it is not the same network",
            ELSEWHERE,
        )
    return replace(converted, notes=(*converted.notes, note))


def _difference_pu(draft: Draft, converted: Converted) -> tuple[float, str]:
    """Largest difference of a voltage between the two engines, pu, and its bus."""
    solve(draft.net, draft.file)
    theirs = {
        bus_name(draft.net, row.Index): cmath.rect(row.vm_pu, math.radians(row.va_degree))
        for row in draft.net.res_bus.itertuples()
    }
    with open_circuit(converted.file) as circuit:
        try:
            circuit.solve_snapshot(_TOLERANCE, controls=False)
        except StudyError as error:
            if not draft.holds_voltages:
                raise
            raise StudyError(
                f"{draft.file}: OpenDSS does not find the reactive power with which its {len(draft.net.gen)} "
                "generators hold their voltages",
                ELSEWHERE,
            ) from error
        v = circuit.voltages() / circuit.base_v
        ours = dict(zip(circuit.buses[circuit.phases == 1].tolist(), v[circuit.phases == 1], strict=True))
    apart = [
        (float(abs(ours[bus] - theirs[own])), own) for bus, owns in converted.buses.items() for own in owns
    ]
    # A bus that one of the engines leaves without a voltage is the worst difference of all.
    return max(apart, key=lambda pair: math.inf if math.isnan(pair[0]) else pair[0])


def _refuse_unknown(net: Any, file: Path) -> None:
    from pandapower.toolbox import pp_elements

    with quiet():
        kinds = pp_elements() | _ALSO_ELECTRICAL
    for kind in sorted(kinds - _KNOWN):
        for one in elements(net, file, kind):
            raise one.refuse(f"OpenDSS has nothing that solves as pandapower's {kind}")
