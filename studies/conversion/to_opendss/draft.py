"""A circuit while it is written."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from studies.conversion.converted import Converted
from studies.conversion.to_opendss.buses import Buses
from studies.conversion.to_opendss.element import Element, elements
from studies.conversion.to_opendss.script import Names, Script

_ITERATIONS = 2000
"""With generators that hold a voltage, whose reactive power the engine finds in small steps."""


class Purpose(Enum):
    """What a circuit is for; faults need more of a network's data than a power flow."""

    POWER_FLOW = "power flow"
    FAULTS_OF_PHASES = "faults between phases"
    FAULTS_TO_EARTH = "faults to earth"

    @property
    def is_faults(self) -> bool:
        """Whether sources stand behind their short-circuit impedances."""
        return self is not Purpose.POWER_FLOW

    @property
    def is_to_earth(self) -> bool:
        """Whether zero-sequence data are read."""
        return self is Purpose.FAULTS_TO_EARTH


class Draft:
    """The script of a network so far.

    Attributes:
        net: The pandapower network.
        file: Its file.
        purpose: What the circuit is for.
        buses: Its buses.
        notes: What a reader of the results must know.
        holds_voltages: Generators are written that hold a voltage.
        shares_differ: Loads are written that pandapower solves with other shares than their own.
    """

    def __init__(self, net: Any, file: Path, purpose: Purpose) -> None:
        self.net, self.file, self.purpose = net, file, purpose
        self._names = Names()
        self._script = Script(float(net.f_hz))
        self._own: dict[str, str] = {}
        self._has_source = False
        self.buses = Buses(net, self._names)
        self.notes: list[str] = []
        self.holds_voltages = self.shares_differ = False
        if self.buses.dark:
            self.notes.append(f"{self.buses.dark} buses without supply are left out")

    def elements(self, kind: str) -> Iterator[Element]:
        """Rows of a table that are in service."""
        return elements(self.net, self.file, kind)

    def at_supplied(self, kind: str) -> Iterator[Element]:
        """Those of a table with one bus that are in service, where there is a supply."""
        return (one for one in self.elements(kind) if one.row.bus in self.buses)

    def new(self, kind: str, own: str, **properties: Any) -> None:
        """Define an element of class `kind` for the network's element `own`."""
        name = f"{kind}.{self._names.of(kind, own.partition('.')[2])}"
        self._own[name] = own
        self._script.new(name, **properties)

    def new_source(self, own: str, **properties: Any) -> None:
        """Define a voltage source; the first is the circuit's own."""
        if self._has_source:
            self.new("vsource", own, **properties)
            return
        self._has_source = True
        self._own[f"vsource.{self._names.of('vsource', 'source')}"] = own
        self._script.new(f"Circuit.{self._names.of('circuit', self.file.stem)}", **properties)

    def write(self, script: Path) -> Converted:
        """Write it, with the nominal voltage of every bus."""
        if self.holds_voltages:
            self._script.say(f"Set MaxIterations={_ITERATIONS}")
        self._script.say("MakeBusList")
        for bus, kv in self.buses.base_kv.items():
            self._script.say(f"SetKVBase Bus={bus} kVLL={kv!r}")
        self._script.write(script)
        buses = {bus: tuple(owns) for bus, owns in self.buses.own.items()}
        return Converted(script, tuple(self.notes), buses, self._own, self.buses.internal)
