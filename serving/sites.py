"""Measurement points that a worker answers for, with all that their description says about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import substations
from data_contracts.facts import SubstationFacts
from data_contracts.station import StationFacts
from data_contracts.wire import FieldError, Item, PointLimits, WireError
from features.nominals import PointNominals
from serving.bands import FrequencyBand, frequency_band
from serving.equipment import Equipment
from substations.description import Limit, Substation
from substations.errors import SubstationError
from substations.station import station_facts
from switchyard.log import get_logger

MOST_NAMES = 20

_log = get_logger("serving")


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """One measurement point.

    Attributes:
        substation: Name of its substation.
        point: Its name.
        kind: What is measured; decides which models apply.
        nominals: What makes its samples per unit.
        bounds: What its readings are checked against.
        permitted: Limits of its voltage level.
        frequency: Band of the grid's frequency.
        rated_a: Rated current of the bay, A.
        equipment: Equipment of its substation.
    """

    substation: str
    point: str
    kind: str
    nominals: PointNominals
    bounds: PointLimits
    permitted: Limit
    frequency: FrequencyBand
    rated_a: float
    equipment: Equipment


class Sites:
    """The points of several substations, found by name."""

    def __init__(self, points: Mapping[str, Mapping[str, Site]]) -> None:
        self._points = points

    @classmethod
    def read(cls, names: Iterable[str]) -> Sites:
        """Read the descriptions of the named substations.

        Raises:
            ConfigurationError: A substation is not known on this machine.
            SubstationError: A description breaks a rule.
        """
        return cls({name: _sites(name) for name in names})

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
