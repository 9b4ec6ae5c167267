"""What the rules must know about a substation; taken from its description by whoever runs the contracts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import msgspec


class DescribedPoint(Protocol):
    """A measurement point as a substation's description has it."""

    @property
    def id(self) -> str:
        """Name in every table."""

    @property
    def nominal_kv(self) -> float:
        """Nominal line-to-line voltage, kV."""

    @property
    def rated_a(self) -> float:
        """Rated current, A."""

    @property
    def rated_mva(self) -> float:
        """Rated three-phase apparent power, MVA."""

    @property
    def ct_class(self) -> float:
        """Accuracy class of the current transformers."""

    @property
    def vt_class(self) -> float:
        """Accuracy class of the voltage transformers."""


class DescribedBus(Protocol):
    """A bus as a substation's description has it."""

    @property
    def id(self) -> str:
        """Name in the circuit."""

    @property
    def nominal_kv(self) -> float:
        """Nominal line-to-line voltage, kV."""

    @property
    def breaker_ka(self) -> float | None:
        """Breaking current of its breakers, kA; None where there is none."""


class DescribedAsset(Protocol):
    """A piece of equipment as a substation's description has it."""

    @property
    def id(self) -> str:
        """Name on the single-line diagram."""

    @property
    def kind(self) -> str:
        """What it is."""


class DescribedSubstation(Protocol):
    """A substation's description, as far as the contracts need it."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def frequency_hz(self) -> float:
        """Nominal frequency, Hz."""

    @property
    def utc_offset_s(self) -> int:
        """Local time minus UTC, s."""

    @property
    def points(self) -> Sequence[DescribedPoint]:
        """Measurement points."""

    @property
    def buses(self) -> Sequence[DescribedBus]:
        """Buses."""

    @property
    def assets(self) -> Sequence[DescribedAsset]:
        """Equipment."""


class PointFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement point.

    Attributes:
        nominal_kv: Nominal line-to-line voltage, kV.
        rated_a: Rated current, A.
        rated_mva: Rated three-phase apparent power, MVA.
        ct_class: Accuracy class of the current transformers (0.2, 0.5, 1.0), % of reading at rated current.
        vt_class: Accuracy class of the voltage transformers, % of reading.
    """

    nominal_kv: float
    rated_a: float
    rated_mva: float
    ct_class: float = 0.5
    vt_class: float = 0.5

    @property
    def nominal_v(self) -> float:
        """Nominal phase-to-neutral voltage, V."""
        return self.nominal_kv * 1e3 / math.sqrt(3.0)


class BusFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One bus.

    Attributes:
        nominal_kv: Nominal line-to-line voltage, kV.
        breaker_ka: Rated short-circuit breaking current of its breakers, kA; None where it has none.
    """

    nominal_kv: float
    breaker_ka: float | None


class SubstationFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One substation.

    Attributes:
        substation: Its name.
        frequency_hz: Nominal frequency, Hz.
        utc_offset_s: Local time minus UTC, s.
        points: Measurement points by identifier.
        buses: Buses by identifier.
        assets: Kind of each piece of equipment by its name.
    """

    substation: str
    frequency_hz: float
    utc_offset_s: int
    points: dict[str, PointFacts]
    buses: dict[str, BusFacts] = {}
    assets: dict[str, str] = {}

    @property
    def transformers(self) -> tuple[str, ...]:
        """Names of the transformers."""
        return tuple(name for name, kind in self.assets.items() if kind == "transformer")

    @classmethod
    def of(cls, description: DescribedSubstation) -> SubstationFacts:
        """The facts in a substation's description."""
        return cls(
            substation=description.name,
            frequency_hz=description.frequency_hz,
            utc_offset_s=description.utc_offset_s,
            points={
                point.id: PointFacts(
                    nominal_kv=point.nominal_kv,
                    rated_a=point.rated_a,
                    rated_mva=point.rated_mva,
                    ct_class=point.ct_class,
                    vt_class=point.vt_class,
                )
                for point in description.points
            },
            buses={
                bus.id: BusFacts(nominal_kv=bus.nominal_kv, breaker_ka=bus.breaker_ka)
                for bus in description.buses
            },
            assets={asset.id: asset.kind for asset in description.assets},
        )
