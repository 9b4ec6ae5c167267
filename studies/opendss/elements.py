"""What flows through the elements of a solved circuit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulation.engine.network import Complexes, Ints
from studies.opendss.circuit import Circuit

_APART = ("vsource.", "isource.", "fault.")


@dataclass(frozen=True, slots=True)
class Flow:
    """One element in the last solution.

    Attributes:
        name: Class and name, lower case.
        buses: Bus of each terminal, without its nodes.
        nodes: Node number of each conductor on its bus, 0 is earth, shape [terminals, conductors].
        current_a: Current into each conductor, A, same shape.
        power_kva: Power into each conductor, kVA, same shape.
        losses_kva: What remains in it, kVA.
        rating_a: Normal current of the first terminal, A; NaN where none is stated.
    """

    name: str
    buses: tuple[str, ...]
    nodes: Ints
    current_a: Complexes
    power_kva: Complexes
    losses_kva: complex
    rating_a: float

    @property
    def kind(self) -> str:
        """Its class."""
        return self.name.partition(".")[0]

    @property
    def is_branch(self) -> bool:
        """Whether it joins two buses."""
        return len(set(self.buses)) > 1

    @property
    def largest_a(self) -> float:
        """Largest current of a phase of the first terminal, A."""
        phases = self.nodes[0] > 0
        return float(np.abs(self.current_a[0][phases]).max()) if phases.any() else 0.0

    @property
    def loading_pct(self) -> float:
        """Largest phase current over the normal one, %."""
        return 100.0 * self.largest_a / self.rating_a


def delivery(circuit: Circuit) -> Iterator[Flow]:
    """Lines, transformers, reactors, capacitors: what delivers power."""
    return _walk(circuit.dss.FirstPDElement, circuit.dss.NextPDElement, circuit.dss.ActiveCktElement)


def conversion(circuit: Circuit) -> Iterator[Flow]:
    """Sources, loads, generators: what turns power into something else."""
    yield from _walk(circuit.dss.FirstPCElement, circuit.dss.NextPCElement, circuit.dss.ActiveCktElement)
    # The engine counts these to neither class.
    for name in circuit.dss.AllElementNames:
        if str(name).lower().startswith(_APART):
            circuit.dss.SetActiveElement(name)
            if circuit.dss.ActiveCktElement.Enabled:
                yield _flow(circuit.dss.ActiveCktElement)


def _walk(first: Any, following: Any, element: Any) -> Iterator[Flow]:
    at = first()
    while at > 0:
        yield _flow(element)
        at = following()


def _flow(element: Any) -> Flow:
    terminals, conductors = int(element.NumTerminals), int(element.NumConductors)
    shape = (terminals, conductors)
    rating = float(element.NormalAmps)
    current = np.asarray(element.Currents, dtype=np.float64).view(np.complex128)
    power = np.asarray(element.Powers, dtype=np.float64).view(np.complex128)
    return Flow(
        name=str(element.Name).lower(),
        buses=tuple(str(bus).lower().partition(".")[0] for bus in element.BusNames),
        nodes=np.asarray(element.NodeOrder, dtype=np.int64).reshape(shape),
        current_a=current.copy().reshape(shape),
        power_kva=power.copy().reshape(shape),
        losses_kva=complex(power.sum()),
        rating_a=rating if rating > 0.0 else float("nan"),
    )


def mismatch_kva(circuit: Circuit, flows: list[Flow], v: Complexes) -> float:
    """Largest power that does not balance at a node, kVA: Kirchhoff's law on the stated currents."""
    row = {
        (bus, int(phase)): k for k, (bus, phase) in enumerate(zip(circuit.buses, circuit.phases, strict=True))
    }
    total = np.zeros(v.size, dtype=np.complex128)
    for flow in flows:
        for bus, nodes, currents in zip(flow.buses, flow.nodes, flow.current_a, strict=True):
            for node, current in zip(nodes, currents, strict=True):
                if node > 0:
                    total[row[bus, int(node)]] += current
    return float((np.abs(v * total) / 1e3).max())
