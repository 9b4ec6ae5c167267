"""Customer classes: what each draws at every hour, weekday, season and temperature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.clock import LocalTime
from simulation.noise import Floats


@dataclass(frozen=True, slots=True)
class CustomerClass:
    """Load of one class in pu of its base.

    Attributes:
        name: As in the description's `mix`.
        hourly: Working-day shape at the full hours 0 … 23, pu.
        saturday: Factor on Saturdays.
        sunday: Factor on Sundays and public holidays.
        cooling_pct_per_c: Rise per kelvin above `comfort_c`, %.
        comfort_c: Temperature above which cooling begins, °C.
        season_amplitude: Half the yearly swing that temperature does not explain, pu.
        season_peak_day: Day of the year at which it is largest.
        sigma: Standard deviation of the slow stochastic term, pu.
    """

    name: str
    hourly: tuple[float, ...]
    saturday: float
    sunday: float
    cooling_pct_per_c: float
    comfort_c: float
    season_amplitude: float
    season_peak_day: float
    sigma: float

    def expected(self, when: LocalTime, ambient_c: Floats) -> Floats:
        """Load in pu of the class' base without its stochastic term, shape [n]."""
        hours = np.arange(25.0)
        shape = np.interp(when.hour, hours, np.array([*self.hourly, self.hourly[0]]))
        free = when.holiday | (when.day_of_week == 6)
        weekly = np.where(free, self.sunday, np.where(when.day_of_week == 5, self.saturday, 1.0))
        # Saturated: an air conditioner that runs all the time cannot draw more.
        cooling = 1.0 + 0.01 * self.cooling_pct_per_c * np.clip(ambient_c - self.comfort_c, 0.0, 16.0)
        season = 1.0 + self.season_amplitude * np.cos(
            2.0 * np.pi * (when.day_of_year - self.season_peak_day) / 365.25
        )
        return np.asarray(shape * weekly * cooling * season, dtype=np.float64)


# Shapes after the load-research profiles that Indian distribution companies publish: an evening peak at home,
# an office day, two shifts, and irrigation pumps fed in rostered hours at night and around noon.
RESIDENTIAL = CustomerClass(
    "residential",
    (0.62, 0.56, 0.52, 0.50, 0.52, 0.62, 0.78, 0.86, 0.82, 0.74, 0.70, 0.68,
     0.70, 0.72, 0.72, 0.72, 0.76, 0.84, 1.00, 1.14, 1.16, 1.08, 0.92, 0.76),
    1.03, 1.08, 2.4, 24.0, 0.03, 15.0, 0.035,
)  # fmt: skip
COMMERCIAL = CustomerClass(
    "commercial",
    (0.32, 0.30, 0.29, 0.29, 0.30, 0.34, 0.44, 0.58, 0.76, 0.94, 1.06, 1.10,
     1.10, 1.08, 1.08, 1.08, 1.06, 1.04, 1.02, 0.96, 0.82, 0.62, 0.46, 0.38),
    0.85, 0.55, 2.0, 23.0, 0.02, 120.0, 0.03,
)  # fmt: skip
INDUSTRIAL = CustomerClass(
    "industrial",
    (0.72, 0.70, 0.70, 0.70, 0.72, 0.78, 0.90, 0.98, 1.04, 1.06, 1.06, 1.04,
     0.98, 1.02, 1.05, 1.05, 1.02, 0.98, 0.95, 0.92, 0.90, 0.86, 0.80, 0.75),
    0.92, 0.72, 0.5, 26.0, 0.02, 60.0, 0.05,
)  # fmt: skip
AGRICULTURAL = CustomerClass(
    "agricultural",
    (1.05, 1.10, 1.12, 1.12, 1.08, 0.92, 0.66, 0.46, 0.44, 0.62, 0.86, 0.96,
     0.98, 0.94, 0.80, 0.56, 0.36, 0.30, 0.30, 0.32, 0.40, 0.60, 0.82, 0.96),
    1.0, 1.0, 0.6, 30.0, 0.35, 20.0, 0.06,
)  # fmt: skip

CLASSES = (RESIDENTIAL, COMMERCIAL, INDUSTRIAL, AGRICULTURAL)
