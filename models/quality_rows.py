"""Rows of windows of the kind `quality` with the true ten minutes from the table `power_quality`."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from data_contracts.quality_index import GRADES, INDICATORS
from features.context import interval_events, limits
from models import columns, quality_events
from models.dataset import KEY, Built
from models.errors import DataError
from models.protocol import Definition
from models.quality_events import TABLE
from models.rows import Names, Rows
from models.splits import split_of_episodes
from substations import read as read_substation
from switchyard.log import get_logger

if TYPE_CHECKING:
    import pyarrow as pa

KIND = "quality"

Float = NDArray[np.float64]

_TRUE = ("index", "pst", "harmonic_pct", "thd_pct", "metered_index")
_OF_LIMITS = tuple(feature.name for feature in limits.FEATURES)
_OF_EVENTS = tuple(feature.name for feature in interval_events.FEATURES)
_log = get_logger("models.quality_rows")


def build(dataset: Dataset, definition: Definition[Any], start: date) -> Built:
    """Every window at a point that has all inputs, with the ten minutes of its episode.

    Args:
        dataset: Contracted tables and the features table made from them.
        definition: The model; its inputs are features of a window, the point's limits and what its meter has
            logged of events.
        start: The campaign's first local date; decides the split.

    Raises:
        DataError: A point is not described, or no window is left.
    """
    of_windows = [name for name in definition.columns if name not in _OF_LIMITS + _OF_EVENTS]
    table = dataset.read("features", columns=[*KEY, *of_windows], kinds=[KIND])
    substation = read_substation(dataset.substation)
    points = {point.id: point for point in substation.points}
    episode, point = columns.names(table, "scenario_id"), columns.names(table, "point")
    strangers = [name for name in point.texts if name not in points]
    if strangers:
        raise DataError(
            f"dataset {dataset.name}: features has points {', '.join(strangers)}, which "
            f"{substation.name} does not describe",
            "simulate again with this description",
        )
    nominal_v = np.array([points[name].nominal_kv for name in point.texts]) * 1e3 / np.sqrt(3.0)
    permitted = limits.compute(nominal_v[point.codes], np.full(len(point), float(substation.frequency_hz)))
    found = {name: columns.floats(table, name) for name in of_windows}
    found |= dict(zip(_OF_LIMITS, permitted.T, strict=True))
    truth, place = _truth(dataset, episode, point)
    known = place >= 0
    t = columns.seconds(table).astype(np.float64)
    # A window without a known interval is left out below.
    of_events = np.zeros((len(point), len(_OF_EVENTS)))
    of_events[known] = quality_events.logged(dataset).features(place[known], t[known])
    found |= dict(zip(_OF_EVENTS, of_events.T, strict=True))
    X = np.column_stack([found[name] for name in definition.columns])
    kinds = np.asarray([str(points[name].kind) for name in point.texts], dtype=np.str_)[point.codes]
    applies = np.isin(kinds, definition.point_kinds)
    measured = np.isfinite(X).all(axis=1)
    kept = np.flatnonzero(applies & measured & known)
    if not kept.size:
        raise DataError(
            f"dataset {dataset.name}: none of {int(applies.sum())} windows can be used by {definition.name}",
            "see which points have meters of distortion and flicker",
        )
    rows = Rows(
        columns=definition.columns,
        X=X[kept],
        truth={name: values[place[kept]] for name, values in truth.items()},
        substation=Names(np.zeros(kept.size, dtype=np.int64), (substation.name,)),
        episode=episode.take(kept),
        kind=Names(np.zeros(kept.size, dtype=np.int64), (KIND,)),
        point=point.take(kept),
        point_kind=Names.of(kinds[kept].tolist()),
        t=t[kept],
        split=split_of_episodes(t[kept], episode.codes[kept], start, substation.utc_offset_s),
    )
    lacking, unknown = int((applies & ~measured).sum()), int((applies & measured & ~known).sum())
    _log.info(
        "%s, %s: %d windows, %d without features, %d without truth",
        definition.name, dataset.name, int(applies.sum()), lacking, unknown,
    )  # fmt: skip
    return Built(rows, int(applies.sum()), lacking, unknown)


def _truth(
    dataset: Dataset, episode: Names, point: Names
) -> tuple[dict[str, NDArray[np.generic]], NDArray[np.int64]]:
    """True intervals, and the place among them of each window's, −1 where it is in quarantine."""
    table = dataset.read(TABLE, columns=["scenario_id", "point", "grade", "worst", "flagged", *_TRUE])
    values = {name: columns.floats(table, name) for name in _TRUE}
    flagged = columns.floats(table, "flagged") > 0
    truth: dict[str, NDArray[np.generic]] = {
        "index": values["index"],
        "code": _codes(table, "grade", GRADES),
        "worst": _codes(table, "worst", INDICATORS),
        "flagged": flagged,
        "steady": ~flagged,
        "counted": np.ones(flagged.size, dtype=bool),
        "quiet_pst": values["pst"],
        "single_share": values["harmonic_pct"] / np.maximum(values["thd_pct"], 1e-6),
        "metered_index": values["metered_index"],
    }
    theirs = _pairs(columns.names(table, "scenario_id"), columns.names(table, "point"))
    lookup = {pair: row for row, pair in enumerate(theirs)}
    place = np.array([lookup.get(pair, -1) for pair in _pairs(episode, point)], dtype=np.int64)
    return truth, place


def _codes(table: pa.Table, name: str, texts: tuple[str, ...]) -> NDArray[np.int64]:
    """Places in `texts`."""
    found = columns.names(table, name)
    own = np.array([texts.index(text) for text in found.texts], dtype=np.int64)
    return np.asarray(own[found.codes], dtype=np.int64)


def _pairs(episode: Names, point: Names) -> list[tuple[str, str]]:
    return list(zip(episode.array().tolist(), point.array().tolist(), strict=True))
