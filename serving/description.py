"""What a worker serves, for people and gateways: `GET /v1/models`, and the OpenAPI document of `/v1`."""

from __future__ import annotations

from typing import Any

import msgspec

from data_contracts.answers import MODULE_OF, NAMES, fields
from data_contracts.wire import Batch, BatchResponse, Item, Problem, Response
from serving.engine import Engine
from serving.panel import Served


class Version(msgspec.Struct, frozen=True):
    """One published version of a model.

    Attributes:
        model_version: Registered name and version.
        substations: Where it answers.
        point_kinds: Kinds of points at which it applies; empty for all.
        minimum_readings: Readings that it needs.
        requires: Fields of the request that it needs beside readings.
        features: Its inputs.
        optional: Inputs that may be missing.
        one_of: Optional inputs of which at least one must be there.
    """

    model_version: str
    substations: list[str]
    point_kinds: list[str]
    minimum_readings: int
    requires: list[str]
    features: list[str]
    optional: list[str]
    one_of: list[str]


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
        models: All 16 models.
        points: Points that are answered for, with their kind, by substation.
    """

    snapshot: str
    models: list[Model]
    points: dict[str, dict[str, str]]


def catalogue(engine: Engine) -> Catalogue:
    """Everything that `engine` serves."""
    points: dict[str, dict[str, str]] = {}
    for site in engine.sites:
        points.setdefault(site.substation, {})[site.point] = site.kind
    return Catalogue(
        snapshot=engine.snapshot,
        models=[
            Model(
                name=name,
                module=MODULE_OF[name],
                outputs=[msgspec.to_builtins(field) for field in fields(name)],
                published=_versions(engine, name),
            )
            for name in NAMES
        ],
        points=points,
    )


def _versions(engine: Engine, name: str) -> list[Version]:
    places: dict[Served, list[str]] = {}
    for substation, targets in engine.routes.items():
        if name in targets:
            places.setdefault(targets[name], []).append(substation)
    return [
        Version(
            model_version=served.model.version,
            substations=substations,
            point_kinds=list(served.model.spec.point_kinds),
            minimum_readings=served.model.spec.minimum_readings,
            requires=list(served.model.spec.requires),
            features=list(served.model.spec.features),
            optional=list(served.model.spec.optional),
            one_of=list(served.model.spec.one_of),
        )
        for served, substations in places.items()
    ]


def openapi(base: dict[str, Any]) -> dict[str, Any]:
    """BentoML's OpenAPI document with the paths under `/v1`, whose schemas are those of the contract.

    Args:
        base: The document of the BentoML service.
    """

    def content(schema: dict[str, Any], media_type: str = "application/json") -> dict[str, Any]:
        return {"content": {media_type: {"schema": schema}}}

    bodies = (Item, Batch, Response, BatchResponse, Problem, Catalogue)
    schemas, components = msgspec.json.schema_components(bodies, ref_template="#/components/schemas/{name}")
    item, batch, response, batch_response, problem, models = schemas
    refusals = {
        str(status): {"description": text, **content(problem, "application/problem+json")}
        for status, text in _REFUSALS.items()
    }
    infer = {
        "summary": "Answer one item or a batch",
        "operationId": "infer",
        "requestBody": {"required": True, **content({"oneOf": [item, batch]})},
        "responses": {
            "200": {"description": "Answers of the models", **content({"oneOf": [response, batch_response]})},
            **refusals,
        },
    }
    models_path = {
        "summary": "The models, their published versions and the points that are answered for",
        "operationId": "models",
        "responses": {
            "200": {"description": "The catalogue", **content(models)},
            "503": refusals["503"],
        },
    }
    merged = dict(base)
    merged["paths"] = {
        "/v1/infer": {"post": infer},
        "/v1/models": {"get": models_path},
        **base.get("paths", {}),
    }
    known = dict(base.get("components", {}))
    known["schemas"] = {**known.get("schemas", {}), **components}
    merged["components"] = known
    return merged


_REFUSALS = {
    400: "The body is not JSON; NaN and Infinity are not JSON",
    408: "The body did not arrive in time",
    413: "The body, or one item of it, is too large",
    415: "The content type is not application/json",
    422: "A field breaks the contract; `errors` names it",
    429: "The worker has its hands full; come back after `Retry-After` seconds",
    503: "The worker is stopping or has no snapshot yet; come back after `Retry-After` seconds",
}
