"""Representative system hours and what the whole grid draws and harvests in them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from simulation.clock import DAY_S, local_time
from simulation.demand.classes import CLASSES
from simulation.demand.weather import clear_sky_ghi, cloud_factor
from simulation.grid.plants import COST_SPREAD, FORCED_OUTAGE, PLANTS
from simulation.noise import Floats

_GOLDEN = 0.6180339887498949
# Shares of the customer classes in the grid's load, and the latitude and temperature of its middle.
_MIX = (0.34, 0.16, 0.36, 0.14)
_LATITUDE = 21.0
_MEAN_C, _ANNUAL_C, _DAILY_C = 26.0, 6.0, 5.0


@dataclass(frozen=True, slots=True)
class SystemHours:
    """The grid in each hour, every array of shape [h].

    Attributes:
        t: Unix seconds at which the hours begin, rising.
        load_pu: Load of the grid's own customers, pu of the case's load.
        solar_pu: Output of solar parks, pu of their rating.
        wind_pu: Output of wind parks, pu of their rating.
        units: Units of each plant that can run, at least one, shape [h, plants].
        cost_pu: Variable cost of each plant, pu of its usual one, shape [h, plants].
    """

    t: NDArray[np.int64]
    load_pu: Floats
    solar_pu: Floats
    wind_pu: Floats
    units: NDArray[np.int64]
    cost_pu: Floats

    def __getitem__(self, rows: slice) -> SystemHours:
        """Some of the hours."""
        return SystemHours(*(getattr(self, each.name)[rows] for each in fields(self)))


def choose_hours(start: int, days: int, count: int) -> NDArray[np.int64]:
    """Hours that cover the day evenly and the days of the campaign by the golden ratio, Unix seconds, rising.

    Args:
        start: Unix seconds of the first local midnight.
        days: Days of the campaign.
        count: Hours wanted; never more than there are.
    """
    wanted = min(count, 24 * days)
    chosen: set[tuple[int, int]] = set()
    for k in range(wanted):
        hour = (24 * k) // wanted
        day = int(days * ((0.5 + k) * _GOLDEN % 1.0))
        while (day, hour) in chosen:
            day, hour = ((day + 1) % days, hour) if days > 1 else (day, (hour + 1) % 24)
        chosen.add((day, hour))
    return np.array(sorted(start + DAY_S * day + 3600 * hour for day, hour in chosen), dtype=np.int64)


def simulate_hours(rng: np.random.Generator, t: NDArray[np.int64], utc_offset_s: int) -> SystemHours:
    """Load, sun and wind of the whole grid in the given hours, and what its plants can give at which cost.

    Load is the sum of the customer classes of `simulation.demand` in the weather of the country's middle,
    scaled so that its mean working-day peak is near the case's load, times a spread of days; sun and wind as
    at a site. Each unit is out for itself, and costs are log-normal around the usual ones. The hours lie days
    apart: nothing is carried from one to the next.
    """
    when = local_time(t + 1800, utc_offset_s)
    season = np.cos(2.0 * np.pi * (when.day_of_year - 140.0) / 365.25)
    daily = np.cos(2.0 * np.pi * (when.hour - 15.0) / 24.0)
    ambient = _MEAN_C + _ANNUAL_C * season + _DAILY_C * daily + rng.normal(0.0, 1.5, t.size)
    demand = sum(
        (share * cls.expected(when, ambient) for share, cls in zip(_MIX, CLASSES, strict=True)),
        start=np.zeros(t.size),
    )
    cover = rng.beta(1.2, 1.8, t.size)
    sun = clear_sky_ghi(when.day_of_year, when.hour, _LATITUDE) * cloud_factor(cover) / 1000.0
    # The south-west monsoon blows hardest in July.
    windy = 0.35 + 0.20 * np.cos(2.0 * np.pi * (when.day_of_year - 195.0) / 365.25)
    load = np.clip(0.86 * demand * (1.0 + rng.normal(0.0, 0.03, t.size)), 0.45, 1.02)
    wind = np.clip(windy * rng.weibull(2.0, t.size) * 1.13, 0.0, 1.0)
    count = [plant.units for plant in PLANTS]
    running = rng.binomial(count, [1.0 - FORCED_OUTAGE[plant.fuel] for plant in PLANTS], (t.size, len(count)))
    spread = np.array([COST_SPREAD[plant.fuel] for plant in PLANTS])
    return SystemHours(
        t=t,
        load_pu=load,
        solar_pu=np.clip(0.9 * sun, 0.0, 1.0),
        wind_pu=wind,
        units=np.maximum(running, 1),
        cost_pu=np.exp(spread * rng.standard_normal((t.size, len(count)))),
    )
