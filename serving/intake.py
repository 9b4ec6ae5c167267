"""From a body to checked items, and from their answers to the response's bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET, UnsetType

from data_contracts.answers import NAMES
from data_contracts.wire import (
    Batch,
    BatchResponse,
    FieldError,
    Item,
    MalformedError,
    Response,
    Rows,
    WireError,
    check,
    decode,
    decode_item,
    limits,
    pack,
)
from serving import metrics
from serving.engine import Engine
from serving.panel import Asked
from serving.problems import ProblemError, malformed, too_large, violation

_encode = msgspec.json.Encoder().encode
_answered = metrics.items.labels("answered")
_refused = metrics.items.labels("refused")
_quality = {name: metrics.input_quality.labels(name) for name in ("good", "questionable", "invalid")}


@dataclass(slots=True)
class Intake:
    """The items of one request: those to be answered, and those that were refused.

    Attributes:
        count: Items in the request.
        batch: Whether the request was a batch.
        asked: Items that keep the contract, in order.
        places: Position of each of them in the request.
        refused: Problem of each other item, by position.
        rows: Readings of the items to be answered.
    """

    count: int
    batch: bool
    asked: list[Asked] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    refused: dict[int, ProblemError] = field(default_factory=dict)
    rows: Rows | None = None


def infer(engine: Engine, body: bytes, request_id: str) -> bytes:
    """Answer the body of one `POST /v1/infer`.

    Args:
        engine: What answers.
        body: The request's body.
        request_id: Name of the request.

    Returns:
        The encoded response.

    Raises:
        ProblemError: 400, 413 or 422: the body as a whole, or its only item, cannot be answered.
    """
    intake = take_in(engine, body)
    responses: list[Response | None] = [None] * intake.count
    if intake.rows is not None:
        answers = engine.answer(intake.asked, intake.rows, request_id)
        for place, response in zip(intake.places, answers, strict=True):
            responses[place] = response
            if response.input_quality is not UNSET:
                _quality[response.input_quality.validity].inc()
    if not intake.batch:
        return _encode(responses[0])
    now = datetime.now(UTC)
    for place, problem in intake.refused.items():
        document = problem.document(request_id)
        responses[place] = Response(request_id=request_id, timestamp=now, problem=document)
    return _encode(BatchResponse(items=responses))  # type: ignore[arg-type] # every place is filled now


def take_in(engine: Engine, body: bytes) -> Intake:
    """Decode a body, find the point of each item and check the items against the contract.

    Raises:
        ProblemError: 400, 413 or 422.
    """
    try:
        decoded = decode(body)
    except MalformedError as error:
        raise malformed(error.message) from error
    except WireError as error:
        _refused.inc()
        raise violation(error.errors) from error
    if isinstance(decoded, Batch):
        intake = _take_batch(engine, decoded)
    else:
        if len(body) > limits.ITEM_BYTES:
            raise too_large(f"an item may have {limits.ITEM_BYTES} bytes, this one has {len(body)}")
        intake = Intake(1, batch=False)
        _place(engine, intake, 0, decoded, decoded.models)
    _check(intake)
    _answered.inc(len(intake.asked))
    return intake


def _take_batch(engine: Engine, batch: Batch) -> Intake:
    if batch.models is not UNSET:
        _require_known(batch.models)
    intake = Intake(len(batch.items), batch=True)
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


def _require_known(models: Sequence[str]) -> None:
    for k, name in enumerate(models):
        if name not in NAMES:
            message = f"there is no such model; the models are {', '.join(NAMES)}"
            raise violation(
                [FieldError(field=f"models[{k}]", rule="unknown_model", message=message, value=name)]
            )


def _place(engine: Engine, intake: Intake, place: int, item: Item, models: Sequence[str] | UnsetType) -> None:
    try:
        site = engine.sites.find(item)
        item = site.equipment.complete(item)
    except WireError as error:
        _refuse(intake, place, error.errors)
        return
    intake.asked.append(Asked(item, site, None if models is UNSET else frozenset(models)))
    intake.places.append(place)


def _check(intake: Intake) -> None:
    """Pack the readings and take out the items that break the contract."""
    if not intake.asked:
        return
    items = [one.item for one in intake.asked]
    intake.rows = pack(items)
    errors = check(items, intake.rows, [one.site.bounds for one in intake.asked])
    if not any(errors):
        return
    for place, found in zip(intake.places, errors, strict=True):
        if found:
            _refuse(intake, place, found)
    sound = [k for k, found in enumerate(errors) if not found]
    intake.asked = [intake.asked[k] for k in sound]
    intake.places = [intake.places[k] for k in sound]
    intake.rows = pack([one.item for one in intake.asked]) if sound else None


def _refuse(intake: Intake, place: int, errors: list[FieldError]) -> None:
    """Note the problem of one item of a batch; the problem of a single item is the request's.

    Raises:
        ProblemError: 422, when the request is a single item.
    """
    _refused.inc()
    problem = violation(errors)
    if not intake.batch:
        raise problem
    intake.refused[place] = problem
