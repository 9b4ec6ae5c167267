"""The description and the circuit name the same buses and elements."""

from __future__ import annotations

from substations.description import Substation
from substations.errors import did_you_mean
from substations.inventory import KILOMETRE, Inventory
from substations.places import in_circuit, in_yaml
from substations.references import element_references

# Classes of elements that a substation's circuit may hold, and what to use instead of some others.
CLASSES = ("vsource", "line", "transformer", "load", "capacitor", "reactor")
_INSTEAD = {
    "autotrans": "model it as a three-winding wye-wye-delta transformer",
    "regcontrol": "remove it: tap changers are moved by the simulation",
    "capcontrol": "remove it: capacitor banks are switched by the simulation",
    "energymeter": "remove it: measurement points belong into substation.yaml",
    "monitor": "remove it: measurement points belong into substation.yaml",
    "fault": "remove it: faults are drawn by the simulation",
    "generator": "describe it as a feeder's pv_mw",
    "pvsystem": "describe it as a feeder's pv_mw",
}


def check_names(substation: Substation, inventory: Inventory) -> None:
    """Check every bus and element in both directions.

    Raises:
        SubstationError: A name that only one of the two files knows, or an element of an unsupported class.
    """
    known_buses = {bus.id for bus in substation.buses}
    for bus in inventory.buses:
        if bus not in known_buses:
            users = [name for name in inventory.elements if bus in inventory.terminals[name]]
            raise in_circuit(
                substation,
                bus,
                f"the bus (of {', '.join(users[:3])}) is not under buses in {substation.yaml_file.name}",
                did_you_mean(bus, known_buses),
            )
    for name in sorted(known_buses - set(inventory.buses)):
        raise in_yaml(
            substation, f"buses[{name}]", "the circuit has no such bus", did_you_mean(name, inventory.buses)
        )
    for element in inventory.elements:
        kind = element.split(".", maxsplit=1)[0]
        if kind not in CLASSES:
            raise in_circuit(
                substation,
                element,
                f"elements of class {kind} are not supported",
                _INSTEAD.get(kind, f"use one of: {', '.join(CLASSES)}"),
            )
    named = {}
    for key, element in element_references(substation):
        named[element] = key
        if element not in inventory.terminals:
            raise in_yaml(
                substation,
                key,
                f"the circuit has no element {element!r}",
                did_you_mean(element, inventory.elements),
            )
    for element in inventory.elements:
        if element not in named:
            raise in_circuit(
                substation,
                element,
                f"{substation.yaml_file.name} does not name this element",
                f"describe it there or remove it; {did_you_mean(element, named)}",
            )
    for element in inventory.of_class("line"):
        unit = inventory.text(element, "units").lower()
        if unit not in KILOMETRE:
            raise in_circuit(
                substation,
                element,
                f"units={unit}: the length has no unit",
                "add units=km to line and line code",
            )
