"""What is known of each kind of equipment before one looks at a single piece.

Weibull scale and shape, intervals and rates are orders of magnitude of published failure surveys (CIGRE
technical brochures 509 on high-voltage equipment and 642 on transformers, from common knowledge). Defects
come about ten times as often as in a real station, so that a campaign of a few years holds enough failures to
learn from; the base rate is stated in the documentation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.noise import Floats
from substations.description import Substation


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of equipment.

    Attributes:
        scale_y: Weibull scale of its life without defect or stress, years.
        shape: Weibull shape; above 1 it wears out.
        defects_per_y: Defects that begin in a year at unit stress.
        growth_per_d: Median of the rate at which a defect grows, 1/d.
        interval_d: Days between planned maintenances.
        oil: Whether paper and oil insulate it, which take up water.
        gases: Whether its oil is sampled for dissolved gases.
        reference_c: Temperature at which its insulation ages at rate 1, °C.
        rise_k: Temperature above ambient at rated current, K.
        anomalies: Anomalies that are counted on a day of a sound piece, and on one with a full-grown defect.
    """

    scale_y: float
    shape: float
    defects_per_y: float
    growth_per_d: float
    interval_d: float
    oil: bool = False
    gases: bool = False
    reference_c: float = 90.0
    rise_k: float = 45.0
    anomalies: tuple[float, float] = (0.15, 120.0)


KINDS: dict[str, Kind] = {
    "breaker": Kind(60.0, 2.5, 0.55, 1 / 45, 1000.0, anomalies=(0.10, 96.0)),
    "isolator": Kind(75.0, 2.0, 0.22, 1 / 50, 1200.0, anomalies=(0.05, 78.0)),
    "ct": Kind(65.0, 2.5, 0.30, 1 / 55, 1400.0, oil=True, anomalies=(0.30, 126.0)),
    "cvt": Kind(60.0, 2.5, 0.35, 1 / 50, 1400.0, oil=True, anomalies=(0.30, 126.0)),
    "vt": Kind(65.0, 2.5, 0.30, 1 / 50, 1400.0, oil=True, anomalies=(0.20, 114.0)),
    "arrester": Kind(55.0, 2.0, 0.25, 1 / 40, 1500.0, anomalies=(0.50, 108.0)),
    "transformer": Kind(
        70.0, 3.0, 0.60, 1 / 70, 730.0, oil=True, gases=True, reference_c=98.0, anomalies=(0.80, 165.0)
    ),
    "earthing_transformer": Kind(
        70.0, 3.0, 0.35, 1 / 70, 1100.0, oil=True, gases=True, reference_c=98.0, anomalies=(0.60, 150.0)
    ),
    "reactor": Kind(
        65.0, 3.0, 0.50, 1 / 65, 730.0, oil=True, gases=True, reference_c=98.0, anomalies=(0.80, 165.0)
    ),
    "capacitor": Kind(35.0, 2.0, 0.45, 1 / 30, 900.0, anomalies=(0.10, 90.0)),
    "line": Kind(110.0, 1.5, 0.40, 1 / 30, 500.0, anomalies=(1.50, 135.0)),
    "cable": Kind(75.0, 3.0, 0.35, 1 / 60, 1500.0, anomalies=(0.80, 144.0)),
    "busbar": Kind(150.0, 1.5, 0.12, 1 / 50, 1800.0, anomalies=(0.80, 120.0)),
}
"""By the kind that the description names."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Equipment of one station in the order of its names, a pieces; arrays have shape [a].

    Attributes:
        names: Name of each.
        kind: Kind of each.
        bay: Its bay.
        age_d: Age on the first day, d; negative where it is commissioned later.
        scale_y, shape, defects_per_y, growth_per_d, interval_d: Of its kind.
        quiet_per_d, full_per_d: Anomalies of a sound piece, and of one with a full-grown defect, 1/d.
        oil, gases: Of its kind.
        oltc: Whether it has an on-load tap changer.
        breaker: Whether it is a breaker.
        switched: Whether it is a breaker of a bank, which switches every day.
    """

    names: tuple[str, ...]
    kind: tuple[str, ...]
    bay: tuple[str, ...]
    age_d: Floats
    scale_y: Floats
    shape: Floats
    defects_per_y: Floats
    growth_per_d: Floats
    interval_d: Floats
    quiet_per_d: Floats
    full_per_d: Floats
    oil: NDArray[np.bool_]
    gases: NDArray[np.bool_]
    oltc: NDArray[np.bool_]
    breaker: NDArray[np.bool_]
    switched: NDArray[np.bool_]


def fleet_of(substation: Substation, first_day: np.datetime64) -> Fleet:
    """A substation's equipment, sorted by name, with its age on a day.

    Equipment that is commissioned after `first_day` stands in for what was there before: its age is that on
    its twentieth birthday less what is missing, at least a day.
    """
    assets = sorted(substation.assets, key=lambda asset: asset.id)
    kinds = [KINDS[asset.kind] for asset in assets]
    banks = {bank.id for bank in substation.capacitors}
    tapped = {unit.id for unit in substation.transformers if unit.taps is not None}
    age = np.array([(first_day - np.datetime64(asset.commissioned)).astype(int) for asset in assets], float)

    def numbers(name: str) -> Floats:
        return np.array([getattr(kind, name) for kind in kinds], dtype=np.float64)

    breaker = np.array([asset.kind == "breaker" for asset in assets])
    return Fleet(
        names=tuple(asset.id for asset in assets),
        kind=tuple(asset.kind for asset in assets),
        bay=tuple(asset.bay for asset in assets),
        age_d=np.where(age >= 0.0, age, np.maximum(20.0 * 365.25 + age, 1.0)),
        scale_y=numbers("scale_y"),
        shape=numbers("shape"),
        defects_per_y=numbers("defects_per_y"),
        growth_per_d=numbers("growth_per_d"),
        interval_d=numbers("interval_d"),
        quiet_per_d=np.array([kind.anomalies[0] for kind in kinds]),
        full_per_d=np.array([kind.anomalies[1] for kind in kinds]),
        oil=np.array([kind.oil for kind in kinds]),
        gases=np.array([kind.gases for kind in kinds]),
        oltc=np.array([asset.id in tapped for asset in assets]),
        breaker=breaker,
        switched=breaker & np.array([asset.bay in banks for asset in assets]),
    )
