"""Load of a feeder in the days before an episode, from the table `load`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from features.context import ahead
from features.context.load_history import QUARTERS
from flows.contexts.told import QUARTER_S, Told, ends, is_test, iso
from models import columns
from models.load_rows import TABLE
from substations.description import Substation

Float = NDArray[np.float64]


def loads(
    dataset: Dataset, substation: Substation, start: date, episodes: Collection[str]
) -> dict[str, Told]:
    """Eight days of load of one feeder, the feeders in turn, and the load that came.

    Left out are episodes without these days before them, and those whose farthest forecast is of a day that
    is no test day.
    """
    table = dataset.read(TABLE, columns=["point", "t", "p_w"])
    point = columns.names(table, "point")
    t, p_w = columns.seconds(table), columns.floats(table, "p_w")
    feeders = sorted(set(point.texts) & {one.id for one in substation.points if one.kind == "feeder"})
    longest = max(ahead.HORIZONS.values())
    series: dict[str, tuple[NDArray[np.int64], Float]] = {}
    found = {}
    for number, (name, now) in enumerate(ends(dataset, episodes).items()):
        if not is_test(now + longest, substation, start):
            continue
        feeder = feeders[number % len(feeders)]
        if feeder not in series:
            own = np.flatnonzero(point.isin((feeder,)))
            own = own[np.argsort(t[own])]
            series[feeder] = t[own], p_w[own]
        told = _told(feeder, *series[feeder], now)
        if told is not None:
            found[name] = told
    return found


def _told(feeder: str, t: NDArray[np.int64], p_w: Float, now: int) -> Told | None:
    """History up to the last whole quarter, and the mean of the quarter that ends at each horizon."""
    stop = int(np.searchsorted(t, now - QUARTER_S, side="right"))
    first, last = stop - QUARTERS, stop + round(max(ahead.HORIZONS.values()) / QUARTER_S) + 1
    if first < 0 or last > t.size or t[last - 1] - t[first] != QUARTER_S * (last - first - 1):
        return None
    energy = np.concatenate([[0.0], np.cumsum(p_w[first:last])])
    bounds = t[first] + QUARTER_S * np.arange(energy.size)
    truth = {}
    for name, ahead_s in ahead.HORIZONS.items():
        begin, end = np.interp([now + ahead_s - QUARTER_S, now + ahead_s], bounds, energy)
        truth[name] = float(end - begin)
    history = {
        "step_s": QUARTER_S,
        "end": iso(int(t[stop - 1]) + QUARTER_S),
        "p": np.round(p_w[first:stop]).tolist(),
    }
    return Told(feeder, {}, {"loads_w": truth}, history)
