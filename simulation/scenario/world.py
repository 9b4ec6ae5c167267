"""What all scenarios of one substation in one campaign share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from simulation.clock import local_midnight, local_time
from simulation.demand import FeederLoads
from simulation.grid import BoundaryHour
from simulation.noise import Floats
from simulation.scenario.regulation import Regulators, regulators_of
from substations.description import Substation


@dataclass(frozen=True, slots=True)
class World:
    """One substation in one campaign.

    Attributes:
        substation: Its description.
        loads: Its feeders' load.
        hours: The grid at its bus.
        start: First local day.
        days: Number of days.
        regulators: Its tap changers and capacitor banks.
        limit: Ratio-error limit of each point's voltage transformers, as a fraction, shape [p].
        sees_half_cycles: Whether each point's meter has half-cycle extremes, shape [p].
    """

    substation: Substation
    loads: FeederLoads
    hours: tuple[BoundaryHour, ...]
    start: date
    days: int
    regulators: Regulators
    limit: Floats
    sees_half_cycles: np.ndarray[tuple[int], np.dtype[np.bool_]]

    @classmethod
    def of(
        cls, substation: Substation, loads: FeederLoads, hours: tuple[BoundaryHour, ...], start: date, days: int
    ) -> World:
        """Gather what the scenarios of `substation` need."""
        points = substation.points
        return cls(
            substation,
            loads,
            hours,
            start,
            days,
            regulators_of(substation),
            np.array([point.vt_class / 100.0 for point in points]),
            np.array(["v_min" in point.measures for point in points]),
        )

    @property
    def midnight(self) -> int:
        """Unix seconds at which the campaign begins."""
        return local_midnight(self.start, self.substation.utc_offset_s)

    def hour_like(self, t: int) -> BoundaryHour:
        """The representative system hour whose time of day, then time of year, is nearest to the instant `t`."""
        times = np.array([hour.t for hour in self.hours], dtype=np.float64)
        offset = self.substation.utc_offset_s
        then, now = local_time(times, offset), local_time(np.array([float(t)]), offset)
        hours = np.abs((then.hour - now.hour + 12.0) % 24.0 - 12.0)
        days = np.abs((then.day_of_year - now.day_of_year + 182.6) % 365.25 - 182.6)
        return self.hours[int(np.argmin(hours + days / 60.0))]
