"""Which load passes through which piece of equipment, and which faults."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulation.noise import Floats
from substations.description import Substation, Transformer
from substations.site import Asset

# Part of the power that passes a coupler or a busbar; of rated current that banks and reactors draw.
_COUPLED, _BANK_PU = 0.25, 0.92

ASIDE = ("arrester", "cvt", "vt")
"""Kinds that stand between phase and earth, so that no load passes through them."""


@dataclass(frozen=True, slots=True)
class Path:
    """The way of load and fault current through one asset.

    Attributes:
        weights: Share of each feeder's power that passes, shape [f]; zeros for what is always at `constant`.
        rated_va: Power at rated current, VA.
        constant_pu: Load that does not depend on feeders, pu.
        carries: Share of each feeder's fault current that passes, referred to its own voltage, shape [f].
        withstand_ka: Rated short-time current, kA for one second.
    """

    weights: Floats
    rated_va: float
    constant_pu: float
    carries: Floats
    withstand_ka: float


def station_paths(substation: Substation, assets: list[Asset]) -> tuple[Path, ...]:
    """The path of each asset by the bay that it stands in."""
    feeders = {feeder.id: k for k, feeder in enumerate(substation.feeders)}
    flows = {unit.id: _through(substation, unit) for unit in substation.transformers}
    units = {unit.id: unit for unit in substation.transformers}
    infeeds = {infeed.id for infeed in substation.infeeds}
    quiet = {bank.id for bank in substation.capacitors}
    quiet |= {coil.id for coil in substation.reactors} | {unit.id for unit in substation.earthing}
    everything = np.ones(len(feeders))
    feeder_kv = np.array([substation.bus(feeder.bus).nominal_kv for feeder in substation.feeders])
    found = []
    for asset in assets:
        root, kv = asset.bay.split(".")[0], substation.bus(asset.bus).nominal_kv
        constant = 0.0
        weights: Floats = np.zeros(len(feeders))
        if asset.kind in ASIDE:
            pass
        elif root in feeders:
            weights[feeders[root]] = 1.0
        elif root in flows:
            weights = flows[root]
        elif root in infeeds:
            weights = everything / len(infeeds)
        elif root in quiet:
            constant = _BANK_PU
        else:
            weights = np.where(feeder_kv <= kv, _COUPLED, 0.0)
        in_the_way = asset.kind not in (*ASIDE, "busbar") and (asset.bay in feeders or root in flows)
        carries = weights * feeder_kv / kv if in_the_way else 0.0 * weights
        rated_va = math.sqrt(3.0) * kv * 1e3 * asset.ratings.get("a", 1250.0)
        withstand = asset.ratings.get("ka", substation.bus(asset.bus).breaker_ka or 25.0)
        if asset.kind == "transformer" and asset.id in units:
            unit = units[asset.id]
            rated_va = unit.rated_mva * 1e6
            withstand = rated_va / (math.sqrt(3.0) * kv * 1e3) / (0.01 * unit.x_hl_pct) * math.sqrt(2.0) / 1e3
        found.append(Path(weights, rated_va, constant, carries, withstand))
    return tuple(found)


def _through(substation: Substation, unit: Transformer) -> Floats:
    """Share of each feeder's power that passes a transformer: its bus and what hangs on it below."""
    weights = np.array([float(feeder.bus == unit.windings[1].bus) for feeder in substation.feeders])
    for other in substation.transformers:
        if other.id != unit.id and other.windings[0].bus == unit.windings[1].bus:
            weights += _through(substation, other)
    beside = sum(other.windings[1].bus == unit.windings[1].bus for other in substation.transformers)
    return np.asarray(weights / beside)


def bus_reactance_ohm(substation: Substation, bus: str, source_mva: float) -> float:
    """Reactance from the source to a bus through transformers, Ω at the bus' voltage.

    Lines of the infeed are left out: they are short beside the source.
    """
    feeding = [unit for unit in substation.transformers if unit.windings[1].bus == bus]
    kv = substation.bus(bus).nominal_kv
    if not feeding:
        return kv**2 / source_mva
    siemens = 0.0
    for unit in feeding:
        above = unit.windings[0]
        own = 0.01 * unit.x_hl_pct * kv**2 / above.rated_mva
        siemens += 1.0 / (
            own + bus_reactance_ohm(substation, above.bus, source_mva) * (kv / above.nominal_kv) ** 2
        )
    return 1.0 / siemens
