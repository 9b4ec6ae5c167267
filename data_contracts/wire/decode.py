"""From the bytes of a body to typed items, with errors that name the field."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from data_contracts.wire import limits
from data_contracts.wire.request import Batch, Item
from data_contracts.wire.response import FieldError
from switchyard.errors import SwitchyardError

_ITEM = msgspec.json.Decoder(Item)
_BATCH = msgspec.json.Decoder(Batch)


class _Probe(msgspec.Struct):
    items: msgspec.Raw | UnsetType = UNSET


_PROBE = msgspec.json.Decoder(_Probe)
_PLACE = re.compile(r" - at `(?:key in )?\$(?P<path>.*)`$")
_NAMED = re.compile(r"^Object (?P<rule>contains unknown|missing required) field `(?P<name>[^`]*)`$")
_RULES = {"contains unknown": "unknown_field", "missing required": "required_field"}
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")
_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class MalformedError(SwitchyardError):
    """The body is not JSON (HTTP 400)."""


class WireError(SwitchyardError):
    """The body is JSON but breaks the contract (HTTP 422).

    Attributes:
        errors: The fields that break it.
    """

    def __init__(self, errors: list[FieldError]) -> None:
        first = errors[0]
        super().__init__(f"{first.field or 'body'}: {first.message}", "see docs/contracts.md for the request")
        self.errors = errors


def decode(body: bytes | bytearray | memoryview) -> Item | Batch:
    """Decode a request body.

    Raises:
        MalformedError: It is not JSON; NaN and Infinity are not JSON either.
        WireError: It is JSON, but an unknown field, a wrong type, a wrong number of phases or the like.
    """
    try:
        try:
            return _ITEM.decode(body)
        except msgspec.ValidationError as error:
            if not _is_batch(body):
                raise WireError([_explain(error, body)]) from error
        try:
            return _BATCH.decode(body)
        except msgspec.ValidationError as error:
            raise WireError([_explain(error, body)]) from error
    except _NOT_JSON as error:
        raise MalformedError(f"the body is not JSON: {error}", "send UTF-8 JSON without NaN") from error


def _is_batch(body: bytes | bytearray | memoryview) -> bool:
    try:
        return _PROBE.decode(body).items is not UNSET
    except msgspec.ValidationError:
        return False


def decode_item(raw: msgspec.Raw | bytes) -> Item:
    """Decode one item of a batch.

    Raises:
        WireError: The item breaks the contract or is larger than an item may be.
    """
    size = len(memoryview(raw))
    if size > limits.ITEM_BYTES:
        message = f"an item is at most {limits.ITEM_BYTES} bytes, got {size}"
        raise WireError([FieldError(field="", rule="item_size", message=message, value=size)])
    try:
        return _ITEM.decode(raw)
    except msgspec.ValidationError as error:
        raise WireError([_explain(error, raw)]) from error
    except _NOT_JSON as error:
        raise WireError([FieldError(field="", rule="json", message=str(error))]) from error


def _explain(
    error: msgspec.ValidationError, body: bytes | bytearray | memoryview | msgspec.Raw
) -> FieldError:
    text = str(error)
    place = _PLACE.search(text)
    path = place.group("path").lstrip(".") if place else ""
    message = text[: place.start()] if place else text
    named = _NAMED.match(message)
    if named:
        name = named.group("name")
        return FieldError(
            field=f"{path}.{name}".lstrip("."), rule=_RULES[named.group("rule")], message=message
        )
    return FieldError(field=path, rule="schema", message=message, value=_shown(_found(body, path)))


def _found(body: bytes | bytearray | memoryview | msgspec.Raw, path: str) -> Any:
    """The value at `path` of the body; UNSET where it cannot be read.

    The decoder does not name the key of a mapping: for `context.tap[...]` the whole mapping is given.
    """
    try:
        value = msgspec.json.decode(body)
    except _NOT_JSON:
        return UNSET
    for name, index in _STEP.findall(path):
        if not isinstance(value, dict if name else list):
            return UNSET
        try:
            value = value[name] if name else value[int(index)]
        except (KeyError, IndexError):
            return UNSET
    return value


def _shown(value: Any) -> Any:
    if value is UNSET or value is None or isinstance(value, (bool, int, float)):
        return value
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 80 else text[:77] + "..."
