"""Contracted tables turned into labelled rows for one model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from models import captures, columns
from models.errors import DataError
from models.protocol import Definition, TruthWindows
from models.rows import Names, Rows, concatenate
from models.splits import split_of_episodes
from substations import read as read_substation
from substations.description import Substation
from switchyard.identity import generator
from switchyard.log import get_logger

if TYPE_CHECKING:
    import pyarrow as pa

WINDOW_S = 10
KEY = ("scenario_id", "point", "t")
DEFINED = "defined"

_log = get_logger("models.dataset")


@dataclass(frozen=True, slots=True)
class Built:
    """Rows of one dataset and what was left out of them.

    Attributes:
        rows: Labelled windows at points where the model applies.
        windows: Windows at such points.
        without_features: Windows left out because an input was not measured; serving abstains there.
        without_truth: Windows left out because the target is not defined, such as unbalance of a dead bus.
    """

    rows: Rows
    windows: int
    without_features: int
    without_truth: int


def build(dataset: Dataset, definition: Definition[Any], start: date) -> Built:
    """Join features with the truth of their windows.

    Args:
        dataset: Contracted tables and the features table made from them.
        definition: The model that the rows are for.
        start: The campaign's first local date; decides the split.

    Raises:
        DataError: A table lacks a column or a window's truth, or no window is left.
    """
    if definition.source == "sequences":
        from models import sequences

        return sequences.build(dataset, definition, start)
    if definition.source == "table":
        return definition.rows(dataset, start)
    substation = read_substation(dataset.substation)
    parts = []
    windows = featureless = truthless = 0
    for kind in _kinds(dataset, definition):
        rows, n, without_features, without_truth = _build_kind(dataset, definition, substation, start, kind)
        rows = rows.select(definition.chosen(rows, generator(dataset.name, definition.name, kind, "chosen")))
        rows = definition.views(rows)
        windows, featureless = windows + n, featureless + without_features
        truthless += without_truth
        if len(rows):
            parts.append(rows)
    if not parts:
        raise DataError(
            f"dataset {dataset.name}: none of {windows} windows can be used by {definition.name}: "
            f"{featureless} lack a feature, {truthless} a defined truth",
            "see which instruments the substation's points have",
        )
    _log.info(
        "%s, %s: %d windows, %d without features, %d without truth",
        definition.name,
        dataset.name,
        windows,
        featureless,
        truthless,
    )
    return Built(concatenate(parts), windows, featureless, truthless)


def _kinds(dataset: Dataset, definition: Definition[Any]) -> list[str]:
    from data_contracts.dataset import kind_of

    there = {kind_of(file.name) for file in dataset.files("features")}
    return sorted(there.intersection(definition.kinds) if definition.kinds else there)


def _build_kind(
    dataset: Dataset, definition: Definition[Any], substation: Substation, start: date, kind: str
) -> tuple[Rows, int, int, int]:
    wanted = definition.columns
    table = dataset.read("features", columns=[*KEY, *wanted], kinds=[kind])
    kind_of_point = {point.id: str(point.kind) for point in substation.points}
    episode, point = columns.names(table, "scenario_id"), columns.names(table, "point")
    strangers = [name for name in point.texts if name not in kind_of_point]
    if strangers:
        raise DataError(
            f"dataset {dataset.name}: features has points {', '.join(strangers)}, which "
            f"{substation.name} does not describe",
            "simulate again with this description",
        )
    applies = np.isin(
        np.asarray([kind_of_point[name] for name in point.texts], dtype=np.str_)[point.codes],
        definition.point_kinds,
    )
    t = columns.seconds(table)
    capture, captured = _captures(dataset, definition, kind, (episode, point, t))
    applies &= captured
    X = np.column_stack([columns.floats(table, name) for name in wanted])
    required = [k for k, name in enumerate(wanted) if name not in definition.optional]
    measured = np.isfinite(X[:, required]).all(axis=1)
    if definition.one_of:
        measured &= np.isfinite(X[:, [wanted.index(name) for name in definition.one_of]]).any(axis=1)
    kept = np.flatnonzero(applies & measured)
    episode, point, t = episode.take(kept), point.take(kept), t[kept]
    windows, known = _truth(dataset, definition, kind, (episode, point, t))
    windows = replace(windows, captures={name: values[kept] for name, values in capture.items()})
    labels = dict(definition.label(windows))
    defined = known & np.asarray(labels.pop(DEFINED, np.ones(kept.size, dtype=bool)), dtype=bool)
    rows = Rows(
        columns=wanted,
        X=X[kept],
        truth=labels,
        substation=Names(np.zeros(kept.size, dtype=np.int64), (substation.name,)),
        episode=episode,
        kind=Names(np.zeros(kept.size, dtype=np.int64), (kind,)),
        point=point,
        point_kind=Names.of([kind_of_point[name] for name in point.array()]),
        t=t.astype(np.float64),
        split=split_of_episodes(t.astype(np.float64), episode.codes, start, substation.utc_offset_s),
    )
    return (
        rows.select(defined),
        int(applies.sum()),
        int((applies & ~measured).sum()),
        int((~defined).sum()),
    )


def _captures(
    dataset: Dataset,
    definition: Definition[Any],
    kind: str,
    keys: tuple[Names, Names, NDArray[np.int64]],
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.bool_]]:
    """Truth of the capture that belongs to each window, and which windows count, bool [n]."""
    if not definition.truth_captures:
        return {}, np.ones(keys[2].size, dtype=bool)
    truth = dataset.read("waveforms_truth", columns=[*KEY, *definition.truth_captures], kinds=[kind])
    taken = dataset.read("waveforms", columns=[*KEY, "quality"], kinds=[kind])
    rows = captures.capture_rows(truth, taken, keys, WINDOW_S)
    return captures.capture_values(truth, definition.truth_captures, rows), rows >= 0


def _truth(
    dataset: Dataset,
    definition: Definition[Any],
    kind: str,
    keys: tuple[Names, Names, NDArray[np.int64]],
) -> tuple[TruthWindows, NDArray[np.bool_]]:
    """`truth_windows` of the definition's columns; nothing is read where it names none."""
    wanted = [*definition.truth_columns, *definition.truth_texts]
    if not wanted:
        return TruthWindows({}, {}, WINDOW_S), np.ones(keys[2].size, dtype=bool)
    truth = dataset.read("readings_truth", columns=[*KEY, *wanted], kinds=[kind])
    return truth_windows(truth, definition, *keys)


