"""Measurement points that a worker answers for, with all that their description says about them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from types import MappingProxyType
from zoneinfo import ZoneInfo

import substations
from data_contracts.facts import SubstationFacts
from data_contracts.measured_site import MeasuredPoint, MeasuredSite, offset_s
from data_contracts.station import StationFacts
from data_contracts.wire import FieldError, Item, PointLimits, WireError
from features.nominals import PointNominals
from serving.bands import FrequencyBand, frequency_band
from serving.equipment import NO_EQUIPMENT, Equipment
from serving.measured import zone_of
from substations.description import Limit, Substation
from substations.errors import SubstationError
from substations.station import station_facts
from switchyard.log import get_logger

MOST_NAMES = 20
_NONE: Mapping[str, MeasuredSite] = MappingProxyType({})

_log = get_logger("serving")


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """One measurement point.

    Attributes:
        substation: Name of its substation.
        point: Its name.
        kind: What is measured; decides which models apply.
        nominals: What makes its samples per unit; where there is a zone, `nominals_at` knows the offset.
        bounds: What its readings are checked against.
        permitted: Limits of its voltage level; None where nobody told them.
        frequency: Band of the grid's frequency.
        rated_a: Rated current of the bay, A; infinite where nobody told it.
        equipment: Equipment of its substation.
        measured: What versions of a measured dataset know of it; None at a described substation.
        zone: Its zone, where local time is not always as far from UTC.
    """

    substation: str
    point: str
    kind: str
    nominals: PointNominals
    bounds: PointLimits
    permitted: Limit | None
    frequency: FrequencyBand
    rated_a: float
    equipment: Equipment
    measured: MeasuredPoint | None = None
    zone: ZoneInfo | None = None

    def nominals_at(self, t: float) -> PointNominals:
        """The nominals with the local time's offset at an instant in Unix seconds."""
        if self.zone is None:
            return self.nominals
        offset = offset_s(t, self.zone)
        known = self.nominals
        return known if offset == known.utc_offset_s else replace(known, utc_offset_s=offset)


class Sites:
    """The points of several substations and measured datasets, found by name."""

    def __init__(self, points: Mapping[str, Mapping[str, Site]]) -> None:
        self._points = points

    @classmethod
    def read(cls, names: Iterable[str], measured: Mapping[str, MeasuredSite] = _NONE) -> Sites:
        """Read the descriptions of the named substations.

        Args:
            names: Substations, and datasets of `measured`, which nothing describes.
            measured: Measured sites by name.

        Raises:
            ConfigurationError: A substation is not known on this machine.
            SubstationError: A description breaks a rule.
            SnapshotError: The zone of a measured site is not known on this machine.
        """
        return cls({name: _measured(measured[name]) if name in measured else _sites(name) for name in names})

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Names of the points by substation."""
        return {name: tuple(points) for name, points in self._points.items()}

    def __iter__(self) -> Iterator[Site]:
        return (site for points in self._points.values() for site in points.values())

    def find(self, item: Item) -> Site:
        """The point that an item is about.

        Raises:
            WireError: The substation or the point is not known; the message suggests those that are.
        """
        points = self._points.get(item.substation)
        if points is None:
            raise _unknown("substation", item.substation, self._points, "this service answers for")
        site = points.get(item.point)
        if site is None:
            raise _unknown("point", item.point, points, f"{item.substation} has")
        return site


def _sites(name: str) -> dict[str, Site]:
    described = substations.read(name)
    facts = SubstationFacts.of(described)
    station = _station(described)
    equipment = Equipment.of(described)
    found = {}
    for point in described.points:
        at = facts.points[point.id]
        found[point.id] = Site(
            substation=name,
            point=point.id,
            kind=point.kind,
            nominals=PointNominals(
                v_nom_v=at.nominal_v,
                i_rated_a=point.rated_a,
                s_rated_va=point.rated_mva * 1e6,
                f_nom_hz=described.frequency_hz,
                utc_offset_s=described.utc_offset_s,
                station=station,
                country=described.country,
            ),
            bounds=PointLimits.of(at, described.frequency_hz),
            permitted=described.limit(point.nominal_kv),
            frequency=frequency_band(described.country, described.frequency_hz),
            rated_a=point.rated_a,
            equipment=equipment,
        )
    return found


def _measured(site: MeasuredSite) -> dict[str, Site]:
    """Points of a measured dataset.

    A nominal that nobody told is one unit, as in training: no version reads a feature that it makes.
    """
    zone = zone_of(site)
    now = offset_s(datetime.now(UTC).timestamp(), zone)
    return {
        name: Site(
            substation=site.dataset,
            point=name,
            kind=point.kind,
            nominals=PointNominals(
                v_nom_v=point.nominal_v or 1.0,
                i_rated_a=point.rated_a or 1.0,
                s_rated_va=point.rated_mva * 1e6 or 1.0,
                f_nom_hz=site.frequency_hz,
                utc_offset_s=now,
            ),
            bounds=PointLimits.measured(point.nominal_kv, site.frequency_hz),
            permitted=None,
            frequency=frequency_band("", site.frequency_hz),
            rated_a=point.rated_a or math.inf,
            equipment=NO_EQUIPMENT,
            measured=point,
            zone=zone,
        )
        for name, point in site.points.items()
    }


def _station(described: Substation) -> StationFacts | None:
    """Nameplates of the station; None, and models that need them abstain, where the circuit hides them."""
    try:
        return station_facts(described)
    except SubstationError as error:
        _log.warning("%s: losses of the station are not estimated: %s", described.name, error.message)
        return None


def _unknown(field: str, name: str, known: Iterable[str], who: str) -> WireError:
    names = sorted(known)
    near = get_close_matches(name, names, n=3, cutoff=0.6)
    listed = ", ".join(names[:MOST_NAMES]) + (", …" if len(names) > MOST_NAMES else "")
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    message = f"there is no {field} {name!r}; {hint}{who} {listed or 'none'}"
    return WireError([FieldError(field=field, rule=f"unknown_{field}", message=message, value=name)])
