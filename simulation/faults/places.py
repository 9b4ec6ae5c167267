"""Where a substation can be hit, and which breakers then open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.engine import Engine, Network
from simulation.faults.zbus import Place, between, bus_place
from substations.description import Feeder, Infeed, Substation


@dataclass(frozen=True, slots=True)
class Site:
    """One place of a fault.

    Attributes:
        bus: Faulted bus, or the bus whose line is faulted.
        line: Faulted line; "" for a busbar.
        far: Bus at the line's other end.
        line_from: Bus at which the line's first terminal is.
        fraction: Way along the line from `bus`, 0 … 1.
        overhead: Whether an arc there can die out by itself once the line is dead.
        kv: Nominal voltage.
    """

    bus: str
    line: str
    far: str
    line_from: str
    fraction: float
    overhead: bool
    kv: float

    def place(self, engine: Engine, network: Network) -> Place:
        """The site in the bus impedance matrix."""
        if not self.line or self.fraction <= 0.0:
            return bus_place(network, self.bus)
        if self.fraction >= 1.0:
            return bus_place(network, self.far)
        near, far = bus_place(network, self.bus), bus_place(network, self.far)
        return between(near, far, engine.series_impedance(self.line), self.fraction)


def draw_site(rng: np.random.Generator, substation: Substation) -> Site:
    """A busbar (one in six) or a point along an infeed or a feeder, by length."""
    sections = [bus for bus in substation.buses if bus.section is not None]
    if rng.random() < 1.0 / 6.0:
        bus = sections[int(rng.integers(len(sections)))]
        return Site(bus.id, "", "", "", 0.0, overhead=False, kv=bus.nominal_kv)
    lines: list[Feeder | Infeed] = [feeder for feeder in substation.feeders if feeder.line is not None]
    lines += list(substation.infeeds)
    lengths = np.array([max(line.length_km, 1.0) for line in lines])
    hit = lines[int(rng.choice(len(lines), p=lengths / lengths.sum()))]
    fraction = float(rng.uniform(0.02, 1.0))
    kv = substation.bus(hit.bus).nominal_kv
    if isinstance(hit, Feeder):
        overhead = bool(rng.random() < hit.overhead_share)
        return Site(hit.bus, str(hit.line), hit.end_bus, hit.bus, fraction, overhead, kv)
    far = next(point.bus for point in substation.points if point.element == substation.source)
    return Site(hit.bus, hit.line, far, far, fraction, overhead=True, kv=kv)


def lateral_sites(substation: Substation) -> tuple[Site, ...]:
    """The feeders' ends, behind which other people's lines and fuses begin."""
    return tuple(
        Site(f.bus, str(f.line), f.end_bus, f.bus, 1.0, overhead=True, kv=substation.bus(f.bus).nominal_kv)
        for f in substation.feeders
        if f.line is not None
    )


def elements_at(substation: Substation, bus: str) -> tuple[str, ...]:
    """Elements that the busbar protection of `bus` trips: lines, couplers and transformers on it."""
    found = [line.line for line in substation.infeeds if line.bus == bus]
    found += [feeder.line for feeder in substation.feeders if feeder.bus == bus and feeder.line is not None]
    found += [coupler.element for coupler in substation.couplers if bus in coupler.buses]
    found += [t.element for t in substation.transformers if bus in {winding.bus for winding in t.windings}]
    return tuple(dict.fromkeys(found))
