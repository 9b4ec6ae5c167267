"""Fewer steps of ten minutes that still tell of every sort of event."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.rows import Rows, concatenate
from models.sag_truth import happened, weight_of

Float = NDArray[np.float64]

QUIET_PER_EVENT = 3
"""Steps without an event that are kept for each with one."""


def thinned(rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    """At most `most` steps with an event and so many times as many others; weights make up for it.

    Points of one voltage level see the same events under the same circumstances: one of them stands for all.
    """
    event, weight = happened(rows), weight_of(rows)
    parts = []
    for which, keep in ((event, most), (~event, most * QUIET_PER_EVENT)):
        own = rng.permutation(np.flatnonzero(which))
        if not own.size:
            continue
        stands_for = weight[own]
        if which is event:
            own, stands_for = _once(rows, own, stands_for)
        chosen = np.sort(rng.permutation(own.size)[:keep])
        part, total = rows.select(own[chosen]), float(weight[which].sum())
        heavier = stands_for[chosen] * (total / stands_for[chosen].sum())
        parts.append(replace(part, truth={**part.truth, "weight": heavier}))
    return concatenate(parts)


def _once(rows: Rows, own: NDArray[np.int64], weight: Float) -> tuple[NDArray[np.int64], Float]:
    """The first of the rows `own` of each step, station, voltage and cause, and the weight of all of them."""
    told_apart = (rows.t, rows.substation.codes, rows.kind.codes, rows.truth["code"])
    keys = np.stack([np.asarray(key, dtype=np.float64)[own] for key in told_apart], axis=1)
    _, first, group = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    together_weigh: Float = np.bincount(group.ravel(), weight).astype(np.float64)
    return own[first], together_weigh
