"""The station as a whole: power of its feeders, positions of its regulators, and losses by its nameplates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from data_contracts.station import StationFacts
from data_contracts.wire import Context, Item
from features.declaration import DEFINITION, Feature
from features.windows import Windows

Float = NDArray[np.float64]

GROUP = "station"
LEAST_LOAD = 0.05
"""Served power, of the design load, below which a station counts as idle (or its powers as no watts)."""

INFEED_PU = (0.5, 1.5)
"""Voltages of a busbar that is in operation."""

FEEDERS, INFEED = "context.station.feeders", "context.station.v_infeed_v"
EVERY = f"NaN unless each feeder was sent and together they draw {100 * LEAST_LOAD:g} % of the design load"
NAMEPLATE = "IEC 60076-1 (load loss, no-load loss); Joule's law"


def _of_feeders(name: str, unit: str, text: str, source: str = DEFINITION) -> Feature:
    return Feature(name, GROUP, unit, text, source, (FEEDERS,), EVERY)


FEATURES = (
    _of_feeders("station_tan_phi", "1", "reactive over active power of all feeders"),
    _of_feeders("station_low_share", "1", "share of the feeders below 100 kV in their active power"),
    _of_feeders(
        "nameplate_loss_w", "W",
        "P₀ + Pₖ·(S/S_r)² of transformers, 3·I²·R of lines, at nominal voltage and reference temperature",
        NAMEPLATE,
    ),
    _of_feeders("nameplate_loss_pct", "%", "the same, of the feeders' active power", NAMEPLATE),
    _of_feeders("no_load_share", "1", "share of no-load loss and shunt reactors in it", NAMEPLATE),
    _of_feeders(
        "design_resistive_share", "1", "share of active power in it at 75 % of the described base load",
        NAMEPLATE,
    ),
    _of_feeders("design_reactive_share", "1", "share of reactive power in it there", NAMEPLATE),
    Feature(
        "infeed_v_pu", GROUP, "pu", "voltage at the first infeed's busbar", DEFINITION, (INFEED,),
        f"NaN when it was not sent or is not within {INFEED_PU[0]:g} to {INFEED_PU[1]:g} pu",
    ),
    Feature(
        "station_ratio_pu", GROUP, "pu", "mean turns ratio of the tap changers, less 1", DEFINITION,
        ("context.tap",), "NaN unless each tap changer has a position that it knows",
    ),
    Feature(
        "bank_share", GROUP, "1", "rated var of the capacitor steps in service over W of all feeders",
        DEFINITION, (FEEDERS, "context.capacitor_steps"), "NaN unless each bank has steps that it knows",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Flows:
    """What n stations serve; a value that is not known is NaN.

    Attributes:
        p_w: Active power of all feeders, W, [n].
        q_var: Their reactive power, var, [n].
        p_low_w: Active power of those below 100 kV, W, [n].
        nameplate_w: Loss by nameplates, W, [n].
        infeed_v_pu: Voltage at the first infeed's busbar, pu, [n].
        ratio_pu: Mean turns ratio of the tap changers, [n].
        bank_var: Rated reactive power of the capacitor steps in service, var, [n].
    """

    p_w: Float
    q_var: Float
    p_low_w: Float
    nameplate_w: Float
    infeed_v_pu: Float
    ratio_pu: Float
    bank_var: Float


def compute(flows: Flows, station: StationFacts) -> Float:
    """Features of n states of one station, float64 [n, features]."""
    always_w, design_w, resistive, reactive = nameplates(station)
    p_w = np.where(flows.p_w >= LEAST_LOAD * design_w, flows.p_w, np.nan)
    loss_w = flows.nameplate_w + 0.0 * p_w
    low, high = INFEED_PU
    known = (flows.infeed_v_pu >= low) & (flows.infeed_v_pu <= high)
    found = (
        flows.q_var / p_w,
        flows.p_low_w / p_w,
        loss_w,
        100.0 * loss_w / p_w,
        always_w / loss_w,
        resistive + 0.0 * p_w,
        reactive + 0.0 * p_w,
        np.where(known, flows.infeed_v_pu, np.nan),
        flows.ratio_pu - 1.0,
        flows.bank_var / p_w,
    )
    return np.stack(found, axis=1)


@lru_cache(maxsize=256)
def nameplates(station: StationFacts) -> tuple[float, float, float, float]:
    """No-load loss, W; design load, W; shares of active and reactive power in the loss at that load."""
    matrix, _ = _arrays(station)
    p_w, q_var = np.array(station.design_p_w), np.array(station.design_q_var)
    resistive, reactive = float(p_w @ matrix @ p_w), float(q_var @ matrix @ q_var)
    total = station.always_w + resistive + reactive
    return station.always_w, float(p_w.sum()), resistive / total, reactive / total


@lru_cache(maxsize=256)
def _arrays(station: StationFacts) -> tuple[Float, Float]:
    """The loss's matrix and which feeders are low, as arrays."""
    return np.array(station.per_va2), np.array(station.low, dtype=np.float64)


