"""The most even arrangements within reach of a station's feeders and traction supplies, by its meters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from data_contracts.movable import MovableFacts
from data_contracts.wire import Item
from data_contracts.wire.request import Station
from features.declaration import DEFINITION, Feature
from features.rearrangement.arrangements import MOST, PAIRS
from features.rearrangement.outcomes import Alternatives, alternatives
from features.rearrangement.states import States
from features.windows import Windows

Float = NDArray[np.float64]

GROUP = "transfers"
NEEDS = ("context.station.feeders", "context.station.traction", "context.station.transformers")
MISSING = (
    "NaN unless every transformer, movable feeder and traction supply was sent with its phases and place"
)
IMBALANCE = "NEMA MG 1 (deviation from the mean), of loads"
STATION = "moves_station"


def _of(moves: int) -> tuple[Feature, ...]:
    which = "the present arrangement" if moves == 0 else f"the most even one with at most {moves} moves"

    def feature(name: str, unit: str, text: str, source: str = DEFINITION) -> Feature:
        return Feature(f"moves{moves}_{name}", GROUP, unit, f"{which}: {text}", source, NEEDS, MISSING)

    return (
        feature(
            "imbalance_pct", "%", "largest deviation of parallel transformers' phase loads from their mean, "
            "over the mean; mean of the groups", IMBALANCE,
        ),
        feature("utilisation_pct", "%", "load of the most heavily loaded transformer"),
        feature("operations", "1", "operations of switchgear to get there"),
        feature("cost", "currency", "cost of the operations and of four hours of transformers' load loss"),
        feature("code", "1", "what is moved, as one number"),
    )  # fmt: skip


FEATURES = (
    *(feature for moves in range(MOST + 1) for feature in _of(moves)),
    Feature(
        STATION, GROUP, "1", "first 48 bits of the SHA-256 of the station's description and circuit",
        DEFINITION, NEEDS, MISSING,
    ),
)  # fmt: skip
NAMES = tuple(feature.name for feature in FEATURES)


def columns_of(found: Alternatives, station: int) -> Float:
    """Features of n states of the station with the number `station`, float64 [n, features]."""
    parts = (found.imbalance_pct, found.utilisation_pct, found.operations, found.cost, found.code)
    each = np.stack(parts, axis=2).reshape(len(found.code), -1)
    number = np.where(np.isfinite(each[:, :1]), float(station), np.nan)
    return np.concatenate([each, number], axis=1)


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of the stations of n items, float64 [n, features]; NaN where nothing can be moved."""
    out = np.full((len(items), len(FEATURES)), np.nan)
    rows_of: dict[int, list[int]] = {}
    for row, (item, station) in enumerate(zip(items, windows.stations, strict=False)):
        context = item.context
        if station is None or station.movable is None or context is UNSET or context.station is UNSET:
            continue
        rows_of.setdefault(id(station), []).append(row)
    for rows in rows_of.values():
        facts = windows.stations[rows[0]]
        if facts is not None and facts.movable is not None:
            sent = [_sent(items[row]) for row in rows]
            states = _states(sent, facts.movable, facts.circuit.price_per_mwh)
            out[rows] = columns_of(alternatives(states, facts.movable), facts.circuit.code)
    return out


def _sent(item: Item) -> Station:
    context = item.context
    return Station() if context is UNSET or context.station is UNSET else context.station


def _states(stations: Sequence[Station], facts: MovableFacts, price_per_mwh: float) -> States:
    """What the meters of one station say in n requests."""
    every = (*facts.feeders, *facts.others)
    n, units, feeders, supplies = len(stations), len(facts.units), len(every), len(facts.supplies)
    nothing = complex("nan")
    states = States(
        v=np.full((n, units, 3), np.nan),
        s_va=np.full((n, units, 3), nothing),
        feeder_va=np.full((n, feeders, 3), nothing),
        side=np.full((n, feeders), -1, dtype=np.int64),
        supply_va=np.full((n, supplies), nothing),
        pair=np.full((n, supplies), -1, dtype=np.int64),
        price_per_mwh=np.full(n, price_per_mwh),
    )
    for row, station in enumerate(stations):
        bays = {} if station.transformers is UNSET else station.transformers
        drawn = {} if station.feeders is UNSET else station.feeders
        traction = {} if station.traction is UNSET else station.traction
        for k, unit in enumerate(facts.units):
            bay = bays.get(unit.name)
            if bay is not None:
                states.v[row, k] = bay.v
                # A bay that feeds the busbar reads negative.
                states.s_va[row, k] = -(np.array(bay.p) + 1j * np.array(bay.q))
        for k, feeder in enumerate(every):
            own = drawn.get(feeder.name)
            if own is None or own.phases is UNSET:
                continue
            states.feeder_va[row, k] = np.array(own.phases.p) + 1j * np.array(own.phases.q)
            bus = feeder.buses[0] if own.bus is UNSET and k >= len(facts.feeders) else own.bus
            states.side[row, k] = feeder.buses.index(bus) if bus in feeder.buses else -1
        for k, supply in enumerate(facts.supplies):
            power = traction.get(supply.name)
            if power is not None:
                states.supply_va[row, k] = complex(power.p_w, power.q_var)
                states.pair[row, k] = PAIRS.index(power.phases)
    return states
