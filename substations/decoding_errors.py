"""What the decoder says, in the words of the description's author."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from msgspec import inspect

from substations.description import Description
from substations.errors import SubstationError, did_you_mean

_STEP = re.compile(r"\.(?P<field>\w+)|\[(?P<index>\d+|\.\.\.)\]")

_SPELLING = "use lower-case letters, digits, _ and -; an element is written class.name, as in transformer.at1"


def explained(file: Path, raw: Any, text: str) -> SubstationError:
    """The error for msgspec's message `text` about the decoded YAML `raw` of `file`.

    Names the entry by its id (`feeders[F331].loads.a`) where it has one, shows the value, and suggests the
    nearest known key for one that is unknown.
    """
    match = re.fullmatch(r"(?P<rule>.*?)(?: - at `(?P<path>.*)`)?", text, flags=re.DOTALL)
    rule, path = (match["rule"], match["path"] or "$") if match else (text, "$")
    key, value = _locate(raw, path)
    if unknown := re.search(r"unknown field `(.+?)`", rule):
        given = set(value) if isinstance(value, dict) else set()
        return SubstationError(
            file, _join(key, unknown[1]), "unknown key", did_you_mean(unknown[1], _fields_at(path) - given)
        )
    if missing := re.search(r"missing required field `(.+?)`", rule):
        return SubstationError(file, _join(key, missing[1]), "the key is missing", "add it")
    remedy = _SPELLING if "matching regex" in rule else "correct the value"
    return SubstationError(file, key, f"{value!r}: {rule[:1].lower()}{rule[1:]}", remedy)


def _join(key: str, field: str) -> str:
    return f"{key}.{field}" if key else field


def _locate(raw: Any, path: str) -> tuple[str, Any]:
    """The readable key of msgspec's `path` and the value there."""
    key, value = "", raw
    for step in _STEP.finditer(path):
        if step["field"] is not None:
            key = _join(key, step["field"])
            value = value.get(step["field"]) if isinstance(value, dict) else None
        elif step["index"] == "...":
            key += "[…]"
        else:
            value = value[int(step["index"])]
            name = value.get("id", step["index"]) if isinstance(value, dict) else step["index"]
            key += f"[{name}]"
    return key, value


def _fields_at(path: str) -> set[str]:
    """Keys that the description allows at msgspec's `path`."""
    kind: inspect.Type = inspect.type_info(Description)
    for step in _STEP.finditer(path):
        if step["field"] is not None and isinstance(kind, inspect.StructType):
            kind = next(field.type for field in kind.fields if field.encode_name == step["field"])
        elif isinstance(kind, inspect.VarTupleType):
            kind = kind.item_type
        if isinstance(kind, inspect.UnionType):
            kind = next(option for option in kind.types if not isinstance(option, inspect.NoneType))
    return {field.encode_name for field in kind.fields} if isinstance(kind, inspect.StructType) else set()