def ratio_pu(station: StationFacts, positions: dict[str, int]) -> float:
    """Mean turns ratio of the tap changers at these positions; NaN where one is not among them."""
    found = []
    for tap in station.taps:
        position = positions.get(tap.name, 0)
        if not 1 <= position <= tap.positions:
            return float("nan")
        found.append(tap.min_pu + (position - 1) * tap.step_pu)
    return sum(found) / len(found) if found else 1.0


def bank_var(station: StationFacts, steps: dict[str, int]) -> float:
    """Rated reactive power of the steps in service, var; NaN where a bank's steps are not known."""
    total = 0.0
    for bank in station.banks:
        number = steps.get(bank.name, -1)
        if not 0 <= number <= bank.steps:
            return float("nan")
        total += bank.q_var * number / bank.steps
    return total


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of the stations of n items, float64 [n, features]; NaN where nobody knows the nameplates."""
    out = np.full((len(items), len(FEATURES)), np.nan)
    rows_of: dict[int, list[int]] = {}
    for row, (item, station) in enumerate(zip(items, windows.stations, strict=False)):
        if station is not None and item.context is not UNSET:
            rows_of.setdefault(id(station), []).append(row)
    for rows in rows_of.values():
        station = windows.stations[rows[0]]
        if station is not None:
            out[rows] = compute(_flows([items[row].context for row in rows], station), station)
    return out


def _flows(contexts: Sequence[Context | UnsetType], station: StationFacts) -> Flows:
    """What one station serves by n contexts."""
    nan = float("nan")
    nothing = [nan] * len(station.feeders)
    p, q, others = [], [], []
    for context in contexts:
        own_p, own_q, infeed_v_pu, ratio, banks = nothing, nothing, nan, nan, nan
        if context is not UNSET:
            sent = context.station
            if sent is not UNSET and sent.v_infeed_v is not UNSET:
                infeed_v_pu = sent.v_infeed_v / station.v_nom_v
            if sent is not UNSET and sent.feeders is not UNSET:
                feeders = sent.feeders
                if len(feeders) == len(station.feeders) and all(name in feeders for name in station.feeders):
                    powers = [feeders[name] for name in station.feeders]
                    own_p, own_q = [one.p_w for one in powers], [one.q_var for one in powers]
            if context.tap is not UNSET:
                ratio = ratio_pu(station, context.tap)
            if context.capacitor_steps is not UNSET:
                banks = bank_var(station, context.capacitor_steps)
        p.append(own_p)
        q.append(own_q)
        others.append((infeed_v_pu, ratio, banks))
    p_w, q_var = np.array(p), np.array(q)
    matrix, low = _arrays(station)
    infeed, ratios, bank = np.array(others).T
    # Sums in one order for each row, so that a batch gives what its rows give alone.
    by_p, by_q = (np.einsum("nf,fg,ng->n", x, matrix, x) for x in (p_w, q_var))
    return Flows(
        p_w=p_w.sum(axis=1),
        q_var=q_var.sum(axis=1),
        p_low_w=(p_w * low).sum(axis=1),
        nameplate_w=station.always_w + by_p + by_q,
        infeed_v_pu=infeed,
        ratio_pu=ratios,
        bank_var=bank,
    )
