"""What an answer's fields mean: read from their types, for documentation, conformance tests and OpenAPI."""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UnsetType

from data_contracts.answers.base import COMMON, Answer


class AnswerField(msgspec.Struct, frozen=True):
    """One output field of a model.

    Attributes:
        name: Name in the response.
        type: Its type in words, such as `float`, `list[str]` or `one of low, medium, high`.
        unit: SI symbol or "".
        description: What it says.
        minimum: Smallest value, None for no bound.
        maximum: Largest value, None for no bound.
        values: The values it can take, where they are a fixed list.
    """

    name: str
    type: str
    unit: str
    description: str
    minimum: float | None
    maximum: float | None
    values: tuple[str, ...]


def _in_words(kind: Any) -> str:
    origin = get_origin(kind)
    if origin is Literal:
        return "one of " + ", ".join(str(value) for value in get_args(kind))
    if origin in (Union, UnionType):
        return " or ".join("null" if part is type(None) else _in_words(part) for part in get_args(kind))
    if origin is not None:
        return f"{origin.__name__}[{', '.join(_in_words(part) for part in get_args(kind))}]"
    if issubclass(kind, msgspec.Struct):
        names = (f"{field.encode_name}: {_in_words(field.type)}" for field in msgspec.structs.fields(kind))
        return "{" + ", ".join(names) + "}"
    return str(kind.__name__)


def _read(name: str, hint: Any) -> AnswerField:
    annotated = next(part for part in get_args(hint) if part is not UnsetType)
    kind, meta = get_args(annotated) if get_origin(annotated) is Annotated else (annotated, msgspec.Meta())
    values = get_args(kind) if get_origin(kind) is Literal else ()
    return AnswerField(
        name=name,
        type=_in_words(kind),
        unit=(meta.extra or {}).get("unit", ""),
        description=meta.description or "",
        minimum=meta.ge,
        maximum=meta.le,
        values=tuple(str(value) for value in values),
    )


@cache
def output_fields(answer: type[Answer]) -> tuple[AnswerField, ...]:
    """The output fields of an answer type, in their order."""
    hints = get_type_hints(answer, include_extras=True)
    return tuple(_read(name, hints[name]) for name in answer.__struct_fields__ if name not in COMMON)