def truth_windows(
    truth: pa.Table,
    definition: Definition[Any],
    episode: Names,
    point: Names,
    t: NDArray[np.int64],
) -> tuple[TruthWindows, NDArray[np.bool_]]:
    """True state over the seconds of each window, found by key.

    Args:
        truth: `readings_truth`, in any order.
        definition: Says which columns are wanted.
        episode: `scenario_id` of each window.
        point: Point of each window.
        t: Last second of each window, Unix seconds [n].

    Returns:
        The windows, and which of them the truth covers in every second, bool [n]. A row of the truth that
        broke its contract is in quarantine; the values of a window that lacks one are not to be used.

    Raises:
        DataError: The truth has no row at all, or none of a window's episode or point.
    """
    their_episode, their_point, their_t = (
        columns.names(truth, "scenario_id"),
        columns.names(truth, "point"),
        columns.seconds(truth),
    )
    if not their_t.size:
        raise DataError("readings_truth has no rows of this kind", "simulate the dataset again")
    origin = int(their_t.min()) - WINDOW_S
    span = int(their_t.max()) - origin + WINDOW_S
    points = len(their_point.texts)
    theirs = (their_episode.codes * points + their_point.codes) * span + (their_t - origin)
    mine = (_translate(episode, their_episode) * points + _translate(point, their_point)) * span + (
        t - origin
    )
    order = np.argsort(theirs, kind="stable")
    wanted = (mine[:, None] + np.arange(1 - WINDOW_S, 1)).ravel()
    place = np.minimum(np.searchsorted(theirs, wanted, sorter=order), order.size - 1)
    found = order[place]
    windows = TruthWindows(
        values={
            name: columns.floats(truth, name)[found].reshape(-1, WINDOW_S)
            for name in definition.truth_columns
        },
        texts={name: columns.names(truth, name).take(found) for name in definition.truth_texts},
        width=WINDOW_S,
    )
    return windows, (theirs[found] == wanted).reshape(-1, WINDOW_S).all(axis=1)


def _translate(mine: Names, theirs: Names) -> NDArray[np.int64]:
    place = {text: index for index, text in enumerate(theirs.texts)}
    absent = [text for index, text in enumerate(mine.texts) if text not in place and index in mine.codes]
    if absent:
        raise DataError(f"readings_truth has no rows of {absent[0]}", "simulate the dataset again")
    lookup = np.asarray([place.get(text, 0) for text in mine.texts], dtype=np.int64)
    translated: NDArray[np.int64] = lookup[mine.codes]
    return translated
