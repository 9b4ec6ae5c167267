"""Photovoltaic power behind a feeder."""

from __future__ import annotations

import numpy as np

from simulation.demand.weather import Weather
from simulation.noise import Floats

_PERFORMANCE = 0.88
_NOCT_C = 45.0
_TEMPERATURE_COEFFICIENT = -0.0040


def photovoltaic_pu(weather: Weather) -> Floats:
    """Alternating-current power in pu of the installed peak power, shape [n].

    Cell temperature T_a + (NOCT − 20)/800·G, power G/1000·(1 − 0.4 %/K·(T_c − 25)) (the standard module
    equations, from common knowledge), wiring and inverter by one performance factor, cut at 1 by the
    inverter.
    """
    cell_c = weather.ambient_c + (_NOCT_C - 20.0) / 800.0 * weather.ghi_w_m2
    direct = weather.ghi_w_m2 / 1000.0 * (1.0 + _TEMPERATURE_COEFFICIENT * (cell_c - 25.0))
    return np.clip(_PERFORMANCE * direct, 0.0, 1.0)
