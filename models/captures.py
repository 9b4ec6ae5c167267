"""Truth of the capture that belongs to a window, as `features.captures` gives captures to windows."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data_contracts.ranges import INVALID
from models import columns
from models.rows import Names

if TYPE_CHECKING:
    import pyarrow as pa

KEY = ("scenario_id", "point", "t")


def capture_rows(
    truth: pa.Table,
    waveforms: pa.Table,
    windows: tuple[Names, Names, NDArray[np.int64]],
    width_s: int,
) -> NDArray[np.int64]:
    """Row of `waveforms_truth` of each window's capture, int64 [n]; -1 for none.

    A capture belongs to the earliest window of its episode and point whose seconds hold it, and a window to
    the latest of its captures; one of quality invalid comes behind all others.

    Args:
        truth: `waveforms_truth`, in any order.
        waveforms: Key and quality of `waveforms`.
        windows: `scenario_id`, point and last second (Unix) of each window.
        width_s: Seconds of a window.
    """
    episode, point, t = windows
    ends: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for at, (one, place, end) in enumerate(_keys(episode, point, t)):
        ends.setdefault((one, place), []).append((end, at))
    for own in ends.values():
        own.sort()
    lost = {
        key for key, code in zip(_table_keys(waveforms), _quality(waveforms), strict=True) if code == INVALID
    }
    taken = sorted(((key not in lost, key[2]), row, key) for row, key in enumerate(_table_keys(truth)))
    rows = np.full(t.size, -1, dtype=np.int64)
    for _, row, (one, place, second) in taken:
        own = ends.get((one, place), [])
        first = bisect_left(own, (second, -1))
        if first < len(own) and own[first][0] - second < width_s:
            rows[own[first][1]] = row
    return rows


def capture_values(
    truth: pa.Table, wanted: Sequence[str], rows: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    """Columns of `waveforms_truth` at `rows` [n]: float64 [n], or [n, length] for a list; NaN where null.

    Raises:
        DataError: A column is missing, or its lists differ in length.
    """
    return {name: columns.floats_or_lists(truth, name)[rows] for name in wanted}


def _quality(table: pa.Table) -> list[int]:
    return [int(code) for code in columns.floats(table, "quality")]


def _table_keys(table: pa.Table) -> list[tuple[str, str, int]]:
    return _keys(columns.names(table, KEY[0]), columns.names(table, KEY[1]), columns.seconds(table))


def _keys(episode: Names, point: Names, t: NDArray[np.int64]) -> list[tuple[str, str, int]]:
    return list(zip(episode.array().tolist(), point.array().tolist(), t.tolist(), strict=True))
