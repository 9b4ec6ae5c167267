"""Windows of ten readings at measurement points: the input of every feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_contracts.station import StationFacts
from features import channels as ch
from features.errors import FeatureError
from features.nominals import PointNominals

Float = NDArray[np.float64]

NOMINALS = ("v_nom_v", "i_rated_a", "s_rated_va", "f_nom_hz", "utc_offset_s")


@dataclass(frozen=True, slots=True, eq=False)
class Waveforms:
    """Captures of one sampling rate and length, each belonging to one window.

    Attributes:
        rows: Index of the window of each capture, int64 [k].
        rate_hz: Samples a second.
        v: Phase-to-neutral voltages, V, float64 [k, 3, samples].
        i: Currents, A, float64 [k, 3, samples].

    Raises:
        FeatureError: The shapes do not fit together or the rate is not positive.
    """

    rows: NDArray[np.int64]
    rate_hz: float
    v: Float
    i: Float

    def __post_init__(self) -> None:
        if self.v.ndim != 3 or self.v.shape[:2] != (len(self.rows), 3) or self.i.shape != self.v.shape:
            raise FeatureError(
                f"waveform: v {self.v.shape} and i {self.i.shape} must both be ({len(self.rows)}, 3, samples)"
            )
        if not self.rate_hz > 0:
            raise FeatureError(f"waveform: rate_hz is {self.rate_hz}, must be positive")


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """n windows of `WINDOW` readings, one second apart, oldest first.

    A missing sample is NaN; a reading of quality 2 (invalid) is missing in every channel. A window of fewer
    readings is right-aligned: its first steps are NaN with quality 2.

    Attributes:
        samples: All channels in SI units, float64 [10, 26, n]; the rows are those of `features.channels`.
        quality: 0 good, 1 questionable, 2 invalid or absent, int8 [10, n].
        t_end: Time of the last reading, Unix seconds UTC, float64 [n].
        length: Readings present, int64 [n].
        v_nom_v: Nominal phase-to-neutral voltage, V, [n].
        i_rated_a: Rated current, A, [n].
        s_rated_va: Rated three-phase apparent power, VA, [n].
        f_nom_hz: Nominal frequency, Hz, [n].
        utc_offset_s: Local time minus UTC, s, [n].
        waveforms: Captures that belong to some of the windows.
        stations: Nameplates of the station of each window, n; empty where nobody knows them.
        countries: Code of the country of each window, n; empty where nobody knows them.

    Raises:
        FeatureError: An array has another shape.
    """

    samples: Float
    quality: NDArray[np.int8]
    t_end: Float
    length: NDArray[np.int64]
    v_nom_v: Float
    i_rated_a: Float
    s_rated_va: Float
    f_nom_hz: Float
    utc_offset_s: Float
    waveforms: tuple[Waveforms, ...] = ()
    stations: tuple[StationFacts | None, ...] = ()
    countries: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = self.t_end.shape[0]
        if self.samples.shape != (ch.WINDOW, ch.CHANNELS, n) or self.quality.shape != (ch.WINDOW, n):
            raise FeatureError(
                f"windows: samples {self.samples.shape} and quality {self.quality.shape} must be "
                f"({ch.WINDOW}, {ch.CHANNELS}, {n}) and ({ch.WINDOW}, {n})"
            )

    def __len__(self) -> int:
        return int(self.t_end.shape[0])

    @classmethod
    def from_arrays(
        cls,
        *,
        v: ArrayLike,
        i: ArrayLike,
        p: ArrayLike,
        q: ArrayLike,
        f: ArrayLike,
        t_end: ArrayLike,
        nominals: PointNominals | Sequence[PointNominals],
        v_ll: ArrayLike | None = None,
        v_min: ArrayLike | None = None,
        v_max: ArrayLike | None = None,
        thd: ArrayLike | None = None,
        pst: ArrayLike | None = None,
        quality: ArrayLike | None = None,
        length: ArrayLike | None = None,
        waveforms: tuple[Waveforms, ...] = (),
    ) -> Windows:
        """Windows from one array a channel: [n, 10, 3] for phases, [n, 10] for `f`, `pst` and `quality`.

        Args:
            v: Phase-to-neutral RMS voltages, V.
            i: RMS currents, A.
            p: Active powers, W, positive out of the busbar.
            q: Reactive powers, var.
            f: Frequency, Hz.
            t_end: Unix time of the last reading, s, [n].
            nominals: Of each window, or one for all.
            v_ll: Line voltages ab, bc, ca, V.
            v_min: Smallest half-cycle RMS of each second, V.
            v_max: Largest half-cycle RMS of each second, V.
            thd: Total harmonic distortion of the voltages, %.
            pst: Short-term flicker severity.
            quality: Quality codes; all good where not given.
            length: Readings present, [n]; all ten where not given.
            waveforms: Captures that belong to some of the windows.

        Raises:
            FeatureError: A channel has another shape, or there is another number of nominals.
        """
        ends = np.atleast_1d(np.asarray(t_end, dtype=np.float64))
        n = ends.shape[0]
        given = {
            "v": v, "i": i, "p": p, "q": q, "f": f, "v_ll": v_ll, "v_min": v_min, "v_max": v_max, "thd": thd,
            "pst": pst,
        }  # fmt: skip
        samples = np.full((ch.WINDOW, ch.CHANNELS, n), np.nan)
        for name, values in given.items():
            if values is None:
                continue
            rows = ch.CHANNEL_ROWS[name]
            array = np.asarray(values, dtype=np.float64)
            expected = (n, ch.WINDOW, 3) if isinstance(rows, slice) else (n, ch.WINDOW)
            if array.shape != expected:
                raise FeatureError(f"windows: {name} has shape {array.shape}, must be {expected}")
            samples[:, rows] = np.moveaxis(array, 0, -1)
        codes = np.zeros((n, ch.WINDOW), np.int8) if quality is None else np.asarray(quality, dtype=np.int8)
        every = [nominals] * n if isinstance(nominals, PointNominals) else list(nominals)
        if len(every) != n:
            raise FeatureError(f"windows: {len(every)} nominals for {n} windows")
        columns = {name: np.array([getattr(one, name) for one in every], np.float64) for name in NOMINALS}
        return cls(
            samples=samples,
            quality=np.ascontiguousarray(codes.T),
            t_end=ends,
            length=np.full(n, ch.WINDOW, np.int64) if length is None else np.asarray(length, dtype=np.int64),
            waveforms=waveforms,
            stations=tuple(one.station for one in every),
            countries=tuple(one.country for one in every),
            **columns,
        )

    def channel(self, name: str) -> Float:
        """A channel in SI units by its name on the wire: [n, 10, 3], or [n, 10] for `f` and `pst`. A view.

        Raises:
            KeyError: There is no such channel.
        """
        return np.moveaxis(self.samples[:, ch.CHANNEL_ROWS[name]], -1, 0)

    def take(self, index: ArrayLike) -> Windows:
        """The windows at the positions `index`, in that order, with their waveforms."""
        chosen = np.asarray(index, dtype=np.int64)
        columns = {name: getattr(self, name)[chosen] for name in (*NOMINALS, "t_end", "length")}
        kept = tuple(part for group in self.waveforms if (part := _take_waveforms(group, chosen)) is not None)
        return replace(
            self,
            samples=self.samples[:, :, chosen],
            quality=self.quality[:, chosen],
            waveforms=kept,
            stations=tuple(self.stations[row] for row in chosen.tolist()) if self.stations else (),
            countries=tuple(self.countries[row] for row in chosen.tolist()) if self.countries else (),
            **columns,
        )


def _take_waveforms(group: Waveforms, chosen: NDArray[np.int64]) -> Waveforms | None:
    places = [
        (new, capture) for new, old in enumerate(chosen) for capture in np.flatnonzero(group.rows == old)
    ]
    if not places:
        return None
    rows, captures = (np.array(part, np.int64) for part in zip(*places, strict=True))
    return Waveforms(rows=rows, rate_hz=group.rate_hz, v=group.v[captures], i=group.i[captures])
