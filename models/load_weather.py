"""Weather beside a feeder's load: what is known when a forecast is made, and what came.

A service is told the weather of now (`context.ambient_c` and `context.weather` of a request), so that this is
what a forecast may read. The weather of the hours to come is known afterwards only: read as if it had been
known it is an oracle, and so it is called wherever it appears.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from features.context.load_history import WEEK
from models import load_inputs
from models.load_inputs import HORIZONS, QUARTERS_AHEAD, WEATHER
from models.rows import Rows

Float = NDArray[np.float64]
Int = NDArray[np.int64]

AT, BEFORE = "{name}_{horizon}", "{name}_week_before_{horizon}"
"""Columns of the truth: weather at a horizon, and a week before it."""


def now(series: Mapping[str, Float], at: Int) -> dict[str, Float]:
    """Weather of each row's newest quarter, by the feature's name, [n] each.

    Args:
        series: Weather of all quarters by name; NaN where it is not known.
        at: Newest quarter of each row, [n].
    """
    return {name: series[name][at] for name in WEATHER}


def truth(series: Mapping[str, Float], at: Int) -> dict[str, NDArray[np.generic]]:
    """Weather that came at each horizon, and that of a week before it, [n] each."""
    found: dict[str, NDArray[np.generic]] = {}
    for name in WEATHER:
        for horizon, step in zip(HORIZONS, QUARTERS_AHEAD, strict=True):
            found[AT.format(name=name, horizon=horizon)] = series[name][at + step]
            found[BEFORE.format(name=name, horizon=horizon)] = series[name][at + step - WEEK]
    return found


def known(X: Float) -> tuple[str, ...]:
    """Weather that at least one of these inputs tells; none where they have no weather at all."""
    if X.shape[1] < len(load_inputs.INDEX):
        return ()
    return tuple(name for name in WEATHER if np.isfinite(X[:, load_inputs.INDEX[name]]).any())


def came(rows: Rows, horizon: str, names: Sequence[str]) -> Float:
    """Weather at a horizon, also less that of now and less that of a week before, float64 [n, 3 · names]."""
    columns = []
    for name in names:
        then, before = (
            np.asarray(rows.truth[form.format(name=name, horizon=horizon)], dtype=np.float64)
            for form in (AT, BEFORE)
        )
        columns += [then, then - rows.column(name), then - before]
    return np.stack(columns, axis=1)
