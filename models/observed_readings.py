"""Windows of a measured table `readings`: ten successive rows of a point at whatever step its meter has.

Features are those of the catalogue, computed by `features.compute` as everywhere. None of those that are
taken from measured readings counts seconds: a slope is over the window, a difference from one reading to the
next. A window of ten rows at 30 s therefore says of five minutes what one of ten seconds says of ten seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from data_contracts.facts import PointFacts
from features import CATALOGUE, INDEX, WINDOW, PointNominals, Windows, compute
from features.channels import CHANNEL_ROWS, COLUMNS
from models import columns, observed
from models.errors import DataError
from models.observed_load import told
from models.protocol import Definition
from models.rows import Names, Rows
from models.time_splits import TimeSplit

TABLE = "readings"
KIND, POINT_KIND = "measured", "bus"
PHASES, LINES, LEAST, MOST = "v", "v_ll", "v_min", "v_max"

LONGEST_STEP_S = 900.0
BLOCK_S, BLOCK_STEPS = 1800.0, 20
"""An episode lasts half an hour, or 20 steps where they are long: neighbours resemble each other."""

LEAST_BLOCKS = 10
"""Fewer episodes to learn from are no record of operation."""

MOST_WINDOWS = 20_000
CHUNK = 4096
Float = NDArray[np.float64]
Int = NDArray[np.int64]
Channels = Mapping[str, Float]


@dataclass(frozen=True, slots=True)
class Measured:
    """n windows as they were read, oldest reading first.

    Attributes:
        channels: Samples by channel, V, NaN where missing, float64 [n, 10, 3].
        quality: Quality codes, int8 [n, 10].
        t: Time of the last reading, Unix seconds, [n].
        point: Measurement point.
        facts: What is known of each point, by code.
        frequency_hz: Nominal frequency, Hz.
        split: 0 training, 1 validation, 2 test, int8 [n].
        episode: Block of time within a split.
        possible: Windows before any was left out.
        dataset: Name of the dataset.
    """

    channels: Channels
    quality: NDArray[np.int8]
    t: Float
    point: Names
    facts: tuple[PointFacts, ...]
    frequency_hz: float
    split: NDArray[np.int8]
    episode: Names
    possible: int
    dataset: str

    def __len__(self) -> int:
        return int(self.t.size)

    def take(self, at: Int) -> Measured:
        """The windows at some places, in that order."""
        return replace(
            self,
            channels={name: values[at] for name, values in self.channels.items()},
            quality=self.quality[at],
            t=self.t[at],
            point=self.point.take(at),
            split=self.split[at],
            episode=self.episode.take(at),
        )

    @property
    def v_nom_v(self) -> Float:
        """Nominal phase-to-neutral voltage of each window, V, [n]."""
        return np.array([one.nominal_v for one in self.facts])[self.point.codes]

    @property
    def error_limit(self) -> Float:
        """Error limit of the voltage transformers' class, as a share of the reading, [n]."""
        return np.array([one.vt_class / 100.0 for one in self.facts])[self.point.codes]


def channels_of(features: Sequence[str]) -> tuple[str, ...]:
    """Channels that some features of the catalogue read, in its order of channels."""
    needed = {channel for name in features for channel in CATALOGUE[INDEX[name]].needs}
    return tuple(name for name in CHANNEL_ROWS if name in needed)


def columns_of(channels: Sequence[str]) -> tuple[str, ...]:
    """Columns of the table that hold some channels."""
    return tuple(name for channel in channels for name in _columns(channel))


def check(definition: Definition[Any], dataset: Dataset, channels: Sequence[str]) -> None:
    """See that a dataset was ingested and fills the columns of some channels.

    Raises:
        DataError: It does not.
    """
    observed.check(definition, dataset, {TABLE: columns_of(channels)})


