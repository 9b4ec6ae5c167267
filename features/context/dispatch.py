"""One hour of the whole grid: what stations and parks offer, and how a lossless dispatch would use them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from data_contracts.economic_dispatch import Offers, dispatch_mw, fixed_shares_mw
from data_contracts.transmission import OWN_LOADS, PARKS, PLANTS, UNITS, bus_loads_mw, bus_name, sensitivities
from data_contracts.wire import Context, Item
from features.declaration import DEFINITION, Feature
from features.windows import Windows

Float = NDArray[np.float64]

GROUP = "dispatch"
LOSS_SHARE = 0.012
"""Losses that the lossless dispatch reckons with, as a share of the load."""

EASED = 1.03
"""Its limits, of those at nominal voltage: near 1.05 pu a line's amperes carry so much more."""

UNWATCHED = 0.97
"""Limit of the lossless flow of a line whose current never came near its rating, of the nominal one."""

UNITS_PATH, PARKS_PATH, LOADS_PATH = "context.units", "context.renewables_mw", "context.bus_load_mw"
SYSTEM_PATH = "context.system_load_mw"
ABSENT = "NaN when it was not sent"
EVERY = "NaN unless all of what is offered and drawn was sent"


def _plain(name: str) -> str:
    return name.replace("-", "_")


PARK_MW = tuple(f"{_plain(park.name)}_mw" for park in PARKS)
PLANT_MW = tuple(f"{_plain(plant.name)}_mw" for plant in PLANTS)
COST = tuple(f"{_plain(plant.name)}_per_mwh" for plant in PLANTS)
LOAD_MW = tuple(f"load_{bus_name(bus)}_mw" for bus in OWN_LOADS)
LOSSLESS_MW = tuple(f"lossless_{_plain(unit.name)}_mw" for unit in UNITS)

FEATURES = (
    *(
        Feature(name, GROUP, "MW", f"what {park.name} has", DEFINITION, (PARKS_PATH,), ABSENT)
        for name, park in zip(PARK_MW, PARKS, strict=True)
    ),
    *(
        Feature(name, GROUP, "MW", f"what the units of {plant.name} that are not out have", DEFINITION,
                (UNITS_PATH,), ABSENT)
        for name, plant in zip(PLANT_MW, PLANTS, strict=True)
    ),
    *(
        Feature(name, GROUP, "1/MWh", f"variable cost of {plant.name} at rest", DEFINITION, (UNITS_PATH,),
                ABSENT)
        for name, plant in zip(COST, PLANTS, strict=True)
    ),
    *(
        Feature(name, GROUP, "MW", f"load of bus {bus_name(bus)}", DEFINITION, (LOADS_PATH,), ABSENT)
        for name, bus in zip(LOAD_MW, OWN_LOADS, strict=True)
    ),
    *(
        Feature(
            name, GROUP, "MW",
            f"output of {unit.name} in the cheapest lossless dispatch within {EASED:g} of the lines' limits",
            "DC optimal power flow with shift factors", (UNITS_PATH, PARKS_PATH, LOADS_PATH, SYSTEM_PATH),
            EVERY,
        )
        for name, unit in zip(LOSSLESS_MW, UNITS, strict=True)
    ),
)  # fmt: skip
OFFERED = len(FEATURES) - len(LOSSLESS_MW)
"""Features that are sent; the lossless dispatch follows."""


def offers_of(sent: Float) -> Offers:
    """Offers of n hours from their first features, [n, `OFFERED`]."""
    parks, plants = len(PARKS), len(PARKS) + len(PLANTS)
    return Offers.of(sent[:, :parks], sent[:, parks:plants], sent[:, plants : plants + len(PLANTS)])


def loads_of(sent: Float, system_mw: Float) -> Float:
    """Load of each bus in n hours, [n, buses]."""
    return bus_loads_mw(system_mw, sent[:, OFFERED - len(OWN_LOADS) : OFFERED])


