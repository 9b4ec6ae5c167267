"""The OpenAPI 3.1 document of the service: every path, every status, every kind of problem, with examples."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from data_contracts.answers import NAMES
from data_contracts.wire import Batch, BatchResponse, FieldError, Item, Problem, Response
from data_contracts.wire.limits import BATCH_BYTES, BATCH_WAVEFORMS, ITEM_BYTES
from serving import problems
from serving.description import Catalogue
from serving.exchange import LONGEST_DEADLINE_MS
from switchyard import __version__

Object = dict[str, Any]

REQUEST_ID = "gateway-7:000042"
READING = {
    "t": "2026-01-05T08:00:00.000Z",
    "v": [19130.5, 19090.1, 19170.9],
    "i": [479.9, 479.0, 480.9],
    "p": [-8740000.0, -8705000.0, -8776000.0],
    "q": [-2810000.0, -2799000.0, -2822000.0],
    "f": 50.012,
    "v_ll": [33100.2, 33120.9, 33160.4],
}
ITEM = {"substation": "mumbai", "point": "DTX1.LV", "readings": [READING], "models": ["phase_imbalance"]}
ANSWER = {
    "request_id": REQUEST_ID,
    "timestamp": "2026-01-05T08:00:00.412Z",
    "snapshot": "000003-0d6e2f5b91ac",
    "inference_time_ms": 0.31,
    "input_quality": {"validity": "good", "readings": 1, "questionable": 0, "invalid": 0},
    "limit_exceeded": [],
    "monitoring": {
        "phase_imbalance": {
            "status": "ok",
            "model_version": "phase_imbalance:3",
            "imbalance_class": "balanced",
            "confidence": 0.998,
            "critical_phase": "C",
        }
    },
}
_FIELD = FieldError(field="readings[0].f", rule="range", message="must be 40 to 70 Hz, is 5.01", value=5.01)
_FOREIGN = problems.forbidden("the key of gateway-7 does not cover the substation 'delhi'")

PROBLEMS: dict[str, problems.ProblemError] = {
    "malformed": problems.malformed("the body is not JSON: unexpected end at byte 17"),
    "header": problems.unreadable_deadline(),
    "unauthorized": problems.unauthorized("the key of gateway-7 has expired"),
    "forbidden": _FOREIGN,
    "not-found": problems.not_found("/v2/infer"),
    "method": problems.wrong_method("/v1/infer", "POST"),
    "slow-body": problems.slow_body(10.0),
    "too-large": problems.too_large(f"the body is larger than {BATCH_BYTES} bytes"),
    "media-type": problems.media_type("content type text/plain; send application/json"),
    "contract-violation": problems.violation([_FIELD]),
    "busy": problems.busy(1),
    "internal": problems.broken(),
    "not-ready": problems.not_ready("the first snapshot is being loaded", 1),
    "draining": problems.draining(1),
    "deadline": problems.late(10.0, 1),
    "closed": problems.closed(1),
}
"""One example of every kind of problem, made as the service makes it."""

_OF_INFER = (
    "malformed", "header", "unauthorized", "forbidden", "method", "slow-body", "too-large", "media-type",
    "contract-violation", "busy", "internal", "not-ready", "draining", "deadline", "closed",
)  # fmt: skip
_OF_MODELS = ("unauthorized", "forbidden", "method", "internal", "not-ready", "draining", "closed")
_OF_READINESS = ("internal", "not-ready", "draining")
_OF_METRICS = ("unauthorized", "forbidden", "method", "internal", "closed")

_DESCRIPTION = (
    f"One service, one inference endpoint. A request asks {len(NAMES)} models about one measurement point (an"
    f" item of at most {ITEM_BYTES >> 10} KiB) or up to 1000 of them (a batch of at most {BATCH_BYTES >> 20} "
    f"MiB and {BATCH_WAVEFORMS} waveforms). Units are SI, phase-to-neutral and line-to-line volts, primary "
    "side; power is positive out of the busbar; readings are a second apart, oldest first.\n\n"
    "Errors are problem documents (RFC 9457). 429 and 503 carry `Retry-After`; requests are safe to repeat."
)


def _content(schema: Object, examples: Object, media_type: str = "application/json") -> Object:
    named = {name: {"value": value} for name, value in examples.items()}
    return {media_type: {"schema": schema, **({"examples": named} if named else {})}}


def _header(description: str, schema: Object) -> Object:
    return {"description": description, "schema": schema}


_REQUEST_ID = _header("Name of the request in logs", {"type": "string"})
_RETRY_AFTER = _header("Seconds after which to come back", {"type": "integer", "minimum": 1})


def _refusals(kinds: tuple[str, ...]) -> Object:
    """Responses by status of the given kinds of problem."""
    by_status: dict[int, list[str]] = {}
    for kind in kinds:
        by_status.setdefault(PROBLEMS[kind].status, []).append(kind)
    responses = {}
    for status, together in sorted(by_status.items()):
        examples = {kind: msgspec.to_builtins(PROBLEMS[kind].document(REQUEST_ID)) for kind in together}
        headers = {"X-Request-ID": _REQUEST_ID}
        if any(name == b"retry-after" for kind in together for name, _ in PROBLEMS[kind].headers):
            headers["Retry-After"] = _RETRY_AFTER
        responses[str(status)] = {
            "description": "; ".join(problems.TITLES[kind] for kind in together),
            "headers": headers,
            "content": _content(
                {"$ref": "#/components/schemas/Problem"}, examples, problems.MEDIA_TYPE.decode()
            ),
        }
    return responses


def _operation(name: str, summary: str, success: Object, refusals: tuple[str, ...], **more: Any) -> Object:
    return {
        "operationId": name,
        "summary": summary,
        "responses": {"200": {"headers": {"X-Request-ID": _REQUEST_ID}, **success}, **_refusals(refusals)},
        **more,
    }


def _health(name: str, summary: str, refusals: tuple[str, ...]) -> Object:
    success = {"description": "Yes", "content": _content({"type": "string"}, {}, "text/plain")}
    return {"get": _operation(name, summary, success, refusals, security=[])}


@cache
def document() -> Object:
    """The whole document."""
    bodies = (Item, Batch, Response, BatchResponse, Problem, Catalogue)
    schemas, components = msgspec.json.schema_components(bodies, ref_template="#/components/schemas/{name}")
    item, batch, response, batch_response, _, models = schemas
    parameters = [
        {
            "name": "X-Request-ID",
            "in": "header",
            "description": "Name of the request in logs and in the answer; any other form is replaced",
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$"},
        },
        {
            "name": "X-Deadline-Ms",
            "in": "header",
            "description": "Milliseconds within which an answer is wanted; cannot exceed the service's own",
            "schema": {"type": "integer", "minimum": 1, "maximum": LONGEST_DEADLINE_MS},
        },
    ]
    infer = _operation(
        "infer",
        "Answer one item or a batch",
        {
            "description": "Answers of the models; a bad item of a batch has `problem` in their place",
            "content": _content(
                {"anyOf": [response, batch_response]},
                {
                    "item": ANSWER,
                    "batch": {"items": [ANSWER, _refused_item()]},
                },
            ),
        },
        _OF_INFER,
        parameters=parameters,
        requestBody={
            "required": True,
            "content": _content({"anyOf": [item, batch]}, {"item": ITEM, "batch": {"items": [ITEM, ITEM]}}),
        },
    )
    catalogue = _operation(
        "models",
        "The models, their published versions and the points that are answered for",
        {"description": "What the key covers of the catalogue", "content": _content(models, {})},
        _OF_MODELS,
        parameters=parameters[:1],
    )
    metrics = _operation(
        "metrics",
        "Metrics of the service",
        {"description": "Prometheus' text format", "content": _content({"type": "string"}, {}, "text/plain")},
        _OF_METRICS,
    )
    page = {"description": "This document", "content": _content({"type": "object"}, {})}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Switchyard",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}, {}],
        "paths": {
            "/v1/infer": {"post": infer},
            "/v1/models": {"get": catalogue},
            "/metrics": {"get": metrics},
            "/livez": _health("alive", "The process lives", ("internal",)),
            "/readyz": _health(
                "ready", "A proven snapshot is served and the worker is not stopping", _OF_READINESS
            ),
            "/docs.json": {"get": _operation("document", "This document", page, ("internal",), security=[])},
        },
        "components": {
            "schemas": components,
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, `sy_…`, where the service has any; good for some substations "
                    "and for infer, models or metrics",
                }
            },
        },
    }


def _refused_item() -> Object:
    return {
        "request_id": REQUEST_ID,
        "timestamp": "2026-01-05T08:00:00.412Z",
        "problem": msgspec.to_builtins(_FOREIGN.document(REQUEST_ID)),
    }


@cache
def encoded() -> bytes:
    """The document as it is sent."""
    return msgspec.json.encode(document())
