"""From a body to checked items, and from their answers to the response's bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import islice

import msgspec
import numpy as np
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
from serving.measured import check_load
from serving.panel import Asked
from serving.problems import ProblemError, malformed, too_large, violation
from serving.together import Call, Later, Outcome
from serving.visit import Visit

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
        visit: Who asks; None for ourselves.
    """

    count: int
    batch: bool
    asked: list[Asked] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    refused: dict[int, ProblemError] = field(default_factory=dict)
    rows: Rows | None = None
    visit: Visit | None = None


def infer(engine: Engine, body: bytes, request_id: str, visit: Visit | None = None) -> bytes:
    """Answer the body of one `POST /v1/infer`.

    Args:
        engine: What answers.
        body: The request's body.
        request_id: Name of the request.
        visit: Who asks, and where it is written down what was asked; None for ourselves.

    Returns:
        The encoded response.

    Raises:
        ProblemError: 400, 403, 413 or 422: the body as a whole, or its only item, cannot be answered.
    """
    return _answered_alone(engine, take_in(engine, body, visit), request_id)


def infer_together(engine: Engine, calls: Sequence[Call]) -> list[Outcome]:
    """Answer several requests in one call of the features and of each model, as `infer` answers each.

    What is wrong with one of them is its own outcome; nothing of it touches the others. What takes long is
    left to the caller, as a function that answers it.
    """
    outcomes = [_taken_in(engine, call) for call in calls]
    if len(calls) == 1:
        return [_alone(engine, calls[0], outcomes[0])]
    asked: list[Asked] = []
    names: list[str] = []
    parts: list[Rows] = []
    for call, taken in zip(calls, outcomes, strict=True):
        if isinstance(taken, Intake) and taken.rows is not None:
            asked += taken.asked
            names += [call.visit.request_id] * len(taken.asked)
            parts.append(taken.rows)
    try:
        responses = iter(engine.answer(asked, _joined(parts), names) if parts else ())
        return [
            _encoded(taken, [*islice(responses, len(taken.asked))], call.visit.request_id)
            if isinstance(taken, Intake)
            else taken
            for call, taken in zip(calls, outcomes, strict=True)
        ]
    except Exception:  # noqa: BLE001 - whatever it is, it may be one request's fault: each fails or not by itself
        return [_alone(engine, call, taken) for call, taken in zip(calls, outcomes, strict=True)]


def _alone(engine: Engine, call: Call, taken: Intake | Later | Exception) -> Outcome:
    """Answer what was taken in of one request by itself."""
    if not isinstance(taken, Intake):
        return taken
    try:
        return _answered_alone(engine, taken, call.visit.request_id)
    except Exception as error:  # noqa: BLE001 - told to the one that asked
        return error


def _answered_alone(engine: Engine, intake: Intake, request_id: str) -> bytes:
    answers = [] if intake.rows is None else engine.answer(intake.asked, intake.rows, request_id)
    return _encoded(intake, answers, request_id)


def _taken_in(engine: Engine, call: Call) -> Intake | Later | Exception:
    try:
        taken = take_in(engine, call.body, call.visit)
    except Exception as error:  # noqa: BLE001 - told to the one that asked
        return error
    if engine.takes_long(taken.asked):
        return partial(_answered_alone, engine, taken, call.visit.request_id)
    return taken


def _joined(parts: Sequence[Rows]) -> Rows:
    """Readings of several requests behind one another."""
    starts, first = [parts[0].starts[:1]], 0
    for part in parts:
        starts.append(part.starts[1:] + first)
        first += len(part.t)
    return Rows(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.quality for part in parts]),
        np.concatenate([part.t for part in parts]),
        np.concatenate(starts),
    )


def _encoded(intake: Intake, answers: Sequence[Response], request_id: str) -> bytes:
    """The response of one request, from those of the items that were answered."""
    responses: list[Response | None] = [None] * intake.count
    for place, response in zip(intake.places, answers, strict=True):
        responses[place] = response
    qualities = Counter(one.input_quality.validity for one in answers if one.input_quality is not UNSET)
    for validity, count in qualities.items():
        _quality[validity].inc(count)
    if not intake.batch:
        return _encode(responses[0])
    now = datetime.now(UTC)
    for place, problem in intake.refused.items():
        document = problem.document(request_id)
        responses[place] = Response(request_id=request_id, timestamp=now, problem=document)
    return _encode(BatchResponse(items=responses))  # type: ignore[arg-type] # every place is filled now


def take_in(engine: Engine, body: bytes, visit: Visit | None = None) -> Intake:
    """Decode a body, find the point of each item and check the items against the contract.

    Raises:
        ProblemError: 400, 403, 413 or 422.
    """
    if visit is not None:
        visit.snapshot = engine.snapshot
    try:
        decoded = decode(body)
    except MalformedError as error:
        raise malformed(error.message) from error
    except WireError as error:
        _refused.inc()
        raise violation(error.errors) from error
    if isinstance(decoded, Batch):
        intake = _take_batch(engine, decoded, visit)
    else:
        if len(body) > limits.ITEM_BYTES:
            raise too_large(f"an item may have {limits.ITEM_BYTES} bytes, this one has {len(body)}")
        intake = Intake(1, batch=False, visit=visit)
        _place(engine, intake, 0, decoded, decoded.models)
    _check(intake)
    _answered.inc(len(intake.asked))
    if visit is not None:
        visit.items, visit.refused = intake.count, len(intake.refused)
    return intake


def _take_batch(engine: Engine, batch: Batch, visit: Visit | None) -> Intake:
    if batch.models is not UNSET:
        _require_known(batch.models)
    intake = Intake(len(batch.items), batch=True, visit=visit)
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
    denial = None if intake.visit is None else intake.visit.denial(item.substation)
    if denial is not None:
        _refuse_by(intake, place, denial)
        return
    try:
        site = engine.sites.find(item)
        item = site.equipment.complete(item)
        if site.measured is not None:
            check_load(item, site.measured)
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
    _refuse_by(intake, place, violation(errors))


def _refuse_by(intake: Intake, place: int, problem: ProblemError) -> None:
    _refused.inc()
    if not intake.batch:
        raise problem
    intake.refused[place] = problem
