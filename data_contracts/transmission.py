"""The transmission grid as its control centre publishes it: branches, stations, parks, shares of the load.

The 39-bus system of Athay, Podmore and Virmani (1979) at 50 Hz and 400 kV, buses from 1. Flows are those of
the lossless (DC) network: shift factors balanced at the slack bus (e.g. Wood, Wollenberg and Sheblé, *Power
Generation, Operation and Control*; from common knowledge).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

BUSES, SLACK_BUS = 39, 39

# Buses, reactance in pu on 100 MVA, and the limit of a line in MW at nominal voltage; transformers have none.
LINES = (
    (1, 2, 0.03425, 690.0), (1, 39, 0.0625 / 3, 1150.0), (2, 3, 0.0151 / 1.2, 575.0),
    (2, 25, 0.0086 / 1.2, 575.0),
    (3, 4, 0.0213 / 1.2, 575.0), (3, 18, 0.0133 / 1.2, 575.0), (4, 5, 0.0128 / 1.2, 690.0),
    (4, 14, 0.0129 / 1.2, 575.0), (5, 6, 0.0026 / 1.2, 1380.0), (5, 8, 0.0112 / 1.2, 1035.0),
    (6, 7, 0.0092 / 1.2, 1035.0), (6, 11, 0.0082 / 1.2, 552.0), (7, 8, 0.0046 / 1.2, 1035.0),
    (8, 9, 0.0363 / 1.2, 1035.0), (9, 39, 0.025 / 1.2, 1035.0), (10, 11, 0.0043 / 1.2, 690.0),
    (10, 13, 0.0043 / 1.2, 690.0), (13, 14, 0.0101 / 1.2, 690.0), (14, 15, 0.0217 / 1.2, 690.0),
    (15, 16, 0.0094 / 1.2, 690.0), (16, 17, 0.0089 / 1.2, 690.0), (16, 19, 0.0195 / 1.2, 690.0),
    (16, 21, 0.0135 / 1.2, 690.0), (16, 24, 0.0059 / 1.2, 690.0), (17, 18, 0.0082 / 1.2, 690.0),
    (17, 27, 0.0173 / 1.2, 690.0), (21, 22, 0.014 / 1.2, 1035.0), (22, 23, 0.0096 / 1.2, 690.0),
    (23, 24, 0.035 / 1.2, 690.0), (25, 26, 0.0323 / 1.2, 690.0), (26, 27, 0.0147 / 1.2, 690.0),
    (26, 28, 0.0474 / 1.2, 690.0), (26, 29, 0.0625 / 1.2, 690.0), (28, 29, 0.0151 / 1.2, 690.0),
)  # fmt: skip
TRANSFORMERS = (
    (23, 36, 0.0272), (2, 30, 0.0181), (6, 31, 0.025), (10, 32, 0.02), (11, 12, 0.04352941534181226),
    (13, 12, 0.04352941534181226), (19, 20, 0.013817742217887846), (19, 33, 0.014217243052012576),
    (20, 34, 0.01802248595505071), (22, 35, 0.0143), (25, 37, 0.023207757323791545),
    (29, 38, 0.015620499351813309),
)  # fmt: skip

LOAD_MW = {
    1: 97.6, 4: 500.0, 7: 233.8, 8: 522.0, 9: 6.5, 12: 8.53, 15: 320.0, 18: 158.0, 20: 680.0, 23: 247.5,
    24: 308.6, 25: 224.0, 26: 139.0, 28: 206.0, 29: 283.5, 31: 9.2, 39: 1104.0,
}  # fmt: skip
"""Load of the buses that rise and fall together, MW: only its shares count."""

OWN_LOADS = (3, 16, 21, 27)
"""Buses whose load moves for itself: those of the substations."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A power station, or a park of wind turbines or solar cells, which costs nothing and may be curtailed.

    Attributes:
        name: Bus and fuel.
        bus: Its bus.
        rated_mw: Rated power of all its machines.
        minimum_pu: Least output of what is available, pu of it.
        rise: Share by which its marginal cost rises from rest to rated power.
    """

    name: str
    bus: int
    rated_mw: float
    minimum_pu: float
    rise: float


PARKS = (
    Unit("b04-solar", 4, 450.0, 0.0, 0.0), Unit("b08-wind", 8, 400.0, 0.0, 0.0),
    Unit("b27-solar", 27, 350.0, 0.0, 0.0), Unit("b29-wind", 29, 250.0, 0.0, 0.0),
)  # fmt: skip
PLANTS = (
    Unit("b30-hydro", 30, 1040.0, 0.10, 0.04), Unit("b31-gas", 31, 640.0, 0.12, 0.12),
    Unit("b32-coal", 32, 726.0, 0.25, 0.10), Unit("b33-coal", 33, 654.0, 0.25, 0.10),
    Unit("b34-coal", 34, 508.0, 0.25, 0.10), Unit("b35-coal", 35, 687.0, 0.25, 0.10),
    Unit("b36-gas", 36, 580.0, 0.12, 0.12), Unit("b37-coal", 37, 564.0, 0.25, 0.10),
    Unit("b38-nuclear", 38, 864.0, 0.50, 0.02), Unit("b39-interconnection", 39, 1100.0, 0.05, 0.15),
)  # fmt: skip
UNITS = (*PARKS, *PLANTS)


def bus_name(bus: int) -> str:
    """Name of a bus, such as `b03`."""
    return f"b{bus:02d}"


LINE_NAMES = tuple(f"line-{bus_name(one)}-{bus_name(other)}" for one, other, _, _ in LINES)
DIGEST = sha256(repr((LINES, TRANSFORMERS, LOAD_MW, OWN_LOADS, UNITS)).encode()).hexdigest()
"""Of everything above: a model holds for one grid."""


@dataclass(frozen=True, slots=True)
class Sensitivities:
    """Flow of each limited line by what is fed in and drawn, and its limit.

    Attributes:
        units: Change by the output of each unit, MW/MW, [m, units].
        loads: Change by the load of each bus, MW/MW, [m, buses]; positive where the load adds to the flow.
        limit_mw: Limit at nominal voltage, MW, [m].
    """

    units: Float
    loads: Float
    limit_mw: Float


@lru_cache(maxsize=1)
def sensitivities() -> Sensitivities:
    """Shift factors of the lines, balanced at the slack bus."""
    ends = [(one - 1, other - 1) for one, other, *_ in (*LINES, *TRANSFORMERS)]
    x_pu = np.array([branch[2] for branch in (*LINES, *TRANSFORMERS)])
    incidence = np.zeros((len(ends), BUSES))
    for branch, (one, other) in enumerate(ends):
        incidence[branch, one], incidence[branch, other] = 1.0, -1.0
    weighted = incidence / x_pu[:, None]
    kept = np.array([bus for bus in range(BUSES) if bus != SLACK_BUS - 1])
    factors = np.zeros((len(ends), BUSES))
    factors[:, kept] = weighted[:, kept] @ np.linalg.inv((incidence.T @ weighted)[np.ix_(kept, kept)])
    lines = factors[: len(LINES)]
    return Sensitivities(
        lines[:, [unit.bus - 1 for unit in UNITS]], -lines, np.array([line[3] for line in LINES])
    )


def bus_loads_mw(system_mw: Float, own_mw: Float) -> Float:
    """Load of every bus, [n, buses]: what is not of `OWN_LOADS` is shared as ever.

    Args:
        system_mw: Load of the whole grid, MW, [n].
        own_mw: Load of each bus of `OWN_LOADS`, MW, [n, 4].
    """
    share = np.zeros(BUSES)
    share[[bus - 1 for bus in LOAD_MW]] = list(LOAD_MW.values())
    loads = (system_mw - own_mw.sum(axis=1))[:, None] * (share / share.sum())
    loads[:, [bus - 1 for bus in OWN_LOADS]] = own_mw
    return np.asarray(loads)
