"""Weather at a site: temperature, irradiance and wind by season, time of day and autoregressive noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulation.clock import QUARTER_S, LocalTime
from simulation.noise import Floats, autoregressive
from substations.description import Climate

# The hottest time of the Indian year lies before the monsoon.
_HOTTEST_DAY = 140.0
_HOTTEST_HOUR = 15.0


@dataclass(frozen=True, slots=True)
class Weather:
    """Weather at each instant, each of shape [n].

    Attributes:
        ambient_c: Air temperature, °C.
        ghi_w_m2: Global horizontal irradiance, W/m².
        wind_m_s: Wind speed, m/s.
    """

    ambient_c: Floats
    ghi_w_m2: Floats
    wind_m_s: Floats


def simulate_weather(
    rng: np.random.Generator, climate: Climate, latitude: float, solar_hour_shift: float, when: LocalTime
) -> Weather:
    """Weather at 15-minute steps.

    Args:
        rng: Source of randomness.
        climate: Parameters of the site.
        latitude: Degrees north.
        solar_hour_shift: Hours to add to local clock time to get mean solar time.
        when: Calendar of the instants, 15 minutes apart, shape [n].

    Returns:
        Temperature, irradiance and wind, each of shape [n].
    """
    n = when.hour.size
    day = 24 * 3600 / QUARTER_S
    spells = autoregressive(rng, n, 3, sigma=1.0, memory=2.5 * day)
    gusts = autoregressive(rng, n, 2, sigma=1.0, memory=day / 16)
    clear = clear_sky_ghi(when.day_of_year, when.hour + solar_hour_shift, latitude)
    # Cloud cover follows both the spell of days and the passing cloud; the logistic keeps it in 0 … 1.
    odds = math.log(max(climate.cloudiness, 1e-3) / max(1.0 - climate.cloudiness, 1e-3))
    cover = 1.0 / (1.0 + np.exp(-(odds + 1.2 * spells[:, 1] + 0.8 * gusts[:, 0])))
    season = np.cos(2.0 * np.pi * (when.day_of_year - _HOTTEST_DAY) / 365.25)
    daily = np.cos(2.0 * np.pi * (when.hour - _HOTTEST_HOUR) / 24.0)
    ambient = (
        climate.mean_c
        + climate.annual_amplitude_c * season
        + climate.daily_amplitude_c * (1.0 - 0.5 * (cover - climate.cloudiness)) * daily
        + climate.noise_c * spells[:, 0]
    )
    spread = 0.45
    wind = (
        climate.wind_m_s
        * (1.0 + 0.25 * daily)
        * np.exp(spread * (0.7 * spells[:, 2] + 0.7 * gusts[:, 1]) - 0.5 * spread**2)
    )
    return Weather(ambient, clear * cloud_factor(cover), np.minimum(wind, 60.0))


def clear_sky_ghi(day_of_year: Floats, solar_hour: Floats, latitude: float) -> Floats:
    """Irradiance on a horizontal plane under a clear sky, W/m².

    Haurwitz's model (B. Haurwitz, Journal of Meteorology 2, 1945): 1098·cos z·exp(−0.057/cos z) with the
    sun's zenith angle z from Cooper's declination 23.45°·sin(360°·(284 + d)/365).
    """
    declination = np.radians(23.45) * np.sin(2.0 * np.pi * (284.0 + day_of_year) / 365.0)
    hour_angle = np.radians(15.0) * (solar_hour - 12.0)
    phi = math.radians(latitude)
    cos_z = math.sin(phi) * np.sin(declination) + math.cos(phi) * np.cos(declination) * np.cos(hour_angle)
    up = np.maximum(cos_z, 1e-3)
    return np.where(cos_z > 1e-3, 1098.0 * up * np.exp(-0.057 / up), 0.0)


def cloud_factor(cover: Floats) -> Floats:
    """Share of the clear-sky irradiance that is left under a cloud cover of 0 … 1.

    1 − 0.75·N^3.4 (F. Kasten and G. Czeplak, Solar Energy 24, 1980).
    """
    return np.asarray(1.0 - 0.75 * cover**3.4, dtype=np.float64)
