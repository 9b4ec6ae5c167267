"""The station as a whole: who carries what by the single-line diagram, and what nameplates say it loses."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from data_contracts.station import BankFacts, StationFacts, TapFacts
from substations.circuit import circuit_facts
from substations.description import Substation
from substations.equipment import Capacitor
from substations.movable import movable_facts
from substations.resistances import line_ohms
from substations.sections import sections

Float = NDArray[np.float64]

LOW_KV = 100.0
"""Feeders below this level count as low."""

REACTOR_LOSS = 0.0025
"""Loss of a shunt reactor as a share of its rating: 0.2 to 0.3 % is usual (from common knowledge)."""

DESIGN_LOAD = 0.75
"""Share of the described base load at which a station's loss is divided by design."""


def station_facts(substation: Substation) -> StationFacts:
    """Nameplate figures of the station's losses.

    Feeders' power follows the single-line diagram up to the infeeds, with couplers as in normal operation;
    parallel branches share by rating. A branch loses R·(P² + Q²)/U² at nominal voltage.

    Raises:
        SubstationError: A line's impedance cannot be read from the circuit's text, or the sections form no
            tree.
    """
    ohm = line_ohms(substation)
    kv = {bus.id: bus.nominal_kv for bus in substation.buses}
    transformers, infeeds = _shares(substation)
    # Feeders first, then banks: a bank's loss goes with the square of what it leaves for its busbar to draw.
    count = len(substation.feeders)
    matrix = np.zeros((count + len(substation.capacitors), count + len(substation.capacitors)))
    for share, unit in zip(transformers, substation.transformers, strict=True):
        loss_per_va2 = 1e3 * unit.load_loss_kw / (1e6 * unit.windings[0].rated_mva) ** 2
        matrix += loss_per_va2 * np.outer(share, share)
    for share, infeed in zip(infeeds, substation.infeeds, strict=True):
        matrix += ohm[infeed.line] / (1e3 * kv[infeed.bus]) ** 2 * np.outer(share, share)
    for k, feeder in enumerate(substation.feeders):
        if feeder.line is not None:
            matrix[k, k] += ohm[feeder.line] / (1e3 * kv[feeder.bus]) ** 2
    design_w = [DESIGN_LOAD * 1e6 * feeder.base_mw for feeder in substation.feeders]
    return StationFacts(
        feeders=tuple(feeder.id for feeder in substation.feeders),
        low=tuple(kv[feeder.bus] < LOW_KV for feeder in substation.feeders),
        always_w=1e3 * sum(unit.no_load_loss_kw for unit in substation.transformers)
        + 1e6 * REACTOR_LOSS * sum(reactor.mvar for reactor in substation.reactors),
        per_va2=tuple(tuple(row[:count]) for row in matrix[:count].tolist()),
        design_p_w=tuple(design_w),
        design_q_var=tuple(
            p_w * math.tan(math.acos(feeder.power_factor))
            for p_w, feeder in zip(design_w, substation.feeders, strict=True)
        ),
        v_nom_v=1e3 * kv[substation.infeeds[0].bus] / math.sqrt(3.0),
        taps=tuple(
            TapFacts(
                name=unit.id,
                positions=unit.taps.steps,
                min_pu=unit.taps.min_pu,
                step_pu=unit.taps.step_pu,
            )
            for unit in substation.transformers
            if unit.taps is not None
        ),
        banks=tuple(
            _bank(substation, bank, matrix[count + k, :count], matrix[count + k, count:])
            for k, bank in enumerate(substation.capacitors)
        ),
        circuit=circuit_facts(substation),
        movable=movable_facts(substation),
    )


def _bank(substation: Substation, bank: Capacitor, by_feeder: Float, by_bank: Float) -> BankFacts:
    """A bank with the bays that its busbar is fed from and what it does to the station's loss."""
    section = sections(substation)
    bays = [
        point
        for point in substation.points
        if point.kind in {"transformer_bay", "bus"} and point.bus == bank.bus and point.terminal > 1
    ]
    feeding = {point.element for point in bays}
    return BankFacts(
        name=bank.id,
        steps=bank.steps,
        q_var=1e6 * bank.mvar,
        points=tuple(point.id for point in bays),
        transformer=next((unit.id for unit in substation.transformers if unit.element in feeding), ""),
        x_pu=bank.mvar * _x_per_mva(substation, section, section[bank.bus]),
        feeders=tuple(feeder.id for feeder in substation.feeders if section[feeder.bus] == section[bank.bus]),
        by_feeder=tuple(by_feeder.tolist()),
        by_bank=tuple(by_bank.tolist()),
    )


def _x_per_mva(substation: Substation, section: dict[str, str], name: str) -> float:
    """Reactance of the transformers between a section and the infeeds, per unit of a base of 1 MVA."""
    above = [unit for unit in substation.transformers if section[unit.windings[1].bus] == name]
    if not above or any(section[infeed.bus] == name for infeed in substation.infeeds):
        return 0.0
    strength_mva = sum(100.0 * unit.windings[0].rated_mva / unit.x_hl_pct for unit in above)
    return 1.0 / strength_mva + _x_per_mva(substation, section, section[above[0].windings[0].bus])


def _shares(substation: Substation) -> tuple[Float, Float]:
    """Share of each feeder's and bank's power in transformers [t, f + b] and infeeds [i, f + b]."""
    section = sections(substation)
    buses = [feeder.bus for feeder in substation.feeders] + [bank.bus for bank in substation.capacitors]
    count = len(buses)
    below = {name: np.zeros(count) for name in section.values()}
    for k, bus in enumerate(buses):
        below[section[bus]][k] = 1.0
    units = substation.transformers
    ends = [tuple(section[winding.bus] for winding in unit.windings[:2]) for unit in units]
    transformers = np.zeros((len(units), count))
    passed: set[tuple[str, ...]] = set()
    # From the lowest voltage upwards: what a section carries is known before it is passed on.
    for k in sorted(range(len(units)), key=lambda k: units[k].windings[1].nominal_kv):
        if ends[k] in passed:
            continue
        passed.add(ends[k])
        beside = [j for j, other in enumerate(ends) if other == ends[k]]
        rated = sum(units[j].rated_mva for j in beside)
        high, low = ends[k]
        for j in beside:
            transformers[j] = below[low] * units[j].rated_mva / rated
        below[high] = below[high] + below[low]
    fed = [section[infeed.bus] for infeed in substation.infeeds]
    return transformers, np.array([below[name] / fed.count(name) for name in fed]).reshape(len(fed), count)
