"""Public holidays by country and year."""

from datetime import date

import numpy as np

from data_contracts.holidays import holiday_days, holidays


def test_holidays__one_year__has_the_fixed_and_the_movable_ones():
    found = holidays("IN", range(2025, 2026))

    assert np.datetime64("2025-01-26") in found
    assert np.datetime64("2025-10-20") in found
    assert np.datetime64("2024-01-26") not in found


def test_holiday_days__are_days_since_1970():
    assert (date(2030, 8, 15) - date(1970, 1, 1)).days in holiday_days("IN")


def test_holidays__country_without_a_calendar__has_none():
    assert not holiday_days("NO")
