"""The pandapower network that a circuit becomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from studies.conversion.to_pandapower.parts import Part
from studies.conversion.to_pandapower.reading import Parts, touching
from studies.pandapower.network import OF_SOURCE

_BASE_MVA = 100.0


@dataclass(slots=True)
class Target:
    """The network while it is being built.

    Attributes:
        net: pandapower's.
        frequency_hz: Of the circuit's solution.
        base_kv: Nominal voltage of each of the circuit's buses.
        v_pu: Positive-sequence voltages of the circuit's solution.
        bus: Index of each bus.
        neutrals: How many elements are on each neutral node of the circuit.
        elements: The circuit's name of each element of the network, both as `class.name`.
        internal: Buses that the circuit has not, each with the one that it is beside.
        notes: What the reader must know.
    """

    net: Any
    frequency_hz: float
    base_kv: Mapping[str, float]
    v_pu: Mapping[str, complex]
    bus: dict[str, int]
    neutrals: Mapping[tuple[str, int], int]
    elements: dict[str, str] = field(default_factory=dict)
    internal: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, parts: Parts) -> Target:
        """A network with the circuit's buses and nothing else."""
        import pandapower as pp

        net = pp.create_empty_network(name=parts.name, f_hz=parts.frequency_hz, sn_mva=_BASE_MVA)
        bus = {name: int(pp.create_bus(net, vn_kv=parts.base_kv[name], name=name)) for name in parts.buses}
        return cls(net, parts.frequency_hz, parts.base_kv, parts.v_pu, bus, Counter(touching(parts)))

    def name(self, table: str, part: Part, *, whole: bool = True) -> str:
        """A name for an element in a table: its own, with its class where another has that already.

        Args:
            table: pandapower's.
            part: The circuit's element.
            whole: Whether the new one stands for it, and not only for something in it.
        """
        taken = set(self.net[table].name) if len(self.net[table]) else set()
        name = part.name if part.own_name in taken else part.own_name
        if whole:
            self.elements[f"{table}.{name}"] = part.name
        return name

    def note(self, text: str) -> None:
        """Tell the reader of a study something."""
        self.notes.append(text)

    def impedance(
        self,
        buses: tuple[int, int],
        kv: float,
        z1_ohm: complex,
        z0_ohm: complex,
        *,
        name: str,
        sn_mva: float | None = None,
        in_service: bool = True,
        of_source: bool = False,
    ) -> None:
        """An impedance between two buses of the same nominal voltage."""
        import pandapower as pp

        base = _BASE_MVA if sn_mva is None else sn_mva
        z1, z0 = z1_ohm * base / kv**2, z0_ohm * base / kv**2
        pp.create_impedance(
            self.net,
            *buses,
            rft_pu=z1.real,
            xft_pu=z1.imag,
            rft0_pu=z0.real,
            xft0_pu=z0.imag,
            gf0_pu=0.0,
            bf0_pu=0.0,
            sn_mva=base,
            name=name,
            in_service=in_service,
            **{OF_SOURCE: of_source},
        )

    def open_ends(self, part: Part, kind: str, index: Any, ends: Mapping[int, str]) -> None:
        """Open switches where the circuit has opened terminals of a line (`l`) or transformer (`t`).

        Args:
            part: The line or transformer.
            kind: pandapower's letter for it.
            index: Its index there.
            ends: Bus of each terminal.
        """
        import pandapower as pp

        for terminal, bus in ends.items():
            if part.opened[terminal]:
                name = f"{part.name} end {terminal + 1}"
                pp.create_switch(self.net, self.bus[bus], index, et=kind, closed=False, name=name)
