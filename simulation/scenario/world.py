"""What all scenarios of one substation in one campaign share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from simulation.clock import DAY_S, local_midnight
from simulation.demand import FeederLoads
from simulation.engine import Engine
from simulation.grid import BoundaryHour
from simulation.noise import Floats
from simulation.scenario.guesses import Guesses
from simulation.scenario.regulation import Regulators, regulators_of
from simulation.thermal.instants import Instants
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
        guesses: Where they stand over the range of loads.
        limit: Ratio-error limit of each point's voltage transformers, as a fraction, shape [p].
        hour_of_day: Local time of day of each of `hours`, h.
        local_days: Days since 1970 of each of them.
        sees_half_cycles: Whether each point's meter has half-cycle extremes, shape [p].
        asset_years: Years of observation of the equipment; 0 where it is not observed.
        instants: Minutes of thermal episodes for kind `overload`; None without that kind.
    """

    substation: Substation
    loads: FeederLoads
    hours: tuple[BoundaryHour, ...]
    start: date
    days: int
    regulators: Regulators
    guesses: Guesses
    limit: Floats
    hour_of_day: Floats
    local_days: Floats
    sees_half_cycles: np.ndarray[tuple[int], np.dtype[np.bool_]]
    asset_years: int = 0
    instants: Instants | None = None

    @classmethod
    def of(
        cls,
        engine: Engine,
        loads: FeederLoads,
        hours: tuple[BoundaryHour, ...],
        start: date,
        days: int,
        *,
        asset_years: int = 0,
        instants: Instants | None = None,
    ) -> World:
        """Gather what the scenarios of the engine's substation need."""
        substation = engine.substation
        points, regulators = substation.points, regulators_of(substation)
        return cls(
            substation,
            loads,
            hours,
            start,
            days,
            regulators,
            Guesses.of(engine, substation, regulators, loads, hours),
            np.array([point.vt_class / 100.0 for point in points]),
            np.array([(hour.t + substation.utc_offset_s) % DAY_S / 3600.0 for hour in hours]),
            np.array([(hour.t + substation.utc_offset_s) / DAY_S for hour in hours]),
            np.array(["v_min" in point.measures for point in points]),
            asset_years,
            instants,
        )

    @property
    def midnight(self) -> int:
        """Unix seconds at which the campaign begins."""
        return local_midnight(self.start, self.substation.utc_offset_s)

    def hour_like(self, t: int) -> BoundaryHour:
        """The system hour whose time of day, then time of year, is nearest to the instant `t`."""
        seconds = float(t + self.substation.utc_offset_s)
        hour = seconds % DAY_S / 3600.0
        hours = np.abs((self.hour_of_day - hour + 12.0) % 24.0 - 12.0)
        days = np.abs((self.local_days - seconds / DAY_S + 182.625) % 365.25 - 182.625)
        return self.hours[int(np.argmin(hours + days / 60.0))]
