"""A station's circuit as a tree of sections and transformers, in per unit on 100 MVA.

A section is the busbars that closed couplers join; links are the transformers between two sections.
"""

from __future__ import annotations

import msgspec

BASE_VA = 100e6
"""Base of every per-unit impedance and power."""


class SectionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Busbars that are joined.

    Attributes:
        name: Its first bus.
        nominal_kv: Nominal voltage, kV line to line.
        v_min_pu: Lowest voltage that its level allows.
        v_max_pu: Highest.
        reactor_pu: Rated reactive power of its shunt reactors.
        uneven_pu: Voltage that the rated traction loads drop between it and the infeeds. They load two
            phases, so voltages of single phases differ from their mean by a part of it.
    """

    name: str
    nominal_kv: float
    v_min_pu: float
    v_max_pu: float
    reactor_pu: float
    uneven_pu: float


class LinkFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Transformers that lie parallel between two sections; their taps move together.

    Attributes:
        units: Their names.
        high: Place of the section on the side of the grid.
        low: Place of the other one.
        r_pu: Resistance of all of them, without the additional loss.
        x_pu: Short-circuit reactance.
        no_load_pu: No-load loss at nominal voltage.
        rated_pu: Sum of their ratings.
        ratios: Voltage of the higher side over that of the lower one at each tap position from 1; empty
            where there is no tap changer.
    """

    units: tuple[str, ...]
    high: int
    low: int
    r_pu: float
    x_pu: float
    no_load_pu: float
    rated_pu: float
    ratios: tuple[float, ...]


class LineFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A feeder's line: its section, series impedance, susceptance to earth, and limits at its far end.

    `uneven_pu` is that of `SectionFacts` at the far end.
    """

    section: int
    r_pu: float
    x_pu: float
    b_pu: float
    v_min_pu: float
    v_max_pu: float
    uneven_pu: float


class SwitchedBank(msgspec.Struct, frozen=True, kw_only=True):
    """A capacitor bank: its name, section, number of equal steps, and rated power of all of them."""

    name: str
    section: int
    steps: int
    q_pu: float


class CircuitFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a load flow of the station needs, f feeders.

    Attributes:
        substation: Name of the substation.
        code: Number made from the digest of its description and circuit, at most 2⁴⁸.
        sections: The first one is fed by the grid.
        links: Ordered from the grid downwards.
        lines: Line of each feeder, in the order of the description, [f].
        banks: Capacitor banks.
        infeed_r_pu: Resistance of all infeed lines.
        infeed_x_pu: Their reactance.
        infeed_b_pu: Their susceptance to earth.
        price_per_mwh: Price of energy, in the country's currency.
    """

    substation: str
    code: int
    sections: tuple[SectionFacts, ...]
    links: tuple[LinkFacts, ...]
    lines: tuple[LineFacts, ...]
    banks: tuple[SwitchedBank, ...]
    infeed_r_pu: float
    infeed_x_pu: float
    infeed_b_pu: float
    price_per_mwh: float
