"""Rows of the table `frequency`: ten readings, what lies before them, and the frequency five seconds later.

A row is one second t of an unbroken run of seconds. Its inputs are the features of the ten readings up to t
(`features.sequence`) and their mean; what an opponent may read besides is the mean deviation over blocks of
the seconds before them, up to ten minutes back. Only seconds with ten whole minutes before them are rows, so
that no estimator has less to read than it asks for. Which rows are kept is decided before their features are
computed: there are many more seconds than rows worth having.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset, kind_of
from features.channels import INVALID, WINDOW
from features.sequence import SEQUENCE_NAMES, sequence
from models import columns
from models.dataset import Built
from models.errors import DataError
from models.frequency_regimes import HORIZON_S
from models.protocol import Definition, TruthWindows
from models.rows import Names, Rows, concatenate
from models.splits import split_of_episodes
from substations import read as read_substation
from switchyard.identity import generator
from switchyard.log import get_logger

HISTORY_S = 600
TABLE = "frequency"
POINT = "SYSTEM"
POINT_KIND = "system"
MEAN = "f_mean_hz"

# Finer where the past still tells what comes next.
EDGES_S = (10, 12, 15, 20, 25, 30, 40, 50, 60, 90, 120, 180, 240, 300, 420, 600)
BLOCKS = tuple(pairwise(EDGES_S))
HISTORY_NAMES = tuple(f"f_dev_{newest}_{oldest}_s_before_hz" for newest, oldest in BLOCKS)
"""Mean deviation from nominal over the readings from `newest` to `oldest` seconds before t."""

Float = NDArray[np.float64]
Int = NDArray[np.int64]

_log = get_logger("models.sequences")


@dataclass(frozen=True, slots=True)
class Series:
    """Seconds of frequency in order.

    Attributes:
        f_hz: Readings, NaN where one is missing or invalid, [r].
        first: Row in which each row's unbroken run of seconds begins, [r].
        last: Row in which it ends, [r].
    """

    f_hz: Float
    first: Int
    last: Int

    @classmethod
    def of(cls, f_hz: Float, t_s: Int, group: Int) -> Series:
        """Find the unbroken runs: a run ends where the group changes or the next second is not there.

        Args:
            f_hz: Readings, [r].
            t_s: Their times in whole seconds, [r].
            group: Code of what they belong to, such as an episode, [r].
        """
        r = f_hz.size
        breaks = np.flatnonzero((group[1:] != group[:-1]) | (np.diff(t_s) != 1)) + 1
        starts = np.concatenate([[0], breaks]).astype(np.int64) if r else np.zeros(0, dtype=np.int64)
        lengths = np.diff(np.append(starts, r))
        return cls(f_hz, np.repeat(starts, lengths), np.repeat(starts + lengths - 1, lengths))

    def eligible(self) -> NDArray[np.bool_]:
        """Which rows have ten minutes before them and the horizon behind them in their run, bool [r]."""
        at = np.arange(self.f_hz.size)
        found: NDArray[np.bool_] = (at - self.first >= HISTORY_S - 1) & (self.last - at >= HORIZON_S)
        return found

    def complete(self) -> NDArray[np.bool_]:
        """Which rows are the last of ten readings that are all there, bool [r]."""
        there = np.concatenate([[0], np.cumsum(np.isfinite(self.f_hz))])
        at = np.arange(self.f_hz.size)
        begin = np.maximum(at - WINDOW + 1, 0)
        found: NDArray[np.bool_] = (there[at + 1] - there[begin] == WINDOW) & (begin >= self.first)
        return found

    def columns(self, at: Int, nominal_hz: float, wanted: Sequence[str]) -> Float:
        """Inputs of the rows `at`, float64 [len(at), len(wanted)].

        Args:
            at: Rows that are eligible and complete.
            nominal_hz: The grid's nominal frequency.
            wanted: Names among `SEQUENCE_NAMES`, `HISTORY_NAMES` and the mean of the ten readings.

        Raises:
            DataError: A name is none of these.
        """
        readings = self.f_hz[at[:, None] + np.arange(1 - WINDOW, 1)]
        blocks = [
            sequence(readings, np.full(at.size, nominal_hz)),
            self.history(at, nominal_hz),
            readings.mean(axis=1, keepdims=True),
        ]
        known = (*SEQUENCE_NAMES, *HISTORY_NAMES, MEAN)
        strangers = [name for name in wanted if name not in known]
        if strangers:
            raise DataError(f"rows of frequency have no column {', '.join(strangers)}")
        return np.concatenate(blocks, axis=1)[:, [known.index(name) for name in wanted]]

    def history(self, at: Int, nominal_hz: float) -> Float:
        """Mean deviation over each block before the rows `at`, Hz, float64 [len(at), blocks].

        A block without a reading, or that lies before the run, repeats the newer block beside it.
        """
        there = np.isfinite(self.f_hz)
        total = np.concatenate([[0.0], np.cumsum(np.where(there, self.f_hz - nominal_hz, 0.0))])
        count = np.concatenate([[0], np.cumsum(there)])
        out = np.empty((at.size, len(BLOCKS)))
        before = self.f_hz[at - WINDOW + 1] - nominal_hz
        for place, (newest, oldest) in enumerate(BLOCKS):
            stop = np.maximum(at - newest + 1, self.first[at])
            start = np.maximum(at - oldest + 1, self.first[at])
            many = count[stop] - count[start]
            mean = (total[stop] - total[start]) / np.maximum(many, 1)
            before = np.where(many > 0, mean, before)
            out[:, place] = before
        return out


def build(dataset: Dataset, definition: Definition[Any], start: date) -> Built:
    """Rows of the table `frequency` with the truth of the five seconds after them.

    `definition.label` is given the truth from t − 1 s to t + 5 s, seven values a row; `definition.chosen`
    sees rows without columns.

    Args:
        dataset: Contracted tables.
        definition: The model that the rows are for.
        start: The campaign's first local date; decides the split.

    Raises:
        DataError: No row is left.
    """
    there = {kind_of(file.name) for file in dataset.files(TABLE)}
    kinds = sorted(there.intersection(definition.kinds) if definition.kinds else there)
    built = [_build_kind(dataset, definition, start, kind) for kind in kinds]
    parts = [part.rows for part in built if len(part.rows)]
    windows, featureless, truthless = (
        sum(getattr(part, name) for part in built)
        for name in ("windows", "without_features", "without_truth")
    )
    if not parts:
        raise DataError(
            f"dataset {dataset.name}: none of {windows} seconds of {TABLE} can be used by {definition.name}: "
            f"{featureless} lack one of {WINDOW} readings; a row needs {HISTORY_S} s before it and "
            f"{HORIZON_S} s after it",
            "simulate longer episodes of frequency",
        )
    _log.info(
        "%s, %s: %d seconds, %d without ten readings, %d rows",
        definition.name,
        dataset.name,
        windows,
        featureless,
        sum(len(part) for part in parts),
    )
    return Built(concatenate(parts), windows, featureless, truthless)


def _build_kind(dataset: Dataset, definition: Definition[Any], start: date, kind: str) -> Built:
    substation = read_substation(dataset.substation)
    truth_names = (*definition.truth_columns, *definition.truth_texts)
    wanted = dict.fromkeys(("scenario_id", "t", "f_hz", "quality", *truth_names))
    table = dataset.read(TABLE, columns=list(wanted), kinds=[kind])
    episode, t = columns.names(table, "scenario_id"), columns.seconds(table)
    f_hz = np.where(columns.floats(table, "quality") == INVALID, np.nan, columns.floats(table, "f_hz"))
    series = Series.of(f_hz, t, episode.codes)
    eligible, complete = series.eligible(), series.complete()
    at = np.flatnonzero(eligible & complete)
    span = np.arange(-1, HORIZON_S + 1)
    around = (at[:, None] + span).ravel()
    labels = definition.label(
        TruthWindows(
            values={
                name: columns.floats(table, name)[around].reshape(-1, span.size)
                for name in definition.truth_columns
            },
            texts={name: columns.names(table, name).take(around) for name in definition.truth_texts},
            width=span.size,
        )
    )

    def constant(text: str) -> Names:
        return Names(np.zeros(at.size, dtype=np.int64), (text,))

    seconds = t[at].astype(np.float64)
    bare = Rows(
        columns=(),
        X=np.zeros((at.size, 0)),
        truth=labels,
        substation=constant(substation.name),
        episode=episode.take(at),
        kind=constant(kind),
        point=constant(POINT),
        point_kind=constant(POINT_KIND),
        t=seconds,
        split=_splits(t, episode, start, substation.utc_offset_s)[at],
    )
    chosen = definition.chosen(bare, generator(dataset.name, definition.name, kind, "chosen"))
    kept = bare.select(chosen)
    X = series.columns(at[chosen], float(substation.frequency_hz), definition.columns)
    rows = Rows(
        definition.columns,
        X,
        **{
            name: getattr(kept, name)
            for name in ("truth", "substation", "episode", "kind", "point", "point_kind", "t", "split")
        },
    )
    return Built(rows, int(eligible.sum()), int((eligible & ~complete).sum()), 0)


def _splits(t: Int, episode: Names, start: date, utc_offset_s: int) -> NDArray[np.int8]:
    """Split of every second by the day on which its episode began, as of all other rows."""
    return split_of_episodes(t.astype(np.float64), episode.codes, start, utc_offset_s)
