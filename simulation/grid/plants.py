"""Power stations and renewables of the transmission grid: where they are, how large, what they cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plant:
    """One power station of equal units.

    Attributes:
        bus: Bus of the 39-bus case, from 0.
        fuel: What it burns.
        units: Number of equal units.
        unit_mw: Rated active power of one unit.
        cost_per_mwh: Variable cost, rupees per MWh.
        v_pu: Voltage that its regulators hold.
        minimum_pu: Least stable output of the units that are available, pu of their rating.
        rise: Share by which the marginal cost rises from rest to rated power.
    """

    bus: int
    fuel: str
    units: int
    unit_mw: float
    cost_per_mwh: float
    v_pu: float
    minimum_pu: float
    rise: float

    @property
    def p_max_mw(self) -> float:
        """Rated power of the whole station."""
        return self.units * self.unit_mw


@dataclass(frozen=True, slots=True)
class Renewable:
    """One wind or solar park at a load bus, `kind` is `wind` or `solar`."""

    bus: int
    kind: str
    p_max_mw: float


FORCED_OUTAGE = {"hydro": 0.03, "gas": 0.06, "coal": 0.08, "nuclear": 0.04, "interconnection": 0.03}
"""Share of the hours in which a unit is out, by fuel (of the usual order; from common knowledge)."""

COST_SPREAD = {"hydro": 0.10, "gas": 0.12, "coal": 0.06, "nuclear": 0.0, "interconnection": 0.15}
"""Standard deviation of the logarithm of an hour's cost: fuel, the water's worth, the market's price."""

# Sizes follow the 39-bus case; costs are of the order of Indian variable charges by fuel (from common
# knowledge). The order in cost does not follow the distance to the load, so that the cheapest dispatch meets
# the lines' limits.
PLANTS = (
    Plant(29, "hydro", 5, 208.0, 1900.0, 1.025, 0.10, 0.04),
    Plant(30, "gas", 4, 160.0, 5400.0, 1.010, 0.12, 0.12),
    Plant(31, "coal", 3, 242.0, 3100.0, 1.010, 0.25, 0.10),
    Plant(32, "coal", 3, 218.0, 3350.0, 1.010, 0.25, 0.10),
    Plant(33, "coal", 2, 254.0, 3700.0, 1.010, 0.25, 0.10),
    Plant(34, "coal", 3, 229.0, 2850.0, 1.020, 0.25, 0.10),
    Plant(35, "gas", 4, 145.0, 6100.0, 1.020, 0.12, 0.12),
    Plant(36, "coal", 3, 188.0, 3500.0, 1.015, 0.25, 0.10),
    Plant(37, "nuclear", 4, 216.0, 2300.0, 1.015, 0.50, 0.02),
    Plant(38, "interconnection", 5, 220.0, 4300.0, 1.020, 0.05, 0.15),
)

RENEWABLES = (
    Renewable(3, "solar", 450.0),
    Renewable(26, "solar", 350.0),
    Renewable(7, "wind", 400.0),
    Renewable(28, "wind", 250.0),
)

SLACK_BUS = 38
