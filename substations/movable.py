"""What a station can move, and which transformers carry it, from the description."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from data_contracts.movable import FeederFacts, MovableFacts, SupplyFacts, UnitFacts
from substations.description import Substation
from substations.equipment import Transformer
from substations.network import Feeder
from substations.resistances import Line, lines
from substations.sections import sections

SECOND = 1
"""The winding, counted from 0, that feeds the busbar below."""

OVERHEAD, CABLE = complex(0.05, 0.4), complex(0.13, -0.01)
"""What the phases of an overhead line have in common by the return through earth (Carson's formula at 50 Hz
gives 0.049 + 0.3 to 0.4j), and those of a cable by its sheath; Ω/km, assumed."""

_VECTOR_GROUP = re.compile(r"(YN|Y|D|ZN|Z)(yn|y|d|zn|z|a)(\d+)")


def movable_facts(substation: Substation) -> MovableFacts | None:
    """Feeders that have two busbars, traction supplies, and the transformers that carry them.

    Load goes up the single-line diagram with couplers as in normal operation; parallel transformers share it
    by rating. A feeder without a transformer at one of its busbars stays where it is.

    Returns:
        None where nothing can be moved.

    Raises:
        SubstationError: A line's impedance cannot be read from the circuit's text.
    """
    section = sections(substation)
    units = substation.transformers
    feeds = {unit.windings[SECOND].bus: k for k, unit in reversed(tuple(enumerate(units)))}
    at = {section[bus]: k for bus, k in reversed(tuple(feeds.items()))}
    on = {feeder.end_bus: feeder for feeder in substation.feeders}
    impedance = lines(substation)

    def facts(feeder: Feeder, buses: tuple[str, str]) -> FeederFacts:
        line = impedance.get(feeder.line or "", Line(0.0, 0.0, 0.0))
        overhead = feeder.overhead_share
        first, second = (section[bus] for bus in buses)
        ways = [_path(units, section, name) for name in (first, second)]
        return FeederFacts(
            name=feeder.id,
            buses=buses,
            unit=(at[first], at[second]),
            carried=(ways[0].carried, ways[1].carried),
            clock=(ways[0].clock, ways[1].clock),
            earthed=(ways[0].earthed, ways[1].earthed),
            r_ohm=line.r_ohm,
            x_ohm=line.x_ohm,
            r_earth_ohm=feeder.length_km * (OVERHEAD.real * overhead + CABLE.real * (1.0 - overhead)),
            x_earth_ohm=feeder.length_km * (OVERHEAD.imag * overhead + CABLE.imag * (1.0 - overhead)),
            v_min_pu=substation.limit(substation.bus(feeder.end_bus).nominal_kv).v_min_pu,
        )

    fed = [feeder for feeder in substation.feeders if section[feeder.bus] in at]
    feeders = [
        facts(feeder, (feeder.bus, feeder.transfer_bus))
        for feeder in fed
        if feeder.line is not None and feeder.transfer_bus is not None and section[feeder.transfer_bus] in at
    ]
    movable = {feeder.name for feeder in feeders}
    others = [facts(feeder, (feeder.bus, feeder.bus)) for feeder in fed if feeder.id not in movable]
    place = {feeder.name: k for k, feeder in enumerate((*feeders, *others))}
    supplies = [
        SupplyFacts(name=supply.id, feeder=place[on[supply.bus].id])
        for supply in substation.traction
        if supply.bus in on and on[supply.bus].id in place
    ]
    if not feeders and not supplies:
        return None
    between = [tuple(winding.nominal_kv for winding in unit.windings[:2]) for unit in units]
    groups = sorted(set(between), reverse=True)
    return MovableFacts(
        units=tuple(_unit(unit, groups.index(of)) for unit, of in zip(units, between, strict=True)),
        feeders=tuple(feeders),
        others=tuple(others),
        supplies=tuple(supplies),
    )


def _unit(unit: Transformer, group: int) -> UnitFacts:
    first_va, rated_va = 1e6 * unit.windings[0].rated_mva, 1e6 * unit.rated_mva
    per_va2 = 1e3 * unit.load_loss_kw / first_va**2
    return UnitFacts(
        name=unit.id,
        group=group,
        rated_va=rated_va,
        v_nom_v=1e3 * unit.windings[SECOND].nominal_kv / math.sqrt(3.0),
        per_va2=per_va2,
        r_pu=per_va2 * rated_va,
        x_pu=unit.x_hl_pct / 100.0 * rated_va / first_va,
    )


@dataclass(frozen=True, slots=True)
class _Path:
    """Which share of a section's load each transformer carries, and through which vector groups it came."""

    carried: tuple[float, ...]
    clock: tuple[int, ...]
    earthed: tuple[bool, ...]


def _path(units: Sequence[Transformer], section: dict[str, str], name: str) -> _Path:
    """The way up from the section `name`."""
    carried, clock, earthed = [0.0] * len(units), [0] * len(units), [False] * len(units)
    ends = [tuple(section[winding.bus] for winding in unit.windings[:2]) for unit in units]
    below = {name: (1.0, 0, True)}
    # From the lowest voltage upwards: what a section carries is known before it is passed on.
    for k in sorted(range(len(units)), key=lambda k: units[k].windings[SECOND].nominal_kv):
        high, low = ends[k]
        if low not in below:
            continue
        load, turned, passes = below[low]
        beside = [j for j, other in enumerate(ends) if other == ends[k]]
        carried[k] = load * units[k].rated_mva / sum(units[j].rated_mva for j in beside)
        number, returns, through = _group(units[k].vector_group)
        clock[k], earthed[k] = turned, passes and returns
        below[high] = (below.get(high, (0.0,))[0] + carried[k], turned + number, passes and through)
    return _Path(tuple(carried), tuple(clock), tuple(earthed))


def _group(vector_group: str) -> tuple[int, bool, bool]:
    """Clock number of the first two windings; whether zero sequence enters the second, and passes both."""
    found = _VECTOR_GROUP.match(vector_group)
    if found is None:
        return 0, True, True
    high, low, number = found.groups()
    returns = low.endswith("n") or low == "a"
    return int(number), returns, returns and high.endswith("N")
