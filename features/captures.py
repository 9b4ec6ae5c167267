"""Captures from the table `waveforms`, and the windows that they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features import channels as ch
from features.build import STEP_MS, WindowIndex
from features.errors import FeatureError
from features.windows import Waveforms

if TYPE_CHECKING:
    import pyarrow as pa

Int = NDArray[np.int64]

COLUMNS = (*(f"v_{phase}_v" for phase in "abc"), *(f"i_{phase}_a" for phase in "abc"))
"""Columns of the table `waveforms` that hold samples."""


@dataclass(frozen=True, slots=True, eq=False)
class Captures:
    """The rows of a table of waveforms, c captures; samples stay as the table holds them.

    Attributes:
        scenario_id: Scenario of each, object [c].
        point: Measurement point of each, object [c].
        t_ms: The second within which it was taken, Unix time, ms UTC, [c].
        usable: Whether its quality is not invalid, [c].
        rate_hz: Samples a second, [c].
        length: Samples of a phase, [c].
        first: Place of each capture's first sample in each of the six `samples`, [6, c].
        samples: All samples of v_a, v_b, v_c, i_a, i_b, i_c, one capture after the other, six of [any].
    """

    scenario_id: NDArray[np.object_]
    point: NDArray[np.object_]
    t_ms: Int
    usable: NDArray[np.bool_]
    rate_hz: NDArray[np.float64]
    length: Int
    first: Int
    samples: tuple[NDArray[np.floating[Any]], ...]

    @classmethod
    def of(cls, table: pa.Table) -> Captures:
        """Take the columns of a contracted table `waveforms`.

        Raises:
            FeatureError: A column is missing, or the phases of a usable capture are not equally long.
        """
        required = ("scenario_id", "point", "t", "rate_hz", "quality", *COLUMNS)
        missing = [name for name in required if name not in table.column_names]
        if missing:
            raise FeatureError(
                f"waveforms: column {missing[0]} is missing", "read the table with all of its columns"
            )
        first, lengths, samples = [], [], []
        for name in COLUMNS:
            lists: Any = table.column(name).combine_chunks()
            offsets = lists.offsets.to_numpy().astype(np.int64)
            first.append(offsets[:-1])
            lengths.append(np.diff(offsets))
            samples.append(lists.values.to_numpy())
        # A capture that was lost has null series.
        usable = table.column("quality").to_numpy() != ch.INVALID
        unequal = np.flatnonzero(usable & (np.array(lengths) != lengths[0]).any(axis=0))
        if unequal.size:
            row = int(unequal[0])
            found = sorted({int(part[row]) for part in lengths})
            raise FeatureError(
                f"waveforms: the phases of row {row} have {found} samples",
                "write six series of the same length",
            )
        t = table.column("t").to_numpy().astype("datetime64[ms]").astype(np.int64)
        return cls(
            scenario_id=table.column("scenario_id").to_numpy().astype(object),
            point=table.column("point").to_numpy().astype(object),
            t_ms=t,
            usable=usable,
            rate_hz=table.column("rate_hz").to_numpy().astype(np.float64),
            length=lengths[0],
            first=np.array(first, np.int64).reshape(len(COLUMNS), -1),
            samples=tuple(samples),
        )

    def __len__(self) -> int:
        return int(self.t_ms.shape[0])

    def attach(self, index: WindowIndex) -> Attached:
        """Give each capture to the earliest window of its episode and point whose seconds hold it.

        Where windows end every second, that is the window whose last second it is. A window that holds
        several gets the latest of them, as an online item carries one waveform. Captures of quality invalid,
        and those that no window holds, belong to none.

        Args:
            index: Windows of the readings of the same episodes; within an episode and point, in time order.
        """
        scenario = _codes(self.scenario_id, index.scenarios)
        point = _codes(self.point, index.points)
        rows = np.flatnonzero(self.usable & (scenario >= 0) & (point >= 0))
        ends = np.rint(index.t_end * 1e3).astype(np.int64)
        if not (rows.size and ends.size):
            return Attached(self, np.zeros(0, np.int64), np.zeros(0, np.int64))
        # One number that sorts by episode, point and time.
        begin = min(int(ends.min()), int(self.t_ms.min()))
        span = max(int(ends.max()), int(self.t_ms.max())) - begin + 1
        places = len(index.points)
        key = (index.scenario * places + index.point) * span
        order = np.argsort(key + (ends - begin), kind="stable")
        wanted_key = (scenario[rows] * places + point[rows]) * span
        t = self.t_ms[rows]
        at = np.searchsorted((key + (ends - begin))[order], wanted_key + (t - begin))
        window = order[np.minimum(at, order.size - 1)]
        held = (at < order.size) & (key[window] == wanted_key)
        held &= (ends[window] - t < ch.WINDOW * STEP_MS) & (ends[window] >= t)
        rows, window, t = rows[held], window[held], t[held]
        latest = np.lexsort((t, window))
        rows, window = rows[latest], window[latest]
        last = np.append(window[1:] != window[:-1], True)[: window.size]
        return Attached(self, window[last], rows[last])

    def waveforms(self, captures: Int, windows: Int) -> tuple[Waveforms, ...]:
        """The samples of some captures, grouped by rate and length, for windows given by their places."""
        groups = []
        kinds = np.stack([self.rate_hz[captures], self.length[captures]])
        for rate_hz, length in np.unique(kinds, axis=1).T:
            members = np.flatnonzero((kinds[0] == rate_hz) & (kinds[1] == length))
            steps = np.arange(int(length))
            parts = [
                samples[first[captures[members], None] + steps]
                for samples, first in zip(self.samples, self.first, strict=True)
            ]
            v, i = (np.stack(phases, axis=1).astype(np.float64) for phases in (parts[:3], parts[3:]))
            groups.append(Waveforms(rows=windows[members], rate_hz=float(rate_hz), v=v, i=i))
        return tuple(groups)


@dataclass(frozen=True, slots=True, eq=False)
class Attached:
    """Which window has which capture.

    Attributes:
        captures: The captures.
        window: Windows that have one, ascending, [k].
        capture: Row of the capture of each, [k].
    """

    captures: Captures
    window: Int
    capture: Int

    def part(self, rows: slice) -> tuple[Waveforms, ...]:
        """The waveforms of the windows in `rows`, counted from its start."""
        start, stop = np.searchsorted(self.window, (rows.start, rows.stop))
        return self.captures.waveforms(self.capture[start:stop], self.window[start:stop] - rows.start)


def _codes(values: NDArray[np.object_], known: tuple[str, ...]) -> Int:
    """Place of each value in `known`, −1 where it is not there."""
    places = {name: code for code, name in enumerate(known)}
    return np.array([places.get(value, -1) for value in values], np.int64)
