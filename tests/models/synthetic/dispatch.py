"""Hours of the units' dispatch, for the table `dispatch`."""

from __future__ import annotations

from dataclasses import fields
from functools import cache

import numpy as np

from data_contracts.economic_dispatch import Offers, dispatch_mw
from data_contracts.transmission import BUSES, OWN_LOADS, UNITS, bus_loads_mw, sensitivities
from simulation.grid import DispatchHour
from simulation.grid.dispatch import LOSS_SHARE, Dispatch
from simulation.grid.fleet import NAMES, Fleet
from simulation.grid.hours import simulate_hours
from simulation.grid.optimum import Optimum
from tests.models.synthetic.parts import START


@cache
def dispatched_hours() -> tuple[DispatchHour, ...]:
    """Hours of forty days, most on test days; the lossless dispatch also stands for the AC optimum."""
    rng = np.random.default_rng(5)
    days = np.concatenate([np.arange(40), np.tile([17, 18, 19, 37, 38, 39], 16)])
    t = int(START) - 19800 + np.unique(86400 * days + 3600 * rng.integers(24, size=days.size))
    system = simulate_hours(rng, t, 19800)
    own = system.load_pu[:, None] * rng.uniform(150, 300, (t.size, len(OWN_LOADS)))
    load = bus_loads_mw(4600.0 * system.load_pu + own.sum(axis=1), own)
    fleets = [Fleet.of(system, k) for k in range(t.size)]
    place = [NAMES.index(unit.name) for unit in UNITS]
    offers = Offers(
        *(np.stack([getattr(fleet, one.name)[place] for fleet in fleets]) for one in fields(Offers))
    )
    total, limits = load.sum(axis=1) * (1 + LOSS_SHARE), np.tile(sensitivities().limit_mw, (t.size, 1))
    p_mw = dispatch_mw(offers, total, load * (1 + LOSS_SHARE), limits)[:, np.argsort(place)]
    hours = []
    for k, fleet in enumerate(fleets):
        cost, line = fleet.cost_per_h(p_mw[k]), "line-b02-b03" if k % 3 else ""
        found = Dispatch(p_mw[k], np.zeros(BUSES), cost, line, np.zeros(BUSES))
        best = Optimum(p_mw[k], cost, LOSS_SHARE * load[k].sum(), line, 1.0, 1.05, 99.0)
        hours.append(DispatchHour(int(t[k]), fleet, load[k], 0.25 * load[k], found, found, best, "ok"))
    return tuple(hours)
