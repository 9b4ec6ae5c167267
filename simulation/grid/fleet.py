"""What every power station and park of the grid offers in one hour: how much, from where, at what cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.grid.hours import SystemHours
from simulation.grid.plants import PLANTS, RENEWABLES
from simulation.noise import Floats

BUSES = np.array([*(plant.bus for plant in PLANTS), *(park.bus for park in RENEWABLES)])
"""Bus of each plant and park, shape [u]."""

RENEWABLE = np.arange(BUSES.size) >= len(PLANTS)
"""Whether it is a park, whose output costs nothing and may be curtailed, shape [u]."""

NAMES = (
    *(f"b{plant.bus + 1:02d}-{plant.fuel}" for plant in PLANTS),
    *(f"b{park.bus + 1:02d}-{park.kind}" for park in RENEWABLES),
)
"""Bus, from 1 as in the case, and fuel: plants, then parks."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """One hour's offers, plants first and parks after them, every array of shape [u].

    Attributes:
        minimum_mw: Least output.
        available_mw: Largest output: of the units that are not out, or what sun and wind give.
        cost_per_mwh: Variable cost at rest, b in b·P + c·P².
        quadratic_per_mw2h: Half of the slope of the marginal cost, c.
    """

    minimum_mw: Floats
    available_mw: Floats
    cost_per_mwh: Floats
    quadratic_per_mw2h: Floats

    @classmethod
    def of(cls, hours: SystemHours, k: int) -> Fleet:
        """The offers of hour `k`."""
        parks_pu = [float(getattr(hours, f"{park.kind}_pu")[k]) for park in RENEWABLES]
        return cls._offered(hours.units[k], hours.cost_pu[k], parks_pu)

    @classmethod
    def usual(cls) -> Fleet:
        """All units at their usual costs, and a third of what the parks can give."""
        return cls._offered(
            np.array([plant.units for plant in PLANTS]), np.ones(len(PLANTS)), [1.0 / 3.0] * len(RENEWABLES)
        )

    @classmethod
    def _offered(cls, units: NDArray[np.int64], cost_pu: Floats, parks_pu: list[float]) -> Fleet:
        rated = units * [plant.unit_mw for plant in PLANTS]
        cost = cost_pu * [plant.cost_per_mwh for plant in PLANTS]
        rise = np.array([plant.rise for plant in PLANTS])
        parks = [park.p_max_mw * share for park, share in zip(RENEWABLES, parks_pu, strict=True)]
        free = np.zeros(len(parks))
        return cls(
            minimum_mw=np.concatenate([rated * [plant.minimum_pu for plant in PLANTS], free]),
            available_mw=np.concatenate([rated, parks]),
            cost_per_mwh=np.concatenate([cost, free]),
            quadratic_per_mw2h=np.concatenate(
                [0.5 * rise * cost / [plant.p_max_mw for plant in PLANTS], free]
            ),
        )

    def cost_per_h(self, p_mw: Floats) -> float:
        """Variable cost Σ b·P + c·P² of the outputs `p_mw`, shape [u]."""
        return float(np.sum(self.cost_per_mwh * p_mw + self.quadratic_per_mw2h * p_mw**2))


def at_buses(values: Floats, buses: NDArray[np.integer], count: int) -> Floats:
    """Sum of `values` at each of `count` buses."""
    found = np.zeros(count)
    np.add.at(found, buses, values)
    return found
