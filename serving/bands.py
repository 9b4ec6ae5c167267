"""Limits that do not depend on the voltage level: of the frequency, and of half-cycle voltages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FrequencyBand:
    """Within which frequency a grid is to be operated, Hz, and who says so."""

    low_hz: float
    high_hz: float
    standard: str


_BY_COUNTRY = {"IN": FrequencyBand(49.90, 50.05, "IEGC 2023 (frequency band)")}

SAG_PU, SWELL_PU, INTERRUPTION_PU = 0.9, 1.1, 0.1
"""Half-cycle RMS voltages at which a sag, a swell and an interruption begin, of nominal."""

EVENT_STANDARD = "IEEE 1159-2019 (half-cycle RMS voltage)"


def frequency_band(country: str, nominal_hz: float) -> FrequencyBand:
    """The band of a country's grid code, or that of EN 50160, ±1 % of nominal.

    Args:
        country: ISO 3166-1 alpha-2 code.
        nominal_hz: Nominal frequency, Hz.
    """
    own = _BY_COUNTRY.get(country)
    if own is not None and own.low_hz < nominal_hz < own.high_hz:
        return own
    return FrequencyBand(0.99 * nominal_hz, 1.01 * nominal_hz, "EN 50160 (10 s means, ±1 %)")
