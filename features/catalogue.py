"""All features, in the order of their columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import cache

from features import channels as ch
from features.declaration import Feature
from features.groups import (
    balance,
    calendar,
    consistency,
    current,
    frequency,
    harmonics,
    loading,
    power,
    quality,
    rolling,
    sampling,
    sequences,
    shape,
    voltage,
)
from features.statistics import Float, Statistics
from switchyard.digests import digest_json

VERSION = 1
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
)

CATALOGUE: tuple[Feature, ...] = (
    *(feature for module in _MODULES for feature in module.FEATURES),
    *harmonics.FEATURES,
)
"""Every feature; the columns of `features.compute` and of the table `features`."""

NAMES: tuple[str, ...] = tuple(feature.name for feature in CATALOGUE)
INDEX: dict[str, int] = {name: position for position, name in enumerate(NAMES)}

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

    A compiled model carries the digest of the catalogue that it was trained on.
    """
    return digest_json(
        {
            "version": VERSION,
            "window": ch.WINDOW,
            "rolling": ch.ROLLING,
            "features": [asdict(feature) for feature in CATALOGUE],
        }
    )
