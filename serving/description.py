"""What a worker serves, for people and gateways: `GET /v1/models`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from data_contracts.answers import MODULE_OF, NAMES, fields
from serving.challengers import in_canary
from serving.engine import Engine
from serving.panel import Served
from serving.routing import Challenge


class Version(msgspec.Struct, frozen=True):
    """One published version of a model.

    Attributes:
        model_version: Registered name and version.
        role: `champion` or `challenger`.
        substations: Where it answers; a challenger answers at points of these.
        point_kinds: Kinds of points at which it applies; empty for all.
        minimum_readings: Readings that it needs.
        requires: Fields of the request that it needs beside readings.
        features: Its inputs.
        optional: Inputs that may be missing.
        one_of: Optional inputs of which at least one must be there.
        canary_percent: Share of the points that a challenger is to answer at; null for a champion.
        canary_points: Points at which it answers in the champion's place, as `substation/point`.
        shadow: Whether it also answers off the path, to be compared; never returned.
        registered_at: When it was registered; null where the snapshot does not say.
        age_s: Seconds since then.
    """

    model_version: str
    role: str
    substations: list[str]
    point_kinds: list[str]
    minimum_readings: int
    requires: list[str]
    features: list[str]
    optional: list[str]
    one_of: list[str]
    canary_percent: float | None
    canary_points: list[str]
    shadow: bool
    registered_at: datetime | None
    age_s: float | None


class Model(msgspec.Struct, frozen=True):
    """One of the 16 models, its output fields and its published versions."""

    name: str
    module: str
    outputs: list[dict[str, Any]]
    published: list[Version]


class Catalogue(msgspec.Struct, frozen=True):
    """Body of `GET /v1/models`.

    Attributes:
        snapshot: The set of versions that is served.
        created: When it was written.
        age_s: Seconds since then.
        models: All 16 models.
        routes: Version of the champion, by substation and model.
        challengers_waiting: Versions that a canary or shadow asks for and the snapshot does not hold.
        points: Points that are answered for, with their kind, by substation.
    """

    snapshot: str
    created: datetime | None
    age_s: float | None
    models: list[Model]
    routes: dict[str, dict[str, str]]
    challengers_waiting: list[str]
    points: dict[str, dict[str, str]]


def catalogue(engine: Engine) -> Catalogue:
    """Everything that `engine` serves."""
    now = datetime.now(UTC)
    points: dict[str, dict[str, str]] = {}
    for site in engine.sites:
        points.setdefault(site.substation, {})[site.point] = site.kind
    return Catalogue(
        snapshot=engine.snapshot,
        created=engine.created,
        age_s=_age_s(engine.created, now),
        models=[
            Model(
                name=name,
                module=MODULE_OF[name],
                outputs=[msgspec.to_builtins(field) for field in fields(name)],
                published=_versions(engine, name, now),
            )
            for name in NAMES
        ],
        routes={
            substation: {model: served.model.version for model, served in targets.items()}
            for substation, targets in engine.routes.items()
        },
        challengers_waiting=engine.challengers.waiting(),
        points=points,
    )


def _versions(engine: Engine, name: str, now: datetime) -> list[Version]:
    """The champions of a model, each followed by its challenger where the snapshot holds one."""
    places: dict[Served, list[str]] = {}
    for substation, targets in engine.routes.items():
        if name in targets:
            places.setdefault(targets[name], []).append(substation)
    found = []
    for champion, substations in places.items():
        found.append(_version(champion, substations, None, [], now))
        registered = champion.model.entry.registered
        challenger = engine.challengers.served.get(registered)
        if challenger is not None:
            asked = engine.challengers.challenge(registered) or Challenge(challenger.model.entry.version)
            points = [
                f"{site.substation}/{site.point}"
                for site in engine.sites
                if site.substation in substations and in_canary(site, asked.canary_percent)
            ]
            found.append(_version(challenger, substations, asked, points, now))
    return found


def _version(
    served: Served, substations: list[str], asked: Challenge | None, points: list[str], now: datetime
) -> Version:
    entry, spec = served.model.entry, served.model.spec
    return Version(
        model_version=served.model.version,
        role=entry.alias,
        substations=substations,
        point_kinds=list(spec.point_kinds),
        minimum_readings=spec.minimum_readings,
        requires=list(spec.requires),
        features=list(spec.features),
        optional=list(spec.optional),
        one_of=list(spec.one_of),
        canary_percent=None if asked is None else asked.canary_percent,
        canary_points=points,
        shadow=asked is not None and asked.shadow,
        registered_at=entry.registered_at,
        age_s=_age_s(entry.registered_at, now),
    )


def _age_s(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else round((now - since).total_seconds(), 1)