def compute(sent: Float, system_mw: Float) -> Float:
    """Features of n hours, float64 [n, len(FEATURES)].

    Args:
        sent: Parks' and plants' available MW, plants' costs per MWh and loads of the buses `OWN_LOADS`, in
            the order of `FEATURES`, [n, `OFFERED`]; NaN is unknown.
        system_mw: Load of the whole grid, MW, [n].
    """
    out = np.full((len(sent), len(FEATURES)), np.nan)
    out[:, :OFFERED] = sent
    known = np.isfinite(sent).all(axis=1) & np.isfinite(system_mw)
    if known.any():
        offers, loads = offers_of(sent[known]), loads_of(sent[known], system_mw[known])
        limits = np.tile(EASED * sensitivities().limit_mw, (len(loads), 1))
        out[known, OFFERED:] = dispatch_mw(offers, (1.0 + LOSS_SHARE) * system_mw[known], loads, limits)
    return out


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of n items, float64 [n, len(FEATURES)]."""
    del windows
    sent = np.full((len(items), OFFERED), np.nan)
    system_mw = np.full(len(items), np.nan)
    for row, item in enumerate(items):
        if item.context is not UNSET:
            sent[row] = _sent(item.context)
            if item.context.system_load_mw is not UNSET:
                system_mw[row] = item.context.system_load_mw
    return compute(sent, system_mw)


def _sent(context: Context) -> list[float]:
    """What one item says, in the order of `FEATURES`, NaN where it is silent."""
    parks = {} if context.renewables_mw is UNSET else context.renewables_mw
    units = {} if context.units is UNSET else context.units
    loads = {} if context.bus_load_mw is UNSET else context.bus_load_mw
    known = [units.get(plant.name) for plant in PLANTS]
    return [
        *(parks.get(park.name, np.nan) for park in PARKS),
        *(np.nan if unit is None else unit.available_mw for unit in known),
        *(np.nan if unit is None or unit.cost_per_mwh is UNSET else unit.cost_per_mwh for unit in known),
        *(loads.get(bus_name(bus), np.nan) for bus in OWN_LOADS),
    ]


def limits_mw(above_pct: Float, lines: Sequence[int], margin_pct: Sequence[float]) -> Float:
    """Limits for the lossless flow of every line that keep its current within its rating, MW, [n, lines].

    Args:
        above_pct: What the current of some lines is above their lossless flow, % of their limit, [n, k].
        lines: Places of these lines; the others' is taken as `UNWATCHED`.
        margin_pct: What is kept free of each of these lines besides, %.
    """
    share = np.full((len(above_pct), sensitivities().limit_mw.size), UNWATCHED)
    share[:, list(lines)] = 1.0 - (above_pct + np.asarray(margin_pct)) / 100.0
    return np.asarray(sensitivities().limit_mw * share)


def recommend(sent: Float, system_mw: Float, loss_mw: Float, limits: Float) -> tuple[Float, Float, Float]:
    """The cheapest dispatch within all limits, its cost, and what it saves against fixed shares in %.

    Savings are 100·(1 − cost / cost at fixed shares), both for the same load and losses, as in
    `data_contracts.economic_dispatch.fixed_shares_mw`.

    Args:
        sent: First features of n hours, [n, `OFFERED`].
        system_mw: Load of the whole grid, MW, [n].
        loss_mw: Losses to be covered, MW, [n].
        limits: Limits of the lines' lossless flow, MW, [n, lines].

    Returns:
        Outputs in MW [n, units], cost per hour [n] and savings in % [n].
    """
    offers, total = offers_of(sent), system_mw + loss_mw
    p_mw = dispatch_mw(offers, total, loads_of(sent, system_mw), limits)
    cost = offers.cost_per_h(p_mw)
    shares = offers.cost_per_h(fixed_shares_mw(offers, total))
    return p_mw, cost, 100.0 * (1.0 - cost / np.maximum(shares, 1e-9))
