"""A challenger's answer beside the one that was served."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import msgspec

from data_contracts.answers import COMMON, Answer

SAME = 1e-9
"""Relative difference below which two figures are the same."""


class Pair(msgspec.Struct, frozen=True):
    """One item's answers of two versions of one model: a line of the shadow's log.

    Attributes:
        time: When they were compared (UTC).
        request_id: Name of the request.
        substation: The item's substation.
        point: The item's point.
        model: The model.
        served: Version that answered.
        shadow: Version in the shadow.
        status: Statuses, served and shadow.
        labels: Words and truth values of both, by field.
        numbers: Figures of both, by field; null where a version leaves the field out.
        distances: Absolute difference by field, of lists and groups of figures the largest.
        differ: Fields in which they differ, the status among them.
    """

    time: datetime
    request_id: str
    substation: str
    point: str
    model: str
    served: str
    shadow: str
    status: tuple[str, str]
    labels: dict[str, tuple[str | bool, str | bool]]
    numbers: dict[str, tuple[float | None, float | None]]
    distances: dict[str, float]
    differ: list[str]


def compare(
    served: Answer,
    shadow: Answer,
    *,
    model: str,
    request_id: str,
    substation: str,
    point: str,
    time: datetime,
) -> Pair:
    """Compare two answers of one model to one item, field by field."""
    ours, theirs = msgspec.to_builtins(served), msgspec.to_builtins(shadow)
    labels: dict[str, tuple[str | bool, str | bool]] = {}
    numbers: dict[str, tuple[float | None, float | None]] = {}
    distances: dict[str, float] = {}
    differ = ["status"] if served.status != shadow.status else []
    # One that abstains has no fields: that it does is the difference.
    both = served.status == shadow.status == "ok"
    for name in sorted({*ours, *theirs} - set(COMMON)) if both else ():
        one, other = ours.get(name), theirs.get(name)
        if isinstance(one, str | bool) and isinstance(other, str | bool):
            labels[name] = (one, other)
        elif _is_figure(one) or _is_figure(other):
            numbers[name] = (one, other)
        distance = _distance(one, other)
        if distance is not None:
            distances[name] = distance
        if not _same(one, other):
            differ.append(name)
    return Pair(
        time=time,
        request_id=request_id,
        substation=substation,
        point=point,
        model=model,
        served=str(served.model_version),
        shadow=str(shadow.model_version),
        status=(served.status, shadow.status),
        labels=labels,
        numbers=numbers,
        distances=distances,
        differ=differ,
    )


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _distance(one: Any, other: Any) -> float | None:
    """Largest absolute difference of figures in the same places; None where there is no such pair."""
    if _is_figure(one) and _is_figure(other):
        return abs(float(one) - float(other))
    parts: list[float | None] = []
    if isinstance(one, dict) and isinstance(other, dict):
        parts = [_distance(one[name], other[name]) for name in one.keys() & other.keys()]
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        parts = [_distance(a, b) for a, b in zip(one, other, strict=True)]
    return max((part for part in parts if part is not None), default=None)


def _same(one: Any, other: Any) -> bool:
    if _is_figure(one) and _is_figure(other):
        return math.isclose(one, other, rel_tol=SAME, abs_tol=SAME)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)
