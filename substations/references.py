"""Names inside a description: given once, and what they refer to exists."""

from __future__ import annotations

from collections.abc import Iterator

from substations.description import Substation
from substations.errors import did_you_mean
from substations.places import in_yaml

_LISTS = (
    "buses",
    "infeeds",
    "transformers",
    "couplers",
    "feeders",
    "capacitors",
    "reactors",
    "earthing",
    "traction",
    "points",
    "assets",
)


def check_references(substation: Substation) -> None:
    """Check that ids are unique, that every bus named exists, and that an element has one owner.

    Raises:
        SubstationError: The first name that breaks a rule.
    """
    for name in _LISTS:
        seen: set[str] = set()
        for entry in getattr(substation, name):
            if entry.id in seen:
                raise in_yaml(
                    substation, f"{name}[{entry.id}]", "the id is given twice", "rename one of them"
                )
            seen.add(entry.id)
    known = {bus.id for bus in substation.buses}
    for key, bus in _bus_references(substation):
        if bus not in known:
            raise in_yaml(substation, key, f"there is no bus {bus!r} under buses", did_you_mean(bus, known))
    owners: dict[str, str] = {}
    for key, element in element_references(substation):
        # Points measure, and assets list, what other entries own.
        if key.startswith(("points", "assets")):
            continue
        if element in owners:
            raise in_yaml(
                substation, key, f"{element!r} already belongs to {owners[element]}", "name each element once"
            )
        owners[element] = key


def element_references(substation: Substation) -> Iterator[tuple[str, str]]:
    """Every place of the description that names an element: (key, element)."""
    yield "source", substation.source
    for infeed in substation.infeeds:
        yield f"infeeds[{infeed.id}].line", infeed.line
    for feeder in substation.feeders:
        if feeder.line is not None:
            yield f"feeders[{feeder.id}].line", feeder.line
        for phase, element in zip("abc", feeder.loads, strict=True):
            yield f"feeders[{feeder.id}].loads.{phase}", element
    for bank in substation.capacitors:
        for phase, element in zip("abc", bank.elements, strict=True):
            yield f"capacitors[{bank.id}].elements.{phase}", element
    for name in ("transformers", "couplers", "reactors", "earthing", "traction", "points", "assets"):
        for entry in getattr(substation, name):
            if entry.element is not None:
                yield f"{name}[{entry.id}].element", entry.element


def _bus_references(substation: Substation) -> Iterator[tuple[str, str]]:
    for name in ("infeeds", "feeders", "capacitors", "reactors", "earthing", "traction", "points", "assets"):
        for entry in getattr(substation, name):
            yield f"{name}[{entry.id}].bus", entry.bus
    for feeder in substation.feeders:
        yield f"feeders[{feeder.id}].end_bus", feeder.end_bus
        if feeder.transfer_bus is not None:
            yield f"feeders[{feeder.id}].transfer_bus", feeder.transfer_bus
    for coupler in substation.couplers:
        for bus in coupler.buses:
            yield f"couplers[{coupler.id}].buses", bus
    for transformer in substation.transformers:
        for number, winding in enumerate(transformer.windings):
            yield f"transformers[{transformer.id}].windings[{number}].bus", winding.bus
