"""From checked readings to the windows that the features are computed on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from data_contracts.ranges import INVALID
from data_contracts.wire import CHANNELS, Rows, Waveform
from features.channels import CHANNEL_ROWS, WINDOW
from features.channels import CHANNELS as WIDTH
from features.windows import NOMINALS, Waveforms, Windows
from serving.sites import Site


def _order() -> NDArray[np.intp]:
    """Column of `Rows.values` that fills each row of `Windows.samples`."""
    order = np.full(WIDTH, -1, dtype=np.intp)
    for name, columns in CHANNELS.items():
        order[CHANNEL_ROWS[name]] = np.arange(columns.start, columns.stop).squeeze()
    return order


_ORDER = _order()


def windows_of(rows: Rows, sites: Sequence[Site], waveforms: Sequence[Waveform | UnsetType]) -> Windows:
    """The last ten readings of each item, right-aligned.

    Args:
        rows: Readings of all items.
        sites: The point of each item.
        waveforms: The waveform of each item, where it has one.
    """
    n = len(sites)
    counts = np.diff(rows.starts)
    samples = np.full((WINDOW, WIDTH, n), np.nan)
    quality = np.full((WINDOW, n), INVALID, dtype=np.int8)
    length = np.minimum(counts, WINDOW)
    # Steps back from each item's last reading, for as many as the item has.
    step = np.arange(WINDOW)[:, None]
    given = step >= WINDOW - length
    source = (rows.starts[1:] - WINDOW + step)[given]
    at_step, at_item = np.nonzero(given)
    samples[at_step, :, at_item] = rows.values[source][:, _ORDER]
    quality[at_step, at_item] = rows.quality[source]
    nominals = {name: np.array([getattr(site.nominals, name) for site in sites]) for name in NOMINALS}
    return Windows(
        samples=samples,
        quality=quality,
        t_end=rows.t[rows.starts[1:] - 1],
        length=length,
        waveforms=_captures(waveforms),
        **nominals,
    )


def _captures(waveforms: Sequence[Waveform | UnsetType]) -> tuple[Waveforms, ...]:
    groups: dict[tuple[float, int], list[tuple[int, Waveform]]] = {}
    for row, waveform in enumerate(waveforms):
        if waveform is not UNSET:
            groups.setdefault((waveform.rate_hz, len(waveform.v[0])), []).append((row, waveform))
    return tuple(
        Waveforms(
            rows=np.array([row for row, _ in group], dtype=np.int64),
            rate_hz=rate_hz,
            v=np.array([waveform.v for _, waveform in group], dtype=np.float64),
            i=np.array([waveform.i for _, waveform in group], dtype=np.float64),
        )
        for (rate_hz, _), group in groups.items()
    )
