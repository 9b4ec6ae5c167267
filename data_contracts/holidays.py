"""Public holidays of a country by the local date: those on fixed dates, and the movable ones as published."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Dates = NDArray[np.datetime64]

_FIXED: dict[str, tuple[tuple[int, int], ...]] = {
    "IN": ((1, 26), (4, 14), (5, 1), (8, 15), (10, 2), (12, 25)),
}
_MOVABLE: dict[str, tuple[str, ...]] = {
    "IN": (
        *("2023-03-08", "2023-04-22", "2023-10-24", "2023-11-12", "2023-11-13"),
        *("2024-03-25", "2024-04-11", "2024-10-12", "2024-10-31", "2024-11-01"),
        *("2025-03-14", "2025-03-31", "2025-10-20", "2025-10-21"),
        *("2026-03-04", "2026-03-21", "2026-10-20", "2026-11-08", "2026-11-09"),
        *("2027-03-10", "2027-03-22", "2027-10-09", "2027-10-29", "2027-10-30"),
    ),
}
_YEARS = range(2000, 2101)


def holidays(country: str, years: range = _YEARS) -> Dates:
    """Public holidays of some years, datetime64[D].

    A year whose movable holidays are not listed has the fixed ones only, and a country that is not listed has
    none.

    Args:
        country: ISO 3166-1 alpha-2 code.
        years: Years whose fixed holidays are wanted.
    """
    fixed = [f"{year}-{month:02d}-{day:02d}" for year in years for month, day in _FIXED.get(country, ())]
    return np.array([*fixed, *_MOVABLE.get(country, ())], dtype="datetime64[D]")


@cache
def holiday_days(country: str) -> frozenset[int]:
    """Public holidays of the years 2000 to 2100 as days since 1970."""
    return frozenset(holidays(country).astype(np.int64).tolist())
