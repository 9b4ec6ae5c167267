"""Where a substation can be hit, and which breakers then open."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulation.engine import Engine, Network
from simulation.engine.network import Complexes
from simulation.faults.zbus import Place, between, bus_place
from substations.description import Feeder, Infeed, Substation

REMOTE_KM = (5.0, 600.0)
"""How far away faults on the transmission grid are, km of line, log-uniform."""

# A 400 kV line of quadruple Moose conductors, Ω/km, as in the substations' circuits.
_LINE_Z1, _LINE_Z0 = 0.0146 + 0.257j, 0.145 + 1.05j


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
        beyond_z: Series impedance between `bus` and the fault of a line that is not the substation's, Ω,
            shape [3, 3]; None where the fault is within the substation.
    """

    bus: str
    line: str
    far: str
    line_from: str
    fraction: float
    overhead: bool
    kv: float
    beyond_z: Complexes | None = None

    @property
    def within(self) -> bool:
        """Whether the fault is in the substation or on its feeders."""
        return self.beyond_z is None

    def place(self, engine: Engine, network: Network) -> Place:
        """The site in the bus impedance matrix."""
        if self.beyond_z is not None:
            return replace(bus_place(network, self.bus), extra_z=self.beyond_z)
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


def draw_remote_site(rng: np.random.Generator, engine: Engine) -> tuple[Site, float]:
    """A place on a line that leaves the grid's bus, and its distance in km of line."""
    distance_km = float(np.exp(rng.uniform(*np.log(REMOTE_KM))))
    return remote_site(engine, distance_km), distance_km


def remote_site(engine: Engine, distance_km: float) -> Site:
    """A place on the transmission grid so many km of line behind the grid's bus.

    The line is radial and the whole source impedance lies on the substation's side: a bolted three-phase
    fault leaves V = E·Z_f/(Z_s + Z_f) at the bus (M. H. J. Bollen, Understanding Power Quality Problems,
    4.2).
    """
    bus = engine.source_bus
    kv = engine.substation.bus(bus).nominal_kv
    z1, z0 = _LINE_Z1 * distance_km, _LINE_Z0 * distance_km
    z = np.full((3, 3), (z0 - z1) / 3.0) + np.eye(3) * z1
    return Site(bus, "", "", "", 0.0, overhead=True, kv=kv, beyond_z=np.asarray(z))


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
