"""Sites of measured datasets, as the versions that answer for them tell of them in their specifications.

A dataset is answered for under its own name as a substation. Nothing describes it: nominals, zone and points
are those that its versions were trained with, and limits of a voltage level or of a country are not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import UNSET

from data_contracts.errors import ContractError
from data_contracts.measured_site import (
    QUARTER_S,
    MeasuredPoint,
    MeasuredSite,
    contradiction,
    together,
)
from data_contracts.wire import FieldError, Item, WireError
from serving.errors import SnapshotError

LATE_S = 120.0
"""A reading this much later than the end of a coarse step still is of that end."""

APART_S = 1.0
"""How far from the end of a step a history may end."""

Sites = Mapping[str, MeasuredSite | None]
"""What versions tell of their sites, by registered name; None of one that learnt from no dataset."""


def measured_sites(
    place: str, routes: Mapping[str, Mapping[str, str]], champions: Sites, challengers: Sites
) -> dict[str, MeasuredSite]:
    """The measured sites among those that a snapshot routes, by name.

    Args:
        place: Name of the snapshot, for messages.
        routes: Registered name that answers, by substation and model.
        champions: Sites of the champions.
        challengers: Sites of the versions beside them.

    Raises:
        SnapshotError: A version would answer for a site that it has not learnt from, or the versions of one
            contradict each other.
    """
    found = {}
    for substation, targets in routes.items():
        told = {name: champions[name] for name in targets.values()}
        known = [site for site in told.values() if site is not None]
        if known:
            found[substation] = _one(place, substation, told)
        for name in targets.values():
            if name in challengers:
                _check_challenger(place, name, challengers[name], found.get(substation))
    return found


def zone_of(site: MeasuredSite) -> ZoneInfo:
    """The zone whose calendar holds at a site.

    Raises:
        SnapshotError: This machine does not know it.
    """
    try:
        return ZoneInfo(site.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SnapshotError(
            f"{site.dataset}: this machine does not know the time zone {site.time_zone!r}",
            "install the system's time zones: the package tzdata of the system or of Python",
        ) from error


def check_load(item: Item, point: MeasuredPoint) -> None:
    """See that an item's history of load has the steps that its point's versions learnt from.

    Steps that do not make up whole quarters of an hour end together with one now and then only, and those of
    more than a quarter are learnt from as quarters that all have the step's mean. Of other instants the
    versions have seen nothing.

    Raises:
        WireError: The history, or the last reading, is of another instant or of other steps.
    """
    history, period_s = item.load_history, point.load_period_s
    if history is UNSET or not period_s:
        return
    if history.step_s > QUARTER_S:
        text = (
            f"{item.point} was learnt in quarters of an hour; send steps of {QUARTER_S} s or less, each the "
            f"mean of the {point.load_step_s:g} s in which it lies"
        )
        raise _broken("load_history.step_s", text, history.step_s)
    if period_s <= QUARTER_S:
        return
    beyond_s = (history.end.timestamp() - point.load_phase_s) % period_s
    if APART_S < beyond_s < period_s - APART_S:
        text = (
            f"{item.point} was learnt from steps of {point.load_step_s:g} s; the history must end with one, "
            f"every {period_s:g} s, and this one ends {beyond_s:g} s later"
        )
        raise _broken("load_history.end", text, history.end.isoformat())
    last = item.readings[-1].t
    late_s = last.timestamp() - history.end.timestamp()
    if late_s > LATE_S:
        text = (
            f"{item.point} was learnt from steps of {point.load_step_s:g} s; ask within {LATE_S:g} s of the "
            f"end of the last one, this reading is {late_s:g} s later"
        )
        raise _broken(f"readings[{len(item.readings) - 1}].t", text, last.isoformat())


def _one(place: str, substation: str, told: Sites) -> MeasuredSite:
    """What the versions that answer for one site know of it together."""
    for name, site in told.items():
        if site is None or site.dataset != substation:
            learnt = "no dataset" if site is None else f"the dataset {site.dataset}"
            raise SnapshotError(
                f"{place}: {name} learnt from {learnt} and is routed at the dataset {substation}",
                "publish again",
            )
    try:
        return together([site for site in told.values() if site is not None])
    except ContractError as error:
        raise SnapshotError(f"{place}: {error.message}", error.remedy) from error


def _check_challenger(place: str, name: str, told: MeasuredSite | None, of: MeasuredSite | None) -> None:
    if told is None and of is None:
        return
    said = "one of them learnt from no dataset" if told is None or of is None else contradiction(of, told)
    if said:
        raise SnapshotError(f"{place}: champion and challenger of {name} do not fit: {said}", "publish again")


def _broken(field: str, text: str, value: str | int) -> WireError:
    return WireError([FieldError(field=field, rule="load_step", message=text, value=value)])
