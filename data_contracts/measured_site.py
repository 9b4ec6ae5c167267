"""What a service must know of a measured dataset's site to answer by the versions that learnt from it.

A described substation tells its nominals, its zone and its points in its description, which every machine
that serves it has. A dataset of a utility's own records has none: what its versions were trained with goes
along in the specification of each of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from data_contracts.errors import ContractError

Kind = Literal["feeder", "bus", "system", "equipment"]
KINDS: tuple[Kind, ...] = ("feeder", "bus", "system", "equipment")
"""Kinds of measured points. A point that is several of them is the first."""

QUARTER_S = 900
"""Loads are forecast by the quarter of an hour."""

_NOMINALS = ("nominal_kv", "rated_a", "rated_mva", "load_step_s")


class MeasuredPoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One point of a dataset, with the nominals that a version was trained with; 0 where one is not known.

    Attributes:
        kind: What is measured there, one of `KINDS`.
        nominal_kv: Nominal line-to-line voltage, kV.
        rated_a: Rated current, A.
        rated_mva: Apparent power that loads are counted in, MVA: the rated one, or the largest load of the
            days that a version learnt from.
        load_step_s: Length of the steps of its load, s.
        load_phase_s: Unix time at which a step and a quarter of an hour begin together, less whole times of
            `load_period_s`, s.
    """

    kind: Kind
    nominal_kv: float = 0.0
    rated_a: float = 0.0
    rated_mva: float = 0.0
    load_step_s: float = 0.0
    load_phase_s: float = 0.0

    @property
    def nominal_v(self) -> float:
        """Nominal phase-to-neutral voltage, V; 0 where it is not known."""
        return self.nominal_kv * 1e3 / math.sqrt(3.0)

    @property
    def load_period_s(self) -> float:
        """Time from one instant at which a step and a quarter of an hour end together to the next, s."""
        return float(math.lcm(round(self.load_step_s), QUARTER_S)) if self.load_step_s else 0.0


class MeasuredSite(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The site of a dataset as one version knows it.

    Attributes:
        dataset: Name of the dataset, and of the substation under which it is served.
        frequency_hz: Nominal frequency, Hz.
        time_zone: IANA name of the zone whose calendar holds.
        points: Points that the version learnt from.
    """

    dataset: str
    frequency_hz: float
    time_zone: str
    points: dict[str, MeasuredPoint]


def contradiction(one: MeasuredSite, other: MeasuredSite) -> str:
    """The first fact in which two versions' sites differ, as a text; empty where they fit together.

    A point that only one of them has, and a nominal that only one of them knows, is no difference.
    """
    for field in ("dataset", "frequency_hz", "time_zone"):
        if getattr(one, field) != getattr(other, field):
            return f"{field} is {getattr(one, field)}, not {getattr(other, field)}"
    for name in sorted(one.points.keys() & other.points.keys()):
        mine, theirs = one.points[name], other.points[name]
        told = [field for field in _NOMINALS if getattr(mine, field) and getattr(theirs, field)]
        if mine.load_step_s and theirs.load_step_s:
            told.append("load_phase_s")
        for field in told:
            if getattr(mine, field) != getattr(theirs, field):
                return f"{field} of {name} is {getattr(mine, field):g}, not {getattr(theirs, field):g}"
    return ""


def together(sites: Iterable[MeasuredSite]) -> MeasuredSite:
    """One site of what several versions of a dataset know.

    Raises:
        ContractError: Two of them contradict each other.
    """
    first, *others = sites
    found = first
    for other in others:
        said = contradiction(found, other)
        if said:
            raise ContractError(
                f"versions of the dataset {first.dataset} contradict each other: {said}",
                "train them again on the dataset as it is now",
            )
        points = dict(found.points)
        for name, point in other.points.items():
            points[name] = _joined(points[name], point) if name in points else point
        found = msgspec.structs.replace(found, points=points)
    return found


def offset_s(t: float, zone: ZoneInfo) -> float:
    """Local time minus UTC at an instant in Unix seconds, s; daylight saving included."""
    told = datetime.fromtimestamp(t, UTC).astimezone(zone).utcoffset()
    return 0.0 if told is None else told.total_seconds()


def _joined(one: MeasuredPoint, other: MeasuredPoint) -> MeasuredPoint:
    """What either knows of a point."""
    facts = {field: getattr(one, field) or getattr(other, field) for field in _NOMINALS}
    phase_s = one.load_phase_s if one.load_step_s else other.load_phase_s
    return MeasuredPoint(kind=min(one.kind, other.kind, key=KINDS.index), load_phase_s=phase_s, **facts)
