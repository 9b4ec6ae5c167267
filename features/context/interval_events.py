"""What the voltage events of the last ten minutes weigh in the published index of quality."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from data_contracts.quality_index import sag_severity, swell_severity
from data_contracts.wire import Item
from features.declaration import Feature
from features.windows import Windows

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

GROUP = "interval_events"
INTERVAL_S = 600.0
"""Aggregation interval of IEC 61000-4-30."""

_NEEDS = ("context.events",)
_ABSENT = "NaN when the list was not sent; an empty list says that there was no event"
_SAGS = frozenset({"sag", "interruption"})

FEATURES = (
    Feature(
        "event_severity_10min", GROUP, "1", "Σ severity of the sags and swells of the last 10 min",
        "IEEE 1564, SEMI F47", _NEEDS, _ABSENT,
    ),
    Feature(
        "event_depth_10min_pct", GROUP, "%", "largest departure among them, 0 without one",
        "IEC 61000-4-30", _NEEDS, _ABSENT,
    ),
)  # fmt: skip


def compute(age_s: Float, depth_pct: Float, duration_ms: Float, sag: Bool) -> Float:
    """Features of n points in time, float64 [n, len(FEATURES)].

    Args:
        age_s: Time since each of up to k sags and swells, s, [n, k]; what is older than `INTERVAL_S`, lies
            ahead or is not there (infinite) does not count.
        depth_pct: Their departure from nominal, %, [n, k].
        duration_ms: How long they lasted, ms, [n, k].
        sag: Whether they are sags or interruptions; the others are swells, bool [n, k].
    """
    counts = (age_s >= 0.0) & (age_s <= INTERVAL_S)
    depth = np.where(counts, depth_pct, 0.0) / 100.0
    lasting_s = np.where(counts, duration_ms, 0.0) / 1e3
    severity = np.where(sag, sag_severity(1.0 - depth, lasting_s), swell_severity(1.0 + depth, lasting_s))
    return np.stack([severity.sum(axis=1), 100.0 * depth.max(axis=1, initial=0.0)], axis=1)


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of n items, float64 [n, len(FEATURES)]."""
    out = np.full((len(items), len(FEATURES)), np.nan)
    for row, item in enumerate(items):
        context = item.context
        if context is UNSET or context.events is UNSET:
            continue
        now = float(windows.t_end[row])
        sent = [event for event in context.events if event.kind in _SAGS or event.kind == "swell"]
        known = np.array(
            [[now - event.t.timestamp(), event.depth_pct, event.duration_ms] for event in sent],
            dtype=np.float64,
        ).reshape(-1, 3)
        sag = np.array([event.kind in _SAGS for event in sent], dtype=bool)
        out[row] = compute(known[None, :, 0], known[None, :, 1], known[None, :, 2], sag[None])[0]
    return out
