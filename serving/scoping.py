"""What of the catalogue a caller may see: the substations that its key covers."""

from __future__ import annotations

from msgspec.structs import replace

from serving.description import Catalogue, Version
from serving.visit import Caller


def covered(catalogue: Catalogue, caller: Caller) -> Catalogue:
    """The part of `catalogue` about substations that `caller` may ask about."""
    allowed = caller.substations
    if allowed is None:
        return catalogue
    models = [
        replace(
            model,
            published=[
                _version(version, allowed)
                for version in model.published
                if not allowed.isdisjoint(version.substations)
            ],
        )
        for model in catalogue.models
    ]
    return replace(
        catalogue,
        models=models,
        routes={name: routes for name, routes in catalogue.routes.items() if name in allowed},
        challengers_waiting=[],
        points={name: points for name, points in catalogue.points.items() if name in allowed},
    )


def _version(version: Version, allowed: frozenset[str]) -> Version:
    return replace(
        version,
        substations=[name for name in version.substations if name in allowed],
        canary_points=[point for point in version.canary_points if point.partition("/")[0] in allowed],
    )
