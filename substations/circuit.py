"""A station's circuit as a tree, from its description and the text of its circuit."""

from __future__ import annotations

import math
from collections.abc import Mapping

from data_contracts.circuit import (
    BASE_VA,
    CircuitFacts,
    LineFacts,
    LinkFacts,
    SectionFacts,
    SwitchedBank,
)
from substations.description import Substation
from substations.equipment import Taps, Transformer
from substations.network import Feeder
from substations.places import in_yaml
from substations.resistances import Line, lines
from substations.sections import sections

_CODE_DIGITS = 12


def circuit_facts(substation: Substation) -> CircuitFacts:
    """The circuit with couplers as in normal operation.

    Sections that the infeeds feed count as one; tertiary windings carry nothing.

    Raises:
        SubstationError: The impedance of a line cannot be read from the circuit's text, or the sections form
            no tree.
    """
    section = sections(substation)
    top = section[substation.infeeds[0].bus]
    section = {
        bus: top if root in {section[infeed.bus] for infeed in substation.infeeds} else root
        for bus, root in section.items()
    }
    links, order = _links(substation, section, top)
    place = {name: k for k, name in enumerate(order)}
    kv = {bus.id: bus.nominal_kv for bus in substation.buses}
    impedance = lines(substation)
    infeeds = [_per_unit(substation, impedance[infeed.line], kv[infeed.bus]) for infeed in substation.infeeds]
    joined = 1.0 / sum((1.0 / z for z, _ in infeeds), 0j)
    joints = tuple(_link(units, place[high], place[low]) for (high, low), units in links)
    traction = [_traction(substation, feeder) for feeder in substation.feeders]
    at = [place[section[feeder.bus]] for feeder in substation.feeders]
    uneven = _uneven(joints, len(order), traction, at)
    return CircuitFacts(
        substation=substation.name,
        code=int(substation.digest[:_CODE_DIGITS], 16),
        sections=tuple(
            SectionFacts(
                name=next(bus for bus, root in section.items() if root == name),
                nominal_kv=kv[name],
                v_min_pu=substation.limit(kv[name]).v_min_pu,
                v_max_pu=substation.limit(kv[name]).v_max_pu,
                reactor_pu=sum(
                    1e6 * reactor.mvar / BASE_VA
                    for reactor in substation.reactors
                    if section[reactor.bus] == name
                ),
                uneven_pu=uneven[k],
            )
            for k, name in enumerate(order)
        ),
        links=joints,
        lines=tuple(
            _line(substation, feeder, impedance, at[k], (uneven[at[k]], traction[k]))
            for k, feeder in enumerate(substation.feeders)
        ),
        banks=tuple(
            SwitchedBank(
                name=bank.id,
                section=place[section[bank.bus]],
                steps=bank.steps,
                q_pu=1e6 * bank.mvar / BASE_VA,
            )
            for bank in substation.capacitors
        ),
        infeed_r_pu=joined.real,
        infeed_x_pu=joined.imag,
        infeed_b_pu=sum(b for _, b in infeeds),
        price_per_mwh=substation.price_per_mwh,
    )


_Ends = tuple[str, str]


def _links(
    substation: Substation, section: dict[str, str], top: str
) -> tuple[list[tuple[_Ends, list[Transformer]]], list[str]]:
    """Transformers by the sections that they join, from the grid down, and the sections in that order."""
    waiting: dict[_Ends, list[Transformer]] = {}
    for unit in substation.transformers:
        high, low = (section[winding.bus] for winding in unit.windings[:2])
        waiting.setdefault((high, low), []).append(unit)
    found: list[tuple[_Ends, list[Transformer]]] = []
    order = [top]
    while waiting:
        ends = next((each for each in waiting if each[0] in order and each[1] not in order), None)
        if ends is None:
            raise in_yaml(
                substation,
                "transformers",
                "the sections form no tree, so its load flow has no order",
                "close couplers so that each section is fed from one other",
            )
        found.append((ends, waiting.pop(ends)))
        order.append(ends[1])
    return found, order


def _link(units: list[Transformer], high: int, low: int) -> LinkFacts:
    rated = [1e6 * unit.windings[0].rated_mva / BASE_VA for unit in units]
    ohms = [
        complex(1e3 * unit.load_loss_kw / BASE_VA / own, unit.x_hl_pct / 100.0) / own
        for unit, own in zip(units, rated, strict=True)
    ]
    joined = 1.0 / sum((1.0 / z for z in ohms), 0j)
    taps = units[0].taps
    return LinkFacts(
        units=tuple(unit.id for unit in units),
        high=high,
        low=low,
        r_pu=joined.real,
        x_pu=joined.imag,
        no_load_pu=sum(1e3 * unit.no_load_loss_kw for unit in units) / BASE_VA,
        rated_pu=sum(rated),
        ratios=() if taps is None else tuple(_ratio(taps, k + 1) for k in range(taps.steps)),
    )


def _ratio(taps: Taps, position: int) -> float:
    """Voltage of the higher side over that of the lower one, pu."""
    ratio = taps.ratio(position)
    return ratio if taps.winding == 1 else 1.0 / ratio


def _traction(substation: Substation, feeder: Feeder) -> float:
    """Rated apparent power of the traction loads at the feeder's end."""
    own = [load for load in substation.traction if load.bus == feeder.end_bus]
    return sum(1e6 * load.rated_mw / load.power_factor for load in own) / BASE_VA


def _uneven(links: tuple[LinkFacts, ...], count: int, traction: list[float], at: list[int]) -> list[float]:
    """What the traction loads below drop on the way to each section."""
    below = [sum(s for s, place in zip(traction, at, strict=True) if place == k) for k in range(count)]
    for link in reversed(links):
        below[link.high] += below[link.low]
    dropped = [0.0] * count
    for link in links:
        dropped[link.low] = dropped[link.high] + math.hypot(link.r_pu, link.x_pu) * below[link.low]
    return dropped


def _line(
    substation: Substation,
    feeder: Feeder,
    impedance: Mapping[str, Line],
    section: int,
    uneven: tuple[float, float],
) -> LineFacts:
    kv = substation.bus(feeder.bus).nominal_kv
    z, b = (0j, 0.0) if feeder.line is None else _per_unit(substation, impedance[feeder.line], kv)
    limit = substation.limit(substation.bus(feeder.end_bus).nominal_kv)
    return LineFacts(
        section=section,
        r_pu=z.real,
        x_pu=z.imag,
        b_pu=b,
        v_min_pu=limit.v_min_pu,
        v_max_pu=limit.v_max_pu,
        uneven_pu=uneven[0] + abs(z) * uneven[1],
    )


def _per_unit(substation: Substation, line: Line, kv: float) -> tuple[complex, float]:
    """Series impedance and susceptance of a line."""
    ohm = 1e6 * kv**2 / BASE_VA
    return complex(line.r_ohm, line.x_ohm) / ohm, 2.0 * math.pi * substation.frequency_hz * line.c_f * ohm