def measured(dataset: Dataset, channels: Sequence[str], split: TimeSplit) -> Measured:
    """Windows of a dataset: one ends with every row that has nine before it without a gap, all in one split.

    Columns are read one at a time, and of many windows every k-th is taken, so that memory grows with the
    rows of one column.

    Args:
        dataset: An ingested dataset.
        channels: Channels to read, `v` among them.
        split: Which times train, validate and test.

    Raises:
        DataError: The step is not steady or too long, a point has no nominal voltage, or too few windows are
            left to learn from.
    """
    known = told(dataset)
    step_s = known.tables[TABLE].step_s
    if not 0.0 < step_s <= LONGEST_STEP_S:
        raise DataError(
            f"dataset {dataset.name}: {TABLE} has a step of {step_s:g} s",
            f"a steady step of {LONGEST_STEP_S:g} s or less is needed: time.step_s of the mapping",
        )
    key = dataset.read(TABLE, columns=["scenario_id", "point", "t"])
    run, point = columns.names(key, "scenario_id"), columns.names(key, "point")
    t_ms = columns.milliseconds(key)
    del key
    facts = tuple(known.points[name] for name in point.texts)
    nameless = [name for name, one in zip(point.texts, facts, strict=True) if not one.nominal_kv > 0.0]
    if nameless:
        raise DataError(
            f"dataset {dataset.name}: nominal voltage of {', '.join(nameless)} is not known",
            f"give nominal_kv in mappings/{TABLE}.yaml of the dataset and ingest it again",
        )
    t = t_ms / 1000.0
    last = window_ends((run.codes, point.codes), t, step_s)
    part = split.split(t[last])
    same = part == split.split(t[last - WINDOW + 1])
    possible = last.size
    last, part = last[same], part[same]
    stride = -(-last.size // MOST_WINDOWS) if last.size else 1
    last, part = last[::stride], part[::stride]
    block_s = max(BLOCK_S, BLOCK_STEPS * step_s)
    block = np.floor((t[last] - t.min(initial=np.inf)) / block_s).astype(np.int64)
    found = Measured(
        channels={name: _gather(dataset, name, last) for name in channels},
        quality=_quality(dataset, last),
        t=t[last],
        point=point.take(last),
        facts=facts,
        frequency_hz=known.frequency_hz,
        split=part,
        episode=Names.of(
            [
                f"{dataset.name}.{TABLE}.{b:06d}.{s}"
                for b, s in zip(block.tolist(), part.tolist(), strict=True)
            ]
        ),
        possible=possible,
        dataset=dataset.name,
    )
    blocks = np.unique(found.episode.codes[found.split == 0]).size
    if blocks < LEAST_BLOCKS:
        raise DataError(
            f"dataset {dataset.name}: {blocks} stretches of {block_s / 60:g} min of {TABLE} before "
            f"{split.validation_from} hold {WINDOW} readings without a gap; {LEAST_BLOCKS} are needed "
            "to learn from",
            "ingest a longer record, or a later --validation-from; `switchyard datasets` shows the gaps",
        )
    return found


def window_ends(key: tuple[Int, Int], t: Float, step_s: float) -> Int:
    """Rows that have nine before them of the same run and point, a step apart within half a step.

    Args:
        key: Codes of run and point of each row, [r] each.
        t: Unix seconds, [r].
        step_s: Time between rows, s.
    """
    apart = np.abs(np.diff(t) - step_s) > 0.5 * step_s
    breaks = apart | (np.diff(key[0]) != 0) | (np.diff(key[1]) != 0)
    start = np.concatenate([[0], np.flatnonzero(breaks) + 1])
    begun = np.repeat(start, np.diff(np.append(start, t.size)))
    found: Int = np.flatnonzero(np.arange(t.size) - begun >= WINDOW - 1)
    return found


def features_of(windows: Measured, names: Sequence[str], channels: Channels | None = None) -> Float:
    """Features of windows, NaN where they cannot be told, float64 [n, names].

    Args:
        windows: The windows.
        names: Features of the catalogue.
        channels: Other samples in place of the windows' own.
    """
    samples = windows.channels if channels is None else channels
    nominals = [
        PointNominals(
            v_nom_v=one.nominal_v,
            i_rated_a=one.rated_a or 1.0,
            s_rated_va=1e6 * one.rated_mva or 1.0,
            f_nom_hz=windows.frequency_hz,
            # Features of voltages do not look at the clock.
            utc_offset_s=0.0,
        )
        for one in windows.facts
    ]
    places = [INDEX[name] for name in names]
    found = np.empty((len(windows), len(names)))
    for part in _chunks(len(windows)):
        n = part.stop - part.start
        phases = np.full((n, WINDOW, 3), np.nan)
        given: dict[str, Any] = {"i": phases, "p": phases, "q": phases, "f": phases[:, :, 0]}
        given |= {name: values[part] for name, values in samples.items()}
        found[part] = compute(
            Windows.from_arrays(
                **given,
                t_end=windows.t[part],
                nominals=[nominals[code] for code in windows.point.codes[part]],
                quality=windows.quality[part],
            )
        )[:, places]
    return found


def rows_of(windows: Measured, names: tuple[str, ...], X: Float, truth: Mapping[str, Any]) -> Rows:
    """Labelled rows of windows.

    Args:
        windows: The windows.
        names: Their features.
        X: Values of them, [n, names].
        truth: What is taken for true, arrays [n] by name.
    """

    def constant(text: str) -> Names:
        return Names(np.zeros(len(windows), dtype=np.int64), (text,))

    return Rows(
        columns=names,
        X=X,
        truth=truth,
        substation=constant(windows.dataset),
        episode=windows.episode,
        kind=constant(KIND),
        point=windows.point,
        point_kind=constant(POINT_KIND),
        t=windows.t,
        split=windows.split,
    )


def _columns(channel: str) -> tuple[str, ...]:
    rows = CHANNEL_ROWS[channel]
    return COLUMNS[rows] if isinstance(rows, slice) else (COLUMNS[rows],)


def _gather(dataset: Dataset, channel: str, last: Int) -> Float:
    """Samples of a channel in the windows that end at `last`, [n, 10, 3]."""
    rows = last[:, None] + np.arange(1 - WINDOW, 1)
    return np.stack(
        [columns.floats(dataset.read(TABLE, columns=[name]), name)[rows] for name in _columns(channel)],
        axis=2,
    )


def _quality(dataset: Dataset, last: Int) -> NDArray[np.int8]:
    codes = columns.floats(dataset.read(TABLE, columns=["quality"]), "quality").astype(np.int8)
    found: NDArray[np.int8] = codes[last[:, None] + np.arange(1 - WINDOW, 1)]
    return found


def _chunks(n: int) -> Iterator[slice]:
    for start in range(0, n, CHUNK):
        yield slice(start, min(start + CHUNK, n))
