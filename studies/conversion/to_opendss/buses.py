"""Buses of a network as those of the circuit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from studies.conversion.to_opendss.script import Names
from studies.pandapower.network import bus_name, quiet


@dataclass(frozen=True, slots=True)
class End:
    """Where an end of an element is connected.

    Attributes:
        bus: The circuit's bus.
        is_internal: The network has no such bus.
    """

    bus: str
    is_internal: bool = False

    def at(self, order: str = "1.2.3") -> str:
        """The bus with its nodes. Those of internal buses are 4, 5, 6: a study looks at phases 1, 2, 3."""
        shift = 3 if self.is_internal else 0
        return ".".join([self.bus, *(str(int(phase) + shift) for phase in order.split("."))])


class Buses:
    """Buses with a supply. Those that closed switches without impedance join are one.

    Attributes:
        own: Names in the network by the name in the circuit.
        base_kv: Nominal voltage, phase to phase, by the name in the circuit.
        internal: The network's bus beside each bus of the circuit that stands for none of the network.
        dark: Number of the network's buses without supply.
    """

    def __init__(self, net: Any, names: Names) -> None:
        from pandapower.topology import unsupplied_buses

        self._names, self._base = names, net.bus.vn_kv
        self._in_service = net.bus.in_service
        self._name = partial(bus_name, net)
        self._of: dict[Any, str] = {}
        self.own: dict[str, list[str]] = {}
        self.base_kv: dict[str, float] = {}
        self.internal: dict[str, str] = {}
        with quiet():
            dark = unsupplied_buses(net)
        self.dark = len(dark - set(net.bus.index[~net.bus.in_service.astype(bool)]))
        joined = _joined(net)
        for index in net.bus.index:
            if index in dark or not self.is_in_service(index):
                continue
            leader = joined.get(index, index)
            if leader not in self._of:
                self._of[leader] = self._new(bus_name(net, leader), leader)
            self._of[index] = self._of[leader]
            self.own.setdefault(self._of[index], []).append(bus_name(net, index))

    def __contains__(self, index: Any) -> bool:
        """Whether a bus of the network has a supply."""
        return index in self._of

    def __getitem__(self, index: Any) -> str:
        """The circuit's bus for one of the network."""
        return self._of[index]

    def end(self, index: Any) -> End:
        """The end of an element at a bus of the network."""
        return End(self._of[index])

    def kv(self, index: Any) -> float:
        """Nominal voltage of a bus of the network, kV."""
        return float(self._base.at[index])

    def is_in_service(self, index: Any) -> bool:
        """Whether a bus of the network is in service."""
        return bool(self._in_service.at[index])

    def add_internal(self, wanted: str, beside: Any) -> End:
        """A bus that the network does not have, of the nominal voltage of one that it has."""
        bus = self._new(wanted, beside)
        self.internal[bus] = self._name(beside)
        return End(bus, is_internal=True)

    def _new(self, wanted: str, like: Any) -> str:
        bus = self._names.of("bus", wanted)
        self.base_kv[bus] = self.kv(like)
        return bus


def switch_ohm(switch: Any) -> float:
    """Impedance of a closed switch between buses, Ω."""
    z = float(getattr(switch, "z_ohm", 0.0) or 0.0)
    return max(0.0, z)


def _joined(net: Any) -> dict[Any, Any]:
    """The bus that stands for each bus that closed switches join with others."""
    import networkx as nx  # type: ignore[import-untyped]

    graph = nx.Graph(
        (row.bus, row.element)
        for row in net.switch.itertuples()
        if row.et == "b"
        and bool(row.closed)
        and switch_ohm(row) == 0.0
        and bool(net.bus.in_service.at[row.bus])
        and bool(net.bus.in_service.at[row.element])
    )
    return {bus: min(group) for group in nx.connected_components(graph) for bus in group}
