"""What a request says beside its readings, as features: the same arithmetic for training and for serving.

A group is one module. It declares its features, whose `needs` are fields of the request; `compute` makes them
from plain arrays, which training takes from tables; `read` collects these arrays from decoded items. A value
that was not sent is NaN, and so is every feature that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data_contracts.wire import Item
from features.context import (
    ahead,
    banks,
    circuit,
    clock,
    condition,
    day_ago,
    dispatch,
    equipment,
    events,
    grid,
    interval_events,
    limits,
    load_history,
    load_week,
    loading,
    plain,
    profile,
    site,
    station,
    thermal,
    transfers,
)
from features.declaration import Feature
from features.windows import Windows

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Group:
    """Features that are computed together.

    Attributes:
        name: Name of the group in the catalogue.
        features: What it computes.
        read: Features of n items, float64 [n, features]; the second argument holds their windows, with the
            instant and the nominals of each.
        slow: Whether one item takes many milliseconds, so that a service computes them beside its event loop.
    """

    name: str
    features: tuple[Feature, ...]
    read: Callable[[Sequence[Item], Windows], Float]
    slow: bool = False


GROUPS = (
    Group(plain.GROUP, plain.FEATURES, plain.read),
    Group(site.GROUP, site.FEATURES, site.read),
    Group(limits.GROUP, limits.FEATURES, limits.read),
    Group(loading.GROUP, loading.FEATURES, loading.read),
    Group(day_ago.GROUP, day_ago.FEATURES, day_ago.read),
    Group(thermal.GROUP, thermal.FEATURES, thermal.read),
    Group(profile.GROUP, profile.FEATURES, profile.read),
    Group(condition.GROUP, condition.FEATURES, condition.read),
    Group(ahead.GROUP, ahead.FEATURES, ahead.read),
    Group(load_history.GROUP, load_history.FEATURES, load_history.read),
    Group(station.GROUP, station.FEATURES, station.read),
    Group(banks.GROUP, banks.FEATURES, banks.read),
    Group(circuit.GROUP, circuit.FEATURES, circuit.read),
    Group(transfers.GROUP, transfers.FEATURES, transfers.read),
    Group(clock.GROUP, clock.FEATURES, clock.read),
    Group(events.GROUP, events.FEATURES, events.read),
    Group(interval_events.GROUP, interval_events.FEATURES, interval_events.read),
    Group(dispatch.GROUP, dispatch.FEATURES, dispatch.read),
    Group(equipment.GROUP, equipment.FEATURES, equipment.read),
    Group(grid.GROUP, grid.FEATURES, grid.read, slow=True),
    Group(load_week.GROUP, load_week.FEATURES, load_week.read),
)

CONTEXT_FEATURES: tuple[Feature, ...] = tuple(feature for group in GROUPS for feature in group.features)
CONTEXT_NAMES: tuple[str, ...] = tuple(feature.name for feature in CONTEXT_FEATURES)
"""Columns of `context_block`."""

GROUP_OF: dict[str, int] = {
    feature.name: place for place, group in enumerate(GROUPS) for feature in group.features
}
"""Place in `GROUPS` of the group that computes a feature."""

SLOW_GROUPS = frozenset(place for place, group in enumerate(GROUPS) if group.slow)
"""Places in `GROUPS` of those that take many milliseconds for one item."""


_START = tuple(sum(len(group.features) for group in GROUPS[:place]) for place in range(len(GROUPS)))


def context_block(items: Sequence[Item], windows: Windows, groups: Collection[int]) -> Float:
    """Features of what n items say beside their readings, float64 [n, len(CONTEXT_NAMES)].

    Args:
        items: The items.
        windows: Their windows, [n].
        groups: Places in `GROUPS` of those that are wanted; the others' columns are NaN.
    """
    out = np.full((len(items), len(CONTEXT_NAMES)), np.nan)
    fill_context(out, items, windows, dict.fromkeys(groups, range(len(items))))
    return out


# A ratio to nothing is not defined: NaN.
@np.errstate(divide="ignore", invalid="ignore")
def fill_context(
    out: Float, items: Sequence[Item], windows: Windows, rows_of: Mapping[int, Sequence[int]]
) -> None:
    """Write each group's features of those items that they are wanted of; the rest of `out` is left alone.

    A row is what it would be without the others, so nothing is computed that no model reads.

    Args:
        out: Columns as in `CONTEXT_NAMES`, [n, len(CONTEXT_NAMES)].
        items: The items, n.
        windows: Their windows, [n].
        rows_of: Items that a group is wanted of, ascending, by its place in `GROUPS`.
    """
    parts: dict[tuple[int, ...], tuple[Sequence[Item], Windows]] = {}
    for place, rows in rows_of.items():
        group = GROUPS[place]
        columns = slice(_START[place], _START[place] + len(group.features))
        if len(rows) == len(items):
            out[:, columns] = group.read(items, windows)
            continue
        key = tuple(rows)
        if key not in parts:
            # Nothing here reads captures, whose rows would have to be searched.
            parts[key] = [items[row] for row in key], replace(windows, waveforms=()).take(key)
        out[key, columns] = group.read(*parts[key])
