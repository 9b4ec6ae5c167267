"""Rows of a measured table `stability`: states of a grid that a dynamic security assessment has judged.

The table tells figures of the whole grid and how far each margin was from its limit. What the simulator's
rows have besides, an analysis of every next failure, needs the network's model; those inputs are missing. A
margin that the table does not tell never limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from data_contracts.rules.stability import MARGINAL, STABLE
from data_contracts.stability_score import FREQUENCY, OUTAGES, SHEDDING_HZ, VOLTAGE, Points, on
from data_contracts.tables.stability import CLASSES, ELEMENTS, MARGINS
from features.context import grid
from models import columns
from models.dataset import Built
from models.errors import DataError
from models.observed_load import told
from models.protocol import Definition
from models.rows import Names, Rows
from models.splits import DAY_S
from models.stability_rows import LIMITING, SCORES, TABLE
from models.time_splits import TimeSplit, offsets

if TYPE_CHECKING:
    import pyarrow as pa

POINT, POINT_KIND = "system", "system"
NOMINAL_HZ = 50.0
"""Frequency at which the score of a nadir is stated; others are scaled to it."""

FIGURES = ("nose_after_pct", "severity", "nadir_hz")
"""Columns with the physical figure of each margin, in the order of `MARGINS`."""

WATCHED = ("loading_max_metered_pct", "v_min_metered_pu")
"""What operators watch: without it there is nothing to be better than."""

Float = NDArray[np.float64]


def build(dataset: Dataset, definition: Definition[Any], split: TimeSplit) -> Built:
    """States whose margins are known and whose limiting failure is named, with what the table tells of them.

    States of one local day are one episode.

    Args:
        dataset: An ingested dataset.
        definition: The model that the rows are for.
        split: Which times train, validate and test.

    Raises:
        DataError: The table tells no margin, or no state is left.
    """
    observed = told(dataset)
    filled = observed.tables[TABLE].columns
    table = dataset.read(TABLE, columns=["t", *grid.KNOWN, *SCORES, *FIGURES, *LIMITING])
    t = columns.milliseconds(table) / 1000.0
    margins = _margins(table, observed.frequency_hz)
    there: NDArray[np.bool_] = np.asarray(np.isfinite(margins).any(axis=0))
    if not there.any():
        raise DataError(
            f"dataset {dataset.name}: {TABLE} tells no margin",
            f"map one of {', '.join((*FIGURES, *SCORES))} in mappings/{TABLE}.yaml and ingest it again",
        )
    unnamed = [name for name, one in zip(LIMITING, there, strict=True) if one and name not in filled]
    if unnamed:
        raise DataError(
            f"dataset {dataset.name}: {TABLE} does not say what limits: {', '.join(unnamed)} is not mapped",
            f"map the failure that gives each margin in mappings/{TABLE}.yaml and ingest it again",
        )
    judged = np.isfinite(margins[:, there]).all(axis=1)
    margins[:, ~there] = 100.0
    margin = np.where(judged, np.nan_to_num(margins, nan=np.inf).argmin(axis=1), 0)
    named = np.stack([_texts(table, name) for name in LIMITING], axis=1)
    failure = named[np.arange(t.size), margin]
    judged &= failure != ""
    X = _inputs(definition, table)
    known = np.isfinite(X)
    complete = known[:, known[judged].any(axis=0)].all(axis=1)
    at = np.flatnonzero(judged & complete)
    if not at.size:
        raise DataError(
            f"dataset {dataset.name}: of {t.size} states of {TABLE} {int(judged.sum())} have their margins "
            "and a name for what limits them, and none of these every input that the table tells",
            "leave columns that are often empty out of the mapping; name the limiting failures",
        )
    part = split.split(t[at])
    day = np.floor((t[at] + offsets(t[at], observed.time_zone)) / DAY_S).astype(np.int64)
    score = margins[at].min(axis=1)

    def constant(text: str) -> Names:
        return Names(np.zeros(at.size, dtype=np.int64), (text,))

    rows = Rows(
        columns=definition.columns,
        X=X[at],
        truth={
            "score": score,
            "code": np.where(
                score > STABLE, CLASSES.index("stable"),
                np.where(score >= MARGINAL, CLASSES.index("marginal"), CLASSES.index("unstable")),
            ).astype(np.int64),
            "margins": margins[at],
            "margin": margin[at].astype(np.int64),
            "failure": failure[at],
            "counted": np.ones(at.size, dtype=bool),
        },
        substation=constant(dataset.name),
        episode=Names.of([f"{dataset.name}.day-{d}.{s}" for d, s in zip(day, part, strict=True)]),
        kind=Names(margin[at].astype(np.int64), MARGINS),
        point=constant(POINT),
        point_kind=constant(POINT_KIND),
        t=t[at],
        split=part,
    )  # fmt: skip
    return Built(rows, t.size, int((judged & ~complete).sum()), int((~judged).sum()))


def _margins(table: pa.Table, frequency_hz: float) -> Float:
    """Score of each margin, as it is told or by its figure, [n, margins]; NaN where neither is known."""
    nadir = columns.floats(table, "nadir_hz") * NOMINAL_HZ / frequency_hz - SHEDDING_HZ
    figures: Mapping[str, tuple[Points, Float]] = {
        "voltage": (VOLTAGE, columns.floats(table, "nose_after_pct") / 100.0),
        "outages": (OUTAGES, columns.floats(table, "severity")),
        "frequency": (FREQUENCY, nadir),
    }
    found = []
    for name, score in zip(MARGINS, SCORES, strict=True):
        given = columns.floats(table, score)
        found.append(np.where(np.isfinite(given), given, on(*figures[name])))
    return np.stack(found, axis=1)


def _texts(table: pa.Table, name: str) -> NDArray[np.str_]:
    """A textual column, empty where it is null, [n]."""
    return np.array([text or "" for text in table.column(name).to_pylist()], dtype=np.str_)


def _inputs(definition: Definition[Any], table: pa.Table) -> Float:
    """The definition's columns, [n, columns]; what needs the telemetry of every element is NaN."""
    known = np.stack([columns.floats(table, name) for name in grid.KNOWN], axis=1)
    nothing = {name: np.full((table.num_rows, 1), np.nan) for name in ELEMENTS}
    found = dict(zip((one.name for one in grid.FEATURES), grid.compute(known, nothing).T, strict=True))
    return np.stack([found[name] for name in definition.columns], axis=1)
