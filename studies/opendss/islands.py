"""Generation that an outage leaves without a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from studies.opendss.circuit import Circuit
from studies.opendss.elements import Flow, conversion

_GENERATION = ("generator", "pvsystem", "storage")


class Islands:
    """The circuit's buses and what joins them.

    Generation that no voltage source supplies any more has to leave the network within two seconds (IEEE
    1547-2018, 8.1): what remains of an island is dead. The engine would look for a voltage at which the
    generators' power is that of the loads, and mostly finds none.
    """

    def __init__(self, circuit: Circuit, branches: Sequence[Flow]) -> None:
        self._circuit = circuit
        self._joins = [(flow.name, flow.buses) for flow in branches if not _is_open(circuit, flow)]
        drawing = list(conversion(circuit))
        self._sources = {flow.buses[0] for flow in drawing if flow.kind == "vsource"}
        self._generation = [(flow.name, flow.buses[0]) for flow in drawing if flow.kind in _GENERATION]

    @contextmanager
    def without_islanded_generation(self, outage: str) -> Iterator[None]:
        """Generation of islands that an outage leaves is out of service within the block."""
        off = self._islanded(outage)
        for name in off:
            self._circuit.run(f"disable {name}", "")
        try:
            yield
        finally:
            for name in off:
                self._circuit.run(f"enable {name}", "")

    def _islanded(self, outage: str) -> list[str]:
        if not self._generation:
            return []
        import networkx as nx  # type: ignore[import-untyped]

        graph = nx.Graph()
        graph.add_nodes_from(self._sources)
        for name, buses in self._joins:
            if name != outage:
                nx.add_path(graph, buses)
        supplied = {bus for part in nx.connected_components(graph) if part & self._sources for bus in part}
        return [name for name, bus in self._generation if bus not in supplied]


def _is_open(circuit: Circuit, flow: Flow) -> bool:
    circuit.dss.SetActiveElement(flow.name)
    element = circuit.dss.ActiveCktElement
    return any(bool(element.IsOpen(terminal, 0)) for terminal in range(1, len(flow.buses) + 1))
