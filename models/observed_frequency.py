"""Rows of a measured table `frequency`: a reading a second, dropouts left out, split by time.

A recording tells no events: every second is quiet, and figures of seconds after an event are not defined. The
frequency five seconds later is the reading itself, with the meter's own error in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from features.channels import INVALID
from models import columns
from models.dataset import Built
from models.errors import DataError
from models.frequency_regimes import HORIZON_S, QUIET
from models.observed_load import told
from models.protocol import Definition, TruthWindows
from models.rows import Names, Rows
from models.sequences import HISTORY_S, POINT, POINT_KIND, TABLE, Series
from models.time_splits import TimeSplit
from switchyard.identity import generator

STEP_S = 1.0
BLOCK_S = 600
"""An episode: neighbouring seconds resemble each other."""

MOST_ROWS = 40_000


def build(dataset: Dataset, definition: Definition[Any], split: TimeSplit) -> Built:
    """Seconds that have ten minutes before them, ten readings without a gap and a reading 5 s later.

    Args:
        dataset: An ingested dataset.
        definition: The model that the rows are for.
        split: Which times train, validate and test.

    Raises:
        DataError: The readings are not a second apart, or no row is left.
    """
    observed = told(dataset)
    step_s = observed.tables[TABLE].step_s
    if step_s != STEP_S:
        raise DataError(
            f"dataset {dataset.name}: {TABLE} has a step of {step_s:g} s", "a reading every second is needed"
        )
    table = dataset.read(TABLE, columns=["scenario_id", "t", "f_hz", "quality"])
    run, t = columns.names(table, "scenario_id"), columns.seconds(table)
    f_hz = np.where(columns.floats(table, "quality") == INVALID, np.nan, columns.floats(table, "f_hz"))
    series = Series.of(f_hz, t, run.codes)
    possible = np.flatnonzero(series.eligible())
    usable = series.complete()[possible] & np.isfinite(f_hz[possible + HORIZON_S])
    at = possible[usable]
    part = split.split(t[at].astype(np.float64))
    same = part == split.split(t[at + HORIZON_S].astype(np.float64))
    at, part = at[same], part[same]
    if not at.size:
        raise DataError(
            f"dataset {dataset.name}: no second of {TABLE} has {HISTORY_S} s before and {HORIZON_S} s after "
            "it without a gap",
            "ingest a longer record; `switchyard datasets` shows the gaps",
        )
    if at.size > MOST_ROWS:
        drawn = generator(dataset.name, definition.name, "chosen").permutation(at.size)[:MOST_ROWS]
        kept = np.sort(drawn)
        at, part = at[kept], part[kept]
    around = at[:, None] + np.arange(-1, HORIZON_S + 1)
    values = f_hz[around]
    windows = TruthWindows(
        values={
            "f_hz": values,
            "f_true_hz": values,
            "since_onset_s": np.full(values.shape, np.nan),
            "shed_pu": np.zeros(values.shape),
        },
        texts={},
        width=values.shape[1],
    )
    seconds = t[at].astype(np.float64)
    block = np.floor(seconds / BLOCK_S).astype(np.int64)

    def constant(text: str) -> Names:
        return Names(np.zeros(at.size, dtype=np.int64), (text,))

    truth: dict[str, NDArray[np.generic]] = dict(definition.label(windows))
    rows = Rows(
        columns=definition.columns,
        X=series.columns(at, observed.frequency_hz, definition.columns),
        truth=truth,
        substation=constant(dataset.name),
        episode=Names.of([f"{dataset.name}.{b}.{s}" for b, s in zip(block, part, strict=True)]),
        kind=constant(QUIET),
        point=constant(POINT),
        point_kind=constant(POINT_KIND),
        t=seconds,
        split=part,
    )
    return Built(rows, possible.size, int((~usable).sum()), int((~same).sum()))
