"""Load of every feeder of a substation at 15-minute steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from simulation.clock import DAY_S, QUARTER_S, LocalTime, local_midnight, local_time
from simulation.demand.classes import CLASSES
from simulation.demand.solar import photovoltaic_pu
from simulation.demand.weather import Weather, simulate_weather
from simulation.errors import SimulationError
from simulation.noise import Floats, autoregressive
from substations.description import Feeder, Substation
from switchyard.identity import generator

_PER_DAY = DAY_S // QUARTER_S
_SLOW_MEMORY, _QUICK_MEMORY = 1.5 * _PER_DAY, 3.0


@dataclass(frozen=True, slots=True)
class FeederLoads:
    """Load of a substation's feeders; axes are time, then feeders in the description's order.

    Attributes:
        substation: Its name.
        points: Measurement point of each feeder.
        t: Unix seconds, shape [n].
        p_w: Active power that the feeder draws net of its photovoltaics, W, shape [n, f].
        q_var: Reactive power, var, shape [n, f].
        pv_w: Photovoltaic power behind the feeder, W, shape [n, f].
        p_noise_free_w: What `p_w` would be without the stochastic terms of the demand, in the same weather.
        weather: Weather at the site, shape [n] each.
        when: Local calendar, shape [n] each.
    """

    substation: str
    points: tuple[str, ...]
    t: NDArray[np.int64]
    p_w: Floats
    q_var: Floats
    pv_w: Floats
    p_noise_free_w: Floats
    weather: Weather
    when: LocalTime

    def at(self, t: float) -> tuple[Floats, Floats]:
        """Active and reactive power at the Unix time `t`, interpolated between the quarters, shape [f] each.

        Raises:
            SimulationError: `t` lies outside the simulated days.
        """
        place = (t - float(self.t[0])) / QUARTER_S
        low = math.floor(place)
        if low < 0 or low + 1 >= self.t.size:
            raise SimulationError(
                f"{self.substation}: no load is simulated at {t:.0f} s Unix time",
                "simulate more days (simulation.load_days of the profile)",
            )
        share = place - low
        return (
            (1.0 - share) * self.p_w[low] + share * self.p_w[low + 1],
            (1.0 - share) * self.q_var[low] + share * self.q_var[low + 1],
        )


def simulate_load(substation: Substation, start: date, days: int, campaign: str, seed: int) -> FeederLoads:
    """Simulate every feeder's load from local midnight of `start` on.

    A feeder's demand is its base power times the sum over customer classes of share × (hour × weekday or
    holiday × season × temperature terms), times (1 + stochastic terms). The stochastic terms are
    autoregressive: one of days shared by all feeders, one of days and one of an hour for each feeder, scaled
    by its classes. Photovoltaics are subtracted.

    Args:
        substation: Description.
        start: First local day.
        days: Number of days.
        campaign: Name of the campaign, part of the random stream's name.
        seed: The campaign's seed.

    Returns:
        Loads of all feeders, with weather and calendar.
    """
    t = local_midnight(start, substation.utc_offset_s) + QUARTER_S * np.arange(
        days * _PER_DAY, dtype=np.int64
    )
    when = local_time(t, substation.utc_offset_s)
    names = (substation.name, campaign, str(seed))
    # The clock's meridian is 15° per hour of offset; the sun is late where the site lies west of it.
    shift = substation.longitude / 15.0 - substation.utc_offset_s / 3600.0
    weather = simulate_weather(
        generator(*names, "weather"), substation.climate, substation.latitude, shift, when
    )
    rng = generator(*names, "load")
    count = len(substation.feeders)
    slow, quick = _terms(rng, count, t.size)
    expected = np.stack([cls.expected(when, weather.ambient_c) for cls in CLASSES], axis=1)
    mixes = np.array([[getattr(f.mix, cls.name) for cls in CLASSES] for f in substation.feeders])
    sigma = _sigma(mixes)
    base_w = np.array([feeder.base_mw * 1e6 for feeder in substation.feeders])
    calm = base_w * (expected @ mixes.T)
    stirred = calm * (1.0 + 0.6 * sigma * slow[:, 1:] + 0.02 * slow[:, :1] + 0.45 * sigma * quick)
    gross = np.maximum(stirred, 0.05 * base_w)
    # Clouds pass over a feeder's roofs at slightly different times; the site's mean is kept.
    pv_w = np.outer(photovoltaic_pu(weather), [feeder.pv_mw * 1e6 for feeder in substation.feeders])
    tan_phi = np.array([_tan_phi(feeder) for feeder in substation.feeders])
    q_share = 1.0 + 0.08 * autoregressive(rng, t.size, count, sigma=1.0, memory=0.5 * _PER_DAY)
    return FeederLoads(
        substation=substation.name,
        points=tuple(feeder.point for feeder in substation.feeders),
        t=t,
        p_w=gross - pv_w,
        q_var=gross * tan_phi * q_share,
        pv_w=pv_w,
        p_noise_free_w=calm - pv_w,
        weather=weather,
        when=when,
    )


def expected_load(substation: Substation, loads: FeederLoads, campaign: str, seed: int, ahead: int) -> Floats:
    """What the load `ahead` quarters later can be expected to be at each quarter, W, shape [n − ahead, f].

    The expectation of who knows the weather to come, the demand's law and the present value of each of its
    stochastic terms; what these will do is the autoregressive forecast x·ρ^ahead. Nothing is better on
    average.

    Args:
        substation: Description.
        loads: What `simulate_load` made of it.
        campaign: Name of the campaign that they were made for.
        seed: Its seed.
        ahead: Quarters, at least 1.
    """
    rng = generator(substation.name, campaign, str(seed), "load")
    slow, quick = _terms(rng, len(substation.feeders), loads.t.size)
    mixes = np.array([[getattr(f.mix, cls.name) for cls in CLASSES] for f in substation.feeders])
    sigma = _sigma(mixes)
    days = (0.6 * sigma * slow[:-ahead, 1:] + 0.02 * slow[:-ahead, :1]) * math.exp(-ahead / _SLOW_MEMORY)
    hour = 0.45 * sigma * quick[:-ahead] * math.exp(-ahead / _QUICK_MEMORY)
    calm = loads.p_noise_free_w[ahead:] + loads.pv_w[ahead:]
    return np.asarray(calm * (1.0 + days + hour) - loads.pv_w[ahead:])


def _terms(rng: np.random.Generator, count: int, steps: int) -> tuple[Floats, Floats]:
    """The stochastic terms with unit deviation: of days, shared by all and of each feeder, and of an hour."""
    slow = autoregressive(rng, steps, count + 1, sigma=1.0, memory=_SLOW_MEMORY)
    return slow, autoregressive(rng, steps, count, sigma=1.0, memory=_QUICK_MEMORY)


def _sigma(mixes: Floats) -> Floats:
    """Deviation of each feeder's demand by its classes, shape [f]."""
    return np.asarray(np.sqrt((mixes**2) @ np.array([cls.sigma**2 for cls in CLASSES])))


def _tan_phi(feeder: Feeder) -> float:
    return math.tan(math.acos(feeder.power_factor))
