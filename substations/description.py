"""What a substation is: the frozen types of `substation.yaml`.

Units are in the names: `_kv` line-to-line kilovolts RMS, `_ka` kiloamperes RMS, `_mw`, `_mvar` and `_mva`
three-phase totals, `_pu` of nominal, `_c` degrees Celsius. Element names are OpenDSS's full names in lower
case, such as `transformer.at1`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from msgspec import Meta

from substations.equipment import Capacitor, Cooling, Earthing, Reactor, Taps, Transformer, Winding
from substations.errors import SubstationError, did_you_mean
from substations.network import Coupler, Feeder, Infeed, Mix, Traction
from substations.parts import Element, Part, PhaseElements
from substations.site import Asset, Bus, Climate, Limit, Point

__all__ = [
    "Asset",
    "Bus",
    "Capacitor",
    "Climate",
    "Cooling",
    "Coupler",
    "Description",
    "Earthing",
    "Feeder",
    "Infeed",
    "Limit",
    "Mix",
    "PhaseElements",
    "Point",
    "Reactor",
    "Substation",
    "Taps",
    "Traction",
    "Transformer",
    "Winding",
]


class Description(Part, frozen=True, kw_only=True):
    """The whole of one `substation.yaml`.

    Attributes:
        schema_version: Version of this file's form, 1.
        name: Name of the substation and of its folder, lower case.
        title: Name for people.
        country: ISO 3166-1 alpha-2 code.
        latitude: Degrees north.
        longitude: Degrees east.
        utc_offset_s: Local time minus UTC, in seconds.
        frequency_hz: Nominal frequency.
        role: Whether models may train on it (`training`) or it is kept to measure how they travel
            (`held_out`).
        grid_bus: Bus of the transmission grid that this substation is: the row in pandapower's 39-bus
            case.
        source: Voltage source of the circuit, the grid seen from the substation.
        price_per_mwh: What a lost megawatt-hour costs, in the country's currency; by default what India's
            distributors pay on average, rounded (from common knowledge).
    """

    schema_version: Literal[1]
    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_\-]*$")]
    title: str
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}$")]
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    utc_offset_s: Annotated[int, Meta(ge=-43200, le=50400)]
    frequency_hz: Literal[50, 60]
    role: Literal["training", "held_out"]
    grid_bus: Annotated[int, Meta(ge=0, le=38)]
    source: Element
    price_per_mwh: Annotated[float, Meta(gt=0, le=1e6)] = 4500.0
    climate: Climate
    limits: Annotated[tuple[Limit, ...], Meta(min_length=1)]
    buses: Annotated[tuple[Bus, ...], Meta(min_length=1)]
    infeeds: Annotated[tuple[Infeed, ...], Meta(min_length=1)]
    transformers: tuple[Transformer, ...] = ()
    couplers: tuple[Coupler, ...] = ()
    feeders: Annotated[tuple[Feeder, ...], Meta(min_length=1)]
    capacitors: tuple[Capacitor, ...] = ()
    reactors: tuple[Reactor, ...] = ()
    earthing: tuple[Earthing, ...] = ()
    traction: tuple[Traction, ...] = ()
    points: Annotated[tuple[Point, ...], Meta(min_length=1)]
    assets: Annotated[tuple[Asset, ...], Meta(min_length=1)]


Entry = TypeVar("Entry", Bus, Point, Feeder, Transformer)


class Substation(Description, frozen=True, kw_only=True):
    """A description that was read, with the place and the digest of its two files.

    Attributes:
        folder: Absolute folder of `substation.yaml` and `circuit.dss`.
        digest: SHA-256 over the content of both files, in hexadecimal.
    """

    folder: Path
    digest: str

    @property
    def yaml_file(self) -> Path:
        """The description's file."""
        return self.folder / "substation.yaml"

    @property
    def circuit_file(self) -> Path:
        """The OpenDSS circuit's file."""
        return self.folder / "circuit.dss"

    def bus(self, name: str) -> Bus:
        """The bus called `name`.

        Raises:
            SubstationError: There is none.
        """
        return self._find("buses", self.buses, name)

    def point(self, name: str) -> Point:
        """The measurement point called `name`.

        Raises:
            SubstationError: There is none.
        """
        return self._find("points", self.points, name)

    def feeder(self, name: str) -> Feeder:
        """The feeder called `name`.

        Raises:
            SubstationError: There is none.
        """
        return self._find("feeders", self.feeders, name)

    def transformer(self, name: str) -> Transformer:
        """The transformer called `name`.

        Raises:
            SubstationError: There is none.
        """
        return self._find("transformers", self.transformers, name)

    def limit(self, nominal_kv: float) -> Limit:
        """What is permitted at the voltage level `nominal_kv`.

        Raises:
            SubstationError: The description has no limits for that level.
        """
        for limit in self.limits:
            if abs(limit.nominal_kv - nominal_kv) <= 1e-6 * nominal_kv:
                return limit
        raise SubstationError(
            self.yaml_file,
            "limits",
            f"no entry for {nominal_kv:g} kV",
            "add the limits of that voltage level",
        )

    def _find(self, key: str, entries: tuple[Entry, ...], name: str) -> Entry:
        for entry in entries:
            if entry.id == name:
                return entry
        raise SubstationError(
            self.yaml_file, key, f"no entry {name!r}", did_you_mean(name, (entry.id for entry in entries))
        )
