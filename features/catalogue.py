"""All features, in the order of their columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import cache

from features import channels as ch
from features.context import CONTEXT_FEATURES, CONTEXT_NAMES
from features.declaration import Feature
from features.groups import (
    balance,
    calendar,
    consistency,
    current,
    distortion,
    frequency,
    harmonics,
    level,
    loading,
    power,
    quality,
    rolling,
    sampling,
    sequences,
    shape,
    voltage,
)
from features.sequence import SEQUENCE_FEATURES, SEQUENCE_NAMES
from features.statistics import Float, Statistics
from switchyard.digests import digest_json

VERSION = 3
"""Raised when a feature is computed differently under the same declaration."""

Fill = Callable[[Statistics, Float], None]

_MODULES = (
    voltage,
    current,
    frequency,
    power,
    balance,
    quality,
    rolling,
    sequences,
    loading,
    shape,
    consistency,
    calendar,
    sampling,
    distortion,
    level,
)

CATALOGUE: tuple[Feature, ...] = (
    *(feature for module in _MODULES for feature in module.FEATURES),
    *harmonics.FEATURES,
)
"""Every feature; the columns of `features.compute` and of the table `features`."""

NAMES: tuple[str, ...] = tuple(feature.name for feature in CATALOGUE)
INDEX: dict[str, int] = {name: position for position, name in enumerate(NAMES)}

ALL_INDEX: dict[str, int] = {
    name: position for position, name in enumerate((*NAMES, *SEQUENCE_NAMES, *CONTEXT_NAMES))
}
"""Columns of the catalogue, of `features.sequence.sequence` and of `features.context.context_block`."""

SEQUENCE = slice(len(NAMES), len(NAMES) + len(SEQUENCE_NAMES))
CONTEXT = slice(SEQUENCE.stop, len(ALL_INDEX))

HARMONIC = slice(len(CATALOGUE) - len(harmonics.FEATURES), len(CATALOGUE))
"""Columns that need a waveform."""


def _fillers() -> tuple[tuple[Fill, slice], ...]:
    found, start = [], 0
    for module in _MODULES:
        stop = start + len(module.FEATURES)
        found.append((module.fill, slice(start, stop)))
        start = stop
    return tuple(found)


FILLERS: tuple[tuple[Fill, slice], ...] = _fillers()
"""What computes each group but the harmonics, and the columns that it writes."""


@cache
def catalogue_digest() -> str:
    """SHA-256 that names the catalogue: its version, window, and every declaration in column order.

    The steps of sequences and what a request says beside its readings belong to it.

    A compiled model carries the digest of the catalogue that it was trained on.
    """
    return digest_json(
        {
            "version": VERSION,
            "window": ch.WINDOW,
            "rolling": ch.ROLLING,
            "features": [asdict(feature) for feature in CATALOGUE],
            "sequence": [asdict(feature) for feature in SEQUENCE_FEATURES],
            "sequence_names": SEQUENCE_NAMES,
            "context": [asdict(feature) for feature in CONTEXT_FEATURES],
        }
    )
