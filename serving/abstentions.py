"""Answers that hold no answer: why a model abstained or failed, in a word for programs and in one for people.

The reasons come in this order, and the first that holds is given: `not_published`, `not_applicable`,
`too_few_readings`, `missing_context`, `missing_input`. A sequence model that is not published says in its
detail that it would need more readings besides, so that a gateway learns both at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from msgspec import UNSET, UnsetType

import features
from data_contracts.answers import ANSWERS, Answer
from data_contracts.wire import Item
from features.sequence import SEQUENCE_FEATURES

SEQUENCES = {"frequency_stability": 10}
"""Models that look at a sequence of readings whatever their version, and how long it is."""

MOST_NAMES = 8
"""Features that a reason lists."""

_NEEDS = {
    feature.name: feature.needs
    for feature in (*features.CATALOGUE, *SEQUENCE_FEATURES, *features.CONTEXT_FEATURES)
}


def _answer(model: str, status: str, reason: str, detail: str, version: str | UnsetType = UNSET) -> Answer:
    return ANSWERS[model](status=status, reason=reason, detail=detail, model_version=version)  # type: ignore[arg-type]


@lru_cache(maxsize=1024)
def not_published(model: str, readings: int | None = None) -> Answer:
    """No version of the model is in the snapshot for this substation.

    Args:
        model: Its name.
        readings: Readings in the item, where they are too few for a sequence model.
    """
    detail = "no version of this model is published for this substation"
    if readings is not None:
        detail += f"; of readings it needs {SEQUENCES[model]}, got {readings}"
    return _answer(model, "abstained", "not_published", detail)


def not_applicable(model: str, version: str, kind: str, kinds: Sequence[str]) -> Answer:
    """The model says nothing about a point of this kind."""
    detail = f"this point is of kind {kind}; the model applies to {', '.join(kinds)}"
    return _answer(model, "abstained", "not_applicable", detail, version)


def not_learnt(model: str, version: str, points: Iterable[str]) -> Answer:
    """The model learnt from a measured dataset, and from nothing of this point."""
    names = sorted(points)
    listed = ", ".join(names[:MOST_NAMES])
    if len(names) > MOST_NAMES:
        listed += f" and {len(names) - MOST_NAMES} more"
    detail = f"the model has learnt nothing of this point; it applies to {listed}"
    return _answer(model, "abstained", "not_applicable", detail, version)


@lru_cache(maxsize=1024)
def too_few_readings(model: str, version: str, needs: int, got: int) -> Answer:
    """The item has fewer readings than the model needs."""
    return _answer(model, "abstained", "too_few_readings", f"readings: needs {needs}, got {got}", version)


@lru_cache(maxsize=1024)
def missing_context(model: str, version: str, missing: tuple[str, ...]) -> Answer:
    """The item lacks fields that the model needs beside its readings."""
    return _answer(model, "abstained", "missing_context", f"needs {', '.join(missing)}", version)


@lru_cache(maxsize=1024)
def missing_input(model: str, version: str, names: tuple[str, ...]) -> Answer:
    """Features that the model needs have no value, because their samples are absent or invalid.

    Args:
        model: Its name.
        version: The version asked.
        names: The features without a value.
    """
    channels = sorted({need for name in names for need in needs_of(name)})
    listed = ", ".join(names[:MOST_NAMES])
    if len(names) > MOST_NAMES:
        listed += f" and {len(names) - MOST_NAMES} more"
    detail = f"no value for {listed}; needs valid samples of {', '.join(channels)}"
    return _answer(model, "abstained", "missing_input", detail, version)


@lru_cache(maxsize=1024)
def missing_all(model: str, version: str, names: tuple[str, ...]) -> Answer:
    """None of the features has a value of which the model needs one.

    Args:
        model: Its name.
        version: The version asked.
        names: The features.
    """
    channels = [need for name in names for need in needs_of(name)]
    detail = f"no value for any of {', '.join(names)}; needs valid samples of {' or '.join(channels)}"
    return _answer(model, "abstained", "missing_input", detail, version)


def needs_of(feature: str) -> tuple[str, ...]:
    """Channels, or other fields of the request, that a feature reads; a step of a sequence by its number."""
    return _NEEDS[feature if feature in _NEEDS else feature.partition(".")[0]]


def failed(model: str, version: str, why: str) -> Answer:
    """The model broke on this item."""
    return _answer(model, "failed", "internal_error", why, version)


def absent(item: Item, required: tuple[str, ...]) -> tuple[str, ...]:
    """Fields of `required`, such as `waveform` or `context.tap`, that an item does not have."""
    found: list[str] = []
    for path, steps in _steps(required):
        value: object = item
        for step in steps:
            value = getattr(value, step, UNSET)
            if value is UNSET:
                found.append(path)
                break
    return tuple(found)


@lru_cache(maxsize=256)
def _steps(paths: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each path with the fields on the way."""
    return tuple((path, tuple(path.split("."))) for path in paths)
