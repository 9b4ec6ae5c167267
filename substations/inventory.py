"""Reading a compiled circuit's elements back from the engine."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from substations.facts import (
    CapacitorFacts,
    Elements,
    LineFacts,
    LoadFacts,
    ReactorFacts,
    SourceFacts,
    TransformerFacts,
    WindingFacts,
)

# Length of one kilometre in each of the engine's units of length.
KILOMETRE = {"km": 1.0, "m": 1000.0, "mi": 0.621371192, "kft": 3.280839895, "ft": 3280.839895}
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")


class Inventory:
    """The elements of one compiled circuit by class, in the circuit's order.

    Attributes:
        elements: Full names of all elements, lower case.
        terminals: Buses of each element's terminals, in order.
        enabled: Elements that are in service.
        buses: Buses of the circuit.
    """

    def __init__(self, context: Any) -> None:
        self._text = context.Text
        circuit = self._circuit = context.ActiveCircuit
        self.elements: tuple[str, ...] = tuple(name.lower() for name in circuit.AllElementNames)
        self._places: dict[str, tuple[str, ...]] = {}
        enabled = set()
        for name in self.elements:
            circuit.SetActiveElement(name)
            self._places[name] = tuple(place.lower() for place in circuit.ActiveCktElement.BusNames)
            if circuit.ActiveCktElement.Enabled:
                enabled.add(name)
        self.enabled = frozenset(enabled)
        self.terminals = {
            name: tuple(place.split(".")[0] for place in places) for name, places in self._places.items()
        }
        self.buses: tuple[str, ...] = tuple(name.lower() for name in circuit.AllBusNames)

    def of_class(self, name: str) -> tuple[str, ...]:
        """Elements of one OpenDSS class."""
        return tuple(element for element in self.elements if element.startswith(f"{name}."))

    def nodes(self, element: str, terminal: int = 1) -> tuple[int, ...]:
        """Phase nodes of a terminal, without earth; 1, 2, 3 where the circuit names none."""
        named = [int(node) for node in self._places[element][terminal - 1].split(".")[1:]]
        if not named:
            named = list(range(1, int(self.number(element, "phases")) + 1))
        return tuple(node for node in named if node != 0)

    def text(self, element: str, field: str) -> str:
        """One property as the engine prints it."""
        self._text.Command = f"? {element}.{field}"
        return str(self._text.Result).strip()

    def numbers(self, element: str, field: str) -> tuple[float, ...]:
        """All numbers of one property."""
        return tuple(float(part) for part in _NUMBER.findall(self.text(element, field)))

    def number(self, element: str, field: str) -> float:
        """One numeric property."""
        return self.numbers(element, field)[0]

    def read(self, source: str) -> Elements:
        """Facts of every element; `source` is the voltage source that stands for the grid."""
        return Elements(
            source=self.source(source),
            lines=tuple(self.line(name) for name in self.of_class("line")),
            transformers=tuple(self.transformer(name) for name in self.of_class("transformer")),
            loads=tuple(self.load(name) for name in self.of_class("load")),
            capacitors=tuple(self.capacitor(name) for name in self.of_class("capacitor")),
            reactors=tuple(self.reactor(name) for name in self.of_class("reactor")),
        )

    def line(self, element: str) -> LineFacts:
        """Facts of a line or coupler; sequence values come from its impedance and capacitance matrices."""
        per_km = KILOMETRE[self.text(element, "units").lower()]
        bus1, bus2 = self.terminals[element]
        line = self._circuit.Lines
        line.Name = element.split(".", maxsplit=1)[1]
        r, x, c = (_sequences(matrix) for matrix in (line.Rmatrix, line.Xmatrix, line.Cmatrix))
        return LineFacts(
            element=element,
            bus1=bus1,
            bus2=bus2,
            length_km=self.number(element, "length") / per_km,
            r1_ohm_per_km=r[1] * per_km,
            x1_ohm_per_km=x[1] * per_km,
            r0_ohm_per_km=r[0] * per_km,
            x0_ohm_per_km=x[0] * per_km,
            c1_nf_per_km=c[1] * per_km,
            c0_nf_per_km=c[0] * per_km,
            rated_a=self.number(element, "normamps"),
            closed=element in self.enabled,
        )

    def transformer(self, element: str) -> TransformerFacts:
        """Facts of a transformer with two or three windings."""
        count = int(self.number(element, "windings"))
        three = count == 3
        windings = []
        for index in range(1, count + 1):
            self._text.Command = f"edit {element} wdg={index}"
            windings.append(
                WindingFacts(
                    bus=self.terminals[element][index - 1],
                    nominal_kv=self.number(element, "kv"),
                    rated_kva=self.number(element, "kva"),
                    connection=self.text(element, "conn").lower(),
                    r_pct=self.number(element, "%r"),
                    ratio_pu=self.number(element, "tap"),
                    min_pu=self.number(element, "mintap"),
                    max_pu=self.number(element, "maxtap"),
                    positions=int(self.number(element, "numtaps")) + 1,
                )
            )
        shifted = windings[0].connection != windings[1].connection
        leads = self.text(element, "leadlag").lower() in {"lead", "euro"}
        # The engine's default is the American standard: the low-voltage side lags by 30°.
        lead_deg = (30.0 if leads else -30.0) if shifted else 0.0
        return TransformerFacts(
            element=element,
            windings=tuple(windings),
            x_hl_pct=self.number(element, "xhl"),
            x_ht_pct=self.number(element, "xht") if three else None,
            x_lt_pct=self.number(element, "xlt") if three else None,
            lv_lead_deg=lead_deg,
            no_load_loss_pct=self.number(element, "%noloadloss"),
            magnetising_pct=self.number(element, "%imag"),
        )

    def load(self, element: str) -> LoadFacts:
        """Facts of a load."""
        return LoadFacts(
            element=element,
            bus=self.terminals[element][0],
            nodes=self.nodes(element),
            nominal_kv=self.number(element, "kv"),
            p_kw=self.number(element, "kw"),
            q_kvar=self.number(element, "kvar"),
            model=int(self.number(element, "model")),
            vmin_pu=self.number(element, "vminpu"),
            vmax_pu=self.number(element, "vmaxpu"),
        )

    def capacitor(self, element: str) -> CapacitorFacts:
        """Facts of a capacitor unit."""
        return CapacitorFacts(
            element=element,
            bus=self.terminals[element][0],
            nodes=self.nodes(element),
            nominal_kv=self.number(element, "kv"),
            q_kvar=sum(self.numbers(element, "kvar")),
            states=tuple(int(state) for state in self.numbers(element, "states")),
        )

    def reactor(self, element: str) -> ReactorFacts:
        """Facts of a shunt reactor, from its admittance matrix, however the circuit states it."""
        self._circuit.SetActiveElement(element)
        admittance = np.asarray(self._circuit.ActiveCktElement.Yprim).view(complex)
        size = int(np.sqrt(admittance.size))
        impedance = np.linalg.inv(admittance.reshape(size, size)[:3, :3])
        z0, z1 = (
            complex(real, imaginary)
            for real, imaginary in zip(_sequences(impedance.real), _sequences(impedance.imag), strict=True)
        )
        kv = self.number(element, "kv")
        return ReactorFacts(
            element=element,
            bus=self.terminals[element][0],
            nominal_kv=kv,
            q_kvar=1000 * kv**2 * z1.imag / abs(z1) ** 2,
            z1_ohm=abs(z1),
            z0_ohm=abs(z0),
        )

    def source(self, element: str) -> SourceFacts:
        """Facts of the voltage source."""
        r1, x1 = self.numbers(element, "z1")
        r0, x0 = self.numbers(element, "z0")
        return SourceFacts(
            element=element,
            bus=self.terminals[element][0],
            nominal_kv=self.number(element, "basekv"),
            v_pu=self.number(element, "pu"),
            r1_ohm=r1,
            x1_ohm=x1,
            r0_ohm=r0,
            x0_ohm=x0,
        )


def _sequences(matrix: Any) -> tuple[float, float]:
    """Zero- and positive-sequence value of a three-phase matrix, averaged over the phases."""
    full = np.asarray(matrix, dtype=np.float64).reshape(3, 3)
    own = float(np.trace(full)) / 3
    mutual = (float(full.sum()) - 3 * own) / 6
    return own + 2 * mutual, own - mutual
