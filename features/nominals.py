"""What makes a measurement point's samples per unit."""

from __future__ import annotations

import math
from dataclasses import dataclass

from data_contracts.station import StationFacts
from features.errors import FeatureError


@dataclass(frozen=True, slots=True)
class PointNominals:
    """Nominal values of one measurement point.

    Attributes:
        v_nom_v: Nominal phase-to-neutral voltage, V.
        i_rated_a: Rated current, A.
        s_rated_va: Rated three-phase apparent power, VA.
        f_nom_hz: Nominal frequency, Hz.
        utc_offset_s: Local time minus UTC, s.
        station: Nameplates of its station, None where they are not known.
        country: ISO 3166-1 alpha-2 code of where it stands, for public holidays; empty where nobody knows.

    Raises:
        FeatureError: A nominal is not a positive number, or the offset is no number.
    """

    v_nom_v: float
    i_rated_a: float
    s_rated_va: float
    f_nom_hz: float
    utc_offset_s: float
    station: StationFacts | None = None
    country: str = ""

    def __post_init__(self) -> None:
        for name in ("v_nom_v", "i_rated_a", "s_rated_va", "f_nom_hz"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise FeatureError(
                    f"{name} is {value}, must be positive",
                    "correct the point in the substation's description",
                )
        if not math.isfinite(self.utc_offset_s):
            raise FeatureError(f"utc_offset_s is {self.utc_offset_s}, must be a number of seconds")
