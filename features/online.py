"""Windows from decoded requests: the serving side's way into `features.compute`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from data_contracts.wire.rows import CHANNELS, Rows
from features import channels as ch
from features.errors import FeatureError
from features.nominals import PointNominals
from features.windows import NOMINALS, Waveforms, Windows


class Waveform(Protocol):
    """A decoded capture: three phases of equally many samples, volts and amperes."""

    @property
    def rate_hz(self) -> float:
        """Samples a second."""

    @property
    def v(self) -> Sequence[Sequence[float]]:
        """Phase-to-neutral voltages of a, b, c."""

    @property
    def i(self) -> Sequence[Sequence[float]]:
        """Currents of a, b, c."""


def _order() -> NDArray[np.int64]:
    """Column of the packed rows that holds each row of `Windows.samples`."""
    order = np.empty(ch.CHANNELS, np.int64)
    for name, rows in ch.CHANNEL_ROWS.items():
        columns = CHANNELS[name]
        order[rows] = range(columns.start, columns.stop) if isinstance(rows, slice) else columns.start
    return order


ORDER = _order()
BACK = np.arange(1 - ch.WINDOW, 1)[:, None]


def windows_from_rows(
    rows: Rows, nominals: Sequence[PointNominals], waveforms: Mapping[int, Waveform] | None = None
) -> Windows:
    """One window an item: its last ten readings, or all if it has fewer.

    Args:
        rows: The packed readings of n items, one second apart.
        nominals: Of the point of each item, n.
        waveforms: Captures by the index of their item.

    Raises:
        FeatureError: There is another number of nominals, an item has no reading, or a capture's phases
            are not equally long.
    """
    starts = rows.starts
    n = starts.shape[0] - 1
    if len(nominals) != n:
        raise FeatureError(
            f"{len(nominals)} nominals for {n} items", "give the nominals of each item's point"
        )
    present = starts[1:] - starts[:-1]
    if np.count_nonzero(present) != n:
        empty = int(np.flatnonzero(present == 0)[0])
        raise FeatureError(f"item {empty} has no reading", "send at least one reading")
    last = starts[1:] - 1
    places = last + BACK
    absent = places < starts[:-1]
    short = np.count_nonzero(absent)
    if short:
        places = np.maximum(places, 0)
    samples = rows.values[places][:, :, ORDER].swapaxes(1, 2)
    quality = rows.quality[places]
    if short:
        np.copyto(samples, np.nan, where=absent[:, None, :])
        quality[absent] = ch.INVALID
    columns = np.array([[getattr(one, name) for name in NOMINALS] for one in nominals], np.float64).T
    v_nom_v, i_rated_a, s_rated_va, f_nom_hz, utc_offset_s = columns
    return Windows(
        samples=np.ascontiguousarray(samples),
        quality=quality,
        t_end=rows.t[last],
        length=np.minimum(present, ch.WINDOW),
        v_nom_v=v_nom_v,
        i_rated_a=i_rated_a,
        s_rated_va=s_rated_va,
        f_nom_hz=f_nom_hz,
        utc_offset_s=utc_offset_s,
        waveforms=_grouped(waveforms) if waveforms else (),
        stations=tuple([one.station for one in nominals]),
        countries=tuple([one.country for one in nominals]),
    )


def _grouped(waveforms: Mapping[int, Waveform]) -> tuple[Waveforms, ...]:
    """Captures of one rate and length together: each group is one Fourier transform."""

    def kind(row: int) -> tuple[float, int]:
        return waveforms[row].rate_hz, len(waveforms[row].v[0])

    groups = []
    for (rate_hz, samples), members in groupby(sorted(waveforms, key=kind), key=kind):
        rows = list(members)
        lengths = {
            len(phase) for row in rows for part in (waveforms[row].v, waveforms[row].i) for phase in part
        }
        if lengths != {samples}:
            raise FeatureError(
                f"waveform: phases have {sorted(lengths)} samples", "send six series of the same length"
            )
        groups.append(
            Waveforms(
                rows=np.array(rows, np.int64),
                rate_hz=rate_hz,
                v=np.array([waveforms[row].v for row in rows], np.float64),
                i=np.array([waveforms[row].i for row in rows], np.float64),
            )
        )
    return tuple(groups)
