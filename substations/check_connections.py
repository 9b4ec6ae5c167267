"""The circuit connects its elements where the description says."""

from __future__ import annotations

from substations.description import PhaseElements, Point, Substation
from substations.errors import SubstationError
from substations.inventory import Inventory
from substations.places import in_circuit, in_yaml

_PHASE_NODES = {"ab": {1, 2}, "bc": {2, 3}, "ca": {1, 3}}


class ConnectionChecks:
    """Comparisons of a description's buses, terminals and phases with those of its circuit.

    Every method raises `SubstationError` with the entry, both places and the remedy.
    """

    def __init__(self, substation: Substation, inventory: Inventory) -> None:
        self._substation = substation
        self._inventory = inventory

    def all(self) -> None:
        """Compare every described element with the circuit's."""
        self.lines()
        self.transformers()
        self.couplers()
        self.single_phase_elements()
        self.shunts()
        self.assets()
        for point in self._substation.points:
            self.point(point)
        self.in_service()

    def lines(self) -> None:
        """Infeeds reach their busbar; feeders start at theirs and end at their loads' bus."""
        for infeed in self._substation.infeeds:
            self._on_bus(f"infeeds[{infeed.id}].bus", infeed.line, infeed.bus)
        for feeder in self._substation.feeders:
            if feeder.line is not None:
                # The first terminal is the busbar's: a transfer to the other section moves bus1.
                ends = (feeder.bus, feeder.end_bus)
                self._same_buses(f"feeders[{feeder.id}].line", feeder.line, ends)

    def transformers(self) -> None:
        """Windings are on their buses, in order."""
        for transformer in self._substation.transformers:
            buses = tuple(winding.bus for winding in transformer.windings)
            self._same_buses(f"transformers[{transformer.id}].windings", transformer.element, buses)

    def couplers(self) -> None:
        """Couplers connect their sections and are open or closed as described."""
        for coupler in self._substation.couplers:
            self._same_buses(f"couplers[{coupler.id}].buses", coupler.element, coupler.buses)
            if coupler.closed != (coupler.element in self._inventory.enabled):
                raise in_circuit(
                    self._substation,
                    coupler.element,
                    f"coupler {coupler.id} has closed={coupler.closed} in {self._substation.yaml_file.name}, "
                    "but not here",
                    "an open coupler has enabled=no, a closed one has not",
                )

    def single_phase_elements(self) -> None:
        """Loads and capacitor units hang on one phase each; traction supplies on two."""
        for feeder in self._substation.feeders:
            self._phases(f"feeders[{feeder.id}].loads", feeder.loads, feeder.end_bus)
        for bank in self._substation.capacitors:
            self._phases(f"capacitors[{bank.id}].elements", bank.elements, bank.bus)
        for supply in self._substation.traction:
            key = f"traction[{supply.id}]"
            self._on_bus(f"{key}.bus", supply.element, supply.bus)
            nodes = self._inventory.nodes(supply.element)
            if set(nodes) != _PHASE_NODES[supply.phases]:
                raise self._differs(f"{key}.phases", supply.element, supply.phases, nodes)

    def shunts(self) -> None:
        """Reactors and earthing transformers are on their buses."""
        for reactor in self._substation.reactors:
            self._on_bus(f"reactors[{reactor.id}].bus", reactor.element, reactor.bus)
        for earthing in self._substation.earthing:
            self._on_bus(f"earthing[{earthing.id}].bus", earthing.element, earthing.bus)

    def assets(self) -> None:
        """An asset that the circuit models is on one of its element's buses."""
        for asset in self._substation.assets:
            if asset.element is not None:
                self._on_bus(f"assets[{asset.id}].bus", asset.element, asset.bus)

    def point(self, point: Point) -> None:
        """A measurement point's element has that terminal, on that bus."""
        buses = self._inventory.terminals[point.element]
        if point.terminal > len(buses):
            raise in_yaml(
                self._substation,
                f"points[{point.id}].terminal",
                f"{point.terminal}, but {point.element} has {len(buses)} terminals ({', '.join(buses)})",
                "count the terminals from 1",
            )
        found = buses[point.terminal - 1]
        if found != point.bus:
            here = point.bus in buses
            raise in_yaml(
                self._substation,
                f"points[{point.id}].bus",
                f"{point.bus!r}, but terminal {point.terminal} of {point.element} is at {found!r}",
                f"use terminal {buses.index(point.bus) + 1}" if here else f"use one of: {', '.join(buses)}",
            )

    def in_service(self) -> None:
        """Nothing but an open bus coupler is disabled."""
        couplers = {coupler.element for coupler in self._substation.couplers}
        for element in self._inventory.elements:
            if element not in self._inventory.enabled and element not in couplers:
                raise in_circuit(
                    self._substation,
                    element,
                    "the element is disabled",
                    "only a bus coupler may be out of service in the base case",
                )

    def _differs(self, key: str, element: str, described: object, found: object) -> SubstationError:
        return in_yaml(
            self._substation,
            key,
            f"{described!r}, but {element} in {self._substation.circuit_file.name} has {found!r}",
            "correct the one that is wrong",
        )

    def _on_bus(self, key: str, element: str, bus: str) -> None:
        if bus not in self._inventory.terminals[element]:
            raise self._differs(key, element, bus, self._inventory.terminals[element])

    def _same_buses(self, key: str, element: str, buses: tuple[str, ...]) -> None:
        found = self._inventory.terminals[element]
        if buses != found:
            raise self._differs(key, element, buses, found)

    def _phases(self, key: str, elements: PhaseElements, bus: str) -> None:
        for node, (phase, element) in enumerate(zip("abc", elements, strict=True), start=1):
            place = ".".join(
                [self._inventory.terminals[element][0], *map(str, self._inventory.nodes(element))]
            )
            if place != f"{bus}.{node}":
                raise self._differs(f"{key}.{phase}", element, f"{bus}.{node}", place)
