"""What drives voltage events, hour by hour: weather, thunderstorms, the load and its ramps, the calendar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.clock import QUARTER_S, LocalTime, local_time
from simulation.demand import FeederLoads
from simulation.noise import Floats, autoregressive
from substations.description import Substation
from switchyard.identity import generator

HOUR_S = 3600.0
_PER_HOUR = int(HOUR_S) // QUARTER_S

# Thunderstorms: most in June, in the late afternoon; the spread of their violence and its memory in hours.
_STORM_DAY, _STORM_DAYS = 165.0, 50.0
_STORM_HOUR, _STORM_HOURS = 17.0, 3.5
_VIOLENCE, _VIOLENCE_H = 1.4, 3.0
# Flashes per hour within 20 km at the height of an average afternoon of the season, and what is left of the
# season and of the afternoon at other times.
_FLASHES_PER_H, _OFF_SEASON, _OFF_HOUR = 9.0, 0.04, 0.15
_MOST_PER_H = 90.0


@dataclass(frozen=True, slots=True)
class Hourly:
    """Covariates of each hour of a campaign, every array of shape [h] unless said otherwise.

    Attributes:
        t: Unix seconds at which the hours begin, without a gap.
        when: Local calendar in the middle of the hours.
        working: Whether it is a day on which factories work.
        ambient_c: Air temperature, °C.
        wind_m_s: Wind speed, m/s.
        wind_pu: Wind speed in pu of the site's mean.
        lightning_per_h: Flashes within 20 km, 1/h.
        heat: Degrees above 30 °C in units of 10 K, at least 0.
        load_pu: Power drawn by all feeders, pu of their base load.
        ramp_pu_h: Change of `load_pu` from the hour before to the hour after, 1/h.
        feeder_pu: Power drawn by each feeder, pu of its base load, shape [h, f].
    """

    t: NDArray[np.int64]
    when: LocalTime
    working: NDArray[np.bool_]
    ambient_c: Floats
    wind_m_s: Floats
    wind_pu: Floats
    lightning_per_h: Floats
    heat: Floats
    load_pu: Floats
    ramp_pu_h: Floats
    feeder_pu: Floats


def hourly_covariates(substation: Substation, loads: FeederLoads, campaign: str, seed: int) -> Hourly:
    """Covariates of all hours of a campaign.

    Args:
        substation: Its description.
        loads: Load of its feeders and the weather, whole days.
        campaign: Name of the profile.
        seed: The campaign's seed.
    """

    def hours(values: Floats) -> Floats:
        return np.asarray(values.reshape(-1, _PER_HOUR, *values.shape[1:]).mean(axis=1))

    t = loads.t[::_PER_HOUR]
    when = local_time(t + int(HOUR_S) // 2, substation.utc_offset_s)
    ambient, wind = hours(loads.weather.ambient_c), hours(loads.weather.wind_m_s)
    wind_pu = wind / substation.climate.wind_m_s
    base_w = np.array([feeder.base_mw * 1e6 for feeder in substation.feeders])
    p_w = hours(loads.p_w)
    load_pu = p_w.sum(axis=1) / base_w.sum()
    heat = np.maximum(ambient - 30.0, 0.0) / 10.0
    return Hourly(
        t=t,
        when=when,
        working=(when.day_of_week < 6) & ~when.holiday,
        ambient_c=ambient,
        wind_m_s=wind,
        wind_pu=wind_pu,
        lightning_per_h=_lightning(
            generator(substation.name, campaign, str(seed), "lightning"), when, wind_pu, heat
        ),
        heat=heat,
        load_pu=load_pu,
        ramp_pu_h=np.gradient(load_pu) if load_pu.size > 1 else np.zeros(load_pu.size),
        feeder_pu=p_w / base_w,
    )


def _lightning(rng: np.random.Generator, when: LocalTime, wind_pu: Floats, heat: Floats) -> Floats:
    """Flashes per hour: season times time of day times heat and gusts of the hour, times a passing storm."""
    days = np.abs((when.day_of_year - _STORM_DAY + 182.625) % 365.25 - 182.625)
    season = _OFF_SEASON + np.exp(-((days / _STORM_DAYS) ** 2))
    hours = np.abs((when.hour - _STORM_HOUR + 12.0) % 24.0 - 12.0)
    daily = _OFF_HOUR + np.exp(-((hours / _STORM_HOURS) ** 2))
    passing = autoregressive(rng, when.hour.size, 1, sigma=_VIOLENCE, memory=_VIOLENCE_H)[:, 0]
    # Its mean is 1: most afternoons are quiet and a few are violent.
    storm = np.exp(passing - 0.5 * _VIOLENCE**2)
    rate = _FLASHES_PER_H * season * daily * storm * (0.5 + 0.5 * wind_pu) * (0.6 + 0.8 * heat)
    return np.asarray(np.minimum(rate, _MOST_PER_H))
