"""Voltage events that the point has seen in the last week, as counts, fading sums and extremes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from data_contracts.wire import Item
from features.declaration import DEFINITION, Feature
from features.windows import Windows

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

GROUP = "events"
REACH_S = 7.0 * 86_400.0
"""How far back the features look; a gateway sends the point's events of that time."""

ARC_MS, ARC_PCT = 60.0, 3.0
"""An arc that dies by itself: shorter than protection clears a fault, deeper than a bank's step."""

MEMORY_S = 5.0 * 3600.0
HAWKES = "A. G. Hawkes, Biometrika 58 (1971)"

NEEDS = ("context.events",)
ABSENT = "NaN when the list was not sent; an empty list says that there was no event"

_HOUR_S, _DAY_S = 3600.0, 86_400.0
_MEMORY_H = MEMORY_S / _HOUR_S


def _feature(name: str, unit: str, text: str, source: str = DEFINITION) -> Feature:
    return Feature(name, GROUP, unit, text, source, NEEDS, ABSENT)


FEATURES = (
    _feature("events_10min", "1", "events of the last 10 min"),
    _feature("events_1h", "1", "events of the last hour"),
    _feature("events_24h", "1", "events of the last 24 h"),
    _feature("events_7d", "1", "events of the last 7 days"),
    _feature("sags_24h", "1", "sags and interruptions of the last 24 h"),
    _feature(
        "arcs_fading", "1",
        f"Σ exp(−age / {_MEMORY_H:g} h) over events up to {ARC_MS:g} ms and from {ARC_PCT:g} % on", HAWKES,
    ),
    _feature("others_fading", "1", f"Σ exp(−age / {_MEMORY_H:g} h) over the other events", HAWKES),
    _feature("since_event_h", "h", "time since the last event, at most 168 h"),
    _feature("since_arc_h", "h", f"time since the last one up to {ARC_MS:g} ms and from {ARC_PCT:g} % on"),
    _feature("deepest_24h_pct", "%", "largest departure of the last 24 h, 0 without an event"),
    _feature("longest_24h_log", "log10 ms", "log10 of 1 ms and the longest event of the last 24 h"),
)  # fmt: skip


def compute(age_s: Float, depth_pct: Float, duration_ms: Float, sag: Bool) -> Float:
    """Features of n points in time, float64 [n, len(FEATURES)].

    Args:
        age_s: Time since each of up to k events, s, [n, k]; what is older than `REACH_S`, lies ahead or is
            not there (infinite) does not count.
        depth_pct: Their departure from nominal, %, [n, k].
        duration_ms: How long they lasted, ms, [n, k].
        sag: Whether they are sags or interruptions, bool [n, k].
    """
    counts = (age_s >= 0.0) & (age_s <= REACH_S)
    age = np.where(counts, age_s, REACH_S)
    day = counts & (age <= _DAY_S)
    arc = counts & (duration_ms <= ARC_MS) & (depth_pct >= ARC_PCT)
    fading = np.where(counts, np.exp(-age / MEMORY_S), 0.0)
    columns = (
        (counts & (age <= 600.0)).sum(axis=1),
        (counts & (age <= _HOUR_S)).sum(axis=1),
        day.sum(axis=1),
        counts.sum(axis=1),
        (day & sag).sum(axis=1),
        np.where(arc, fading, 0.0).sum(axis=1),
        np.where(arc, 0.0, fading).sum(axis=1),
        age.min(axis=1, initial=REACH_S) / _HOUR_S,
        np.where(arc, age, REACH_S).min(axis=1, initial=REACH_S) / _HOUR_S,
        np.where(day, depth_pct, 0.0).max(axis=1, initial=0.0),
        np.log10(1.0 + np.where(day, duration_ms, 0.0).max(axis=1, initial=0.0)),
    )
    return np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of n items, float64 [n, len(FEATURES)]."""
    out = np.full((len(items), len(FEATURES)), np.nan)
    for row, item in enumerate(items):
        context = item.context
        if context is UNSET or context.events is UNSET:
            continue
        now, sent = float(windows.t_end[row]), context.events
        known = np.array(
            [[now - event.t.timestamp(), event.depth_pct, event.duration_ms] for event in sent],
            dtype=np.float64,
        ).reshape(-1, 3)
        sag = np.array([event.kind in {"sag", "interruption"} for event in sent], dtype=bool)
        out[row] = compute(known[None, :, 0], known[None, :, 1], known[None, :, 2], sag[None])[0]
    return out
