"""From a body to checked items, and from their answers to the response's bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET

from data_contracts.wire import (
    Batch,
    BatchResponse,
    Item,
    MalformedError,
    Response,
    WireError,
    check,
    decode,
    decode_item,
    limits,
    pack,
)
from data_contracts.wire.response import FieldError
from serving import metrics
from serving.engine import Engine
from serving.panel import Asked
from serving.problems import ProblemError, malformed, too_large, violation

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Intake:
    """The items of one request: some to be answered, some refused.

    Attributes:
        asked: Items that name a known point, in order.
        places: Position of each of them in the request.
        refused: The problem of each other item, by position.
        count: Items in the request.
        batch: Whether the request was a batch.
    """

    asked: list[Asked]
    places: list[int]
    refused: dict[int, ProblemError]
    count: int
    batch: bool


def infer(engine: Engine, body: bytes, request_id: str) -> bytes:
    """Answer the body of one `POST /v1/infer`.

    Args:
        engine: What answers.
        body: The request's body.
        request_id: Name of the request.

    Returns:
        The encoded response.

    Raises:
        Problem: 400, 413 or 422: the body as a whole, or its only item, cannot be answered.
    """
    intake = take_in(engine, body)
    responses: list[Response | None] = [None] * intake.count
    if intake.asked:
        rows = pack([one.item for one in intake.asked])
        errors = check([one.item for one in intake.asked], rows, [one.site.bounds for one in intake.asked])
        sound = [k for k, found in enumerate(errors) if not found]
        for k, found in enumerate(errors):
            if found:
                _refuse(intake, intake.places[k], found)
        if sound:
            asked = [intake.asked[k] for k in sound]
            if len(sound) < len(errors):
                rows = pack([one.item for one in asked])
            for k, response in zip(sound, engine.answer(asked, rows, request_id), strict=True):
                responses[intake.places[k]] = response
                metrics.input_quality.labels(response.input_quality.validity).inc()  # type: ignore[union-attr]
            metrics.items.labels("answered").inc(len(sound))
    if not intake.batch:
        return _encode(responses[0])
    now = datetime.now(UTC)
    for place, problem in intake.refused.items():
        document = problem.document(request_id)
        responses[place] = Response(request_id=request_id, timestamp=now, problem=document)
    return _encode(BatchResponse(items=responses))  # type: ignore[arg-type]


def take_in(engine: Engine, body: bytes) -> Intake:
    """Decode a body and find the point of each item.

    Raises:
        Problem: 400, 413 or 422.
    """
    try:
        decoded = decode(body)
    except MalformedError as error:
        metrics.items.labels("refused").inc()
        raise malformed(error.message) from error
    except WireError as error:
        metrics.items.labels("refused").inc()
        raise violation(error.errors) from error
    if isinstance(decoded, Item):
        if len(body) > limits.ITEM_BYTES:
            raise too_large(f"an item may have {limits.ITEM_BYTES} bytes, this one has {len(body)}")
        intake = Intake([], [], {}, 1, batch=False)
        _place(engine, intake, 0, decoded, decoded.models)
        return intake
    return _take_batch(engine, decoded)


def _take_batch(engine: Engine, batch: Batch) -> Intake:
    intake = Intake([], [], {}, len(batch.items), batch=True)
    waveforms = 0
    for place, raw in enumerate(batch.items):
        try:
            item = decode_item(raw)
        except WireError as error:
            _refuse(intake, place, error.errors)
            continue
        waveforms += item.waveform is not UNSET
        if waveforms > limits.BATCH_WAVEFORMS:
            raise too_large(f"a batch may have {limits.BATCH_WAVEFORMS} waveforms; send the rest in another")
        _place(engine, intake, place, item, batch.models if item.models is UNSET else item.models)
    return intake


def _place(
    engine: Engine, intake: Intake, place: int, item: Item, models: Sequence[str] | msgspec.UnsetType
) -> None:
    try:
        site = engine.sites.find(item)
    except WireError as error:
        _refuse(intake, place, error.errors)
        return
    intake.asked.append(Asked(item, site, None if models is UNSET else frozenset(models)))
    intake.places.append(place)


def _refuse(intake: Intake, place: int, errors: list[FieldError]) -> None:
    """Note the problem of one item of a batch; the problem of a single item is the request's.

    Raises:
        Problem: 422, when there is no other item.
    """
    metrics.items.labels("refused").inc()
    problem = violation(errors)
    if not intake.batch:
        raise problem
    intake.refused[place] = problem
