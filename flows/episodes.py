"""Held-out episodes as requests: what a gateway would have posted, beside what truly happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.columns import PHASE_PAIRS, PHASES
from data_contracts.dataset import Dataset
from data_contracts.ranges import QUALITIES
from data_contracts.tables.readings_truth import GRID_EVENTS, INSTRUMENT_EVENTS
from models import columns
from models.splits import TEST, day_of, split_of_day
from substations.description import Substation

if TYPE_CHECKING:
    import pyarrow as pa

Seconds = Mapping[str, NDArray[Any]]

WINDOW_S = 10
UNBALANCED_PCT = 2.0
PLAIN_SEVERITY = 5.0
TEXTS = ("scenario_id", "point", "event")
NUMBERS = ("severity", "vuf_pct", "active")
REQUIRED = (
    ("v", "v_{}_v", PHASES),
    ("i", "i_{}_a", PHASES),
    ("p", "p_{}_w", PHASES),
    ("q", "q_{}_var", PHASES),
)
OPTIONAL = (
    ("v_ll", "v_{}_v", PHASE_PAIRS),
    ("v_min", "v_min_{}_v", PHASES),
    ("v_max", "v_max_{}_v", PHASES),
    ("thd", "thd_{}_pct", PHASES),
)


@dataclass(frozen=True, slots=True)
class Topic:
    """A kind of question: from which scenarios, and in which seconds its matter is plain to see.

    Attributes:
        name: What reports call it.
        kind: Scenario kind.
        shows: The seconds, given as columns of the truth, that a window may hold; bool [n].
        strength: Column whose mean over the window picks the point; empty takes the first point.
    """

    name: str
    kind: str
    shows: Callable[[Seconds], NDArray[np.bool_]]
    strength: str


def _is_unbalanced(rows: Seconds) -> NDArray[np.bool_]:
    unbalanced: NDArray[np.bool_] = (
        (rows["active"] == 1) & np.isin(rows["event"], GRID_EVENTS) & (rows["vuf_pct"] >= UNBALANCED_PCT)
    )
    return unbalanced


def _is_plainly_wrong(rows: Seconds) -> NDArray[np.bool_]:
    wrong: NDArray[np.bool_] = (
        (rows["active"] == 1)
        & np.isin(rows["event"], INSTRUMENT_EVENTS)
        & (rows["severity"] >= PLAIN_SEVERITY)
    )
    return wrong


TOPICS = (
    Topic("normal", "normal", lambda rows: np.isfinite(rows["vuf_pct"]), ""),
    Topic("unbalance", "unbalance", _is_unbalanced, "vuf_pct"),
    Topic("anomaly", "instrument", _is_plainly_wrong, "severity"),
)


@dataclass(frozen=True, slots=True)
class Window:
    """Ten seconds of an episode at one point, Unix seconds in `seconds`."""

    topic: Topic
    scenario_id: str
    point: str
    seconds: tuple[int, ...]
    strength: float


@dataclass(frozen=True, slots=True)
class Episode:
    """A window with the request that a gateway would have posted, and its rows of `readings_truth`."""

    window: Window
    request: dict[str, Any]
    truth: pa.Table


def held_out(
    dataset: Dataset, substation: Substation, points: Sequence[str], start: date, count: int
) -> Iterator[Episode]:
    """Yield up to `count` windows of test-split episodes, the topics in turn.

    The first fitting episode of a topic is taken, then the second: nothing is chosen by what a model says.

    Args:
        dataset: Contracted tables of the substation.
        substation: Its description.
        points: Points that may be asked about, the one for a normal episode first.
        start: The campaign's first local date.
        count: Number of windows.
    """
    found = {topic.name: _windows(dataset, substation, topic, points, start) for topic in TOPICS}
    for number in range(count):
        window = next(found[TOPICS[number % len(TOPICS)].name], None)
        if window is not None:
            yield _episode(dataset, substation.name, window)


def _windows(
    dataset: Dataset, substation: Substation, topic: Topic, points: Sequence[str], start: date
) -> Iterator[Window]:
    import pyarrow as pa
    import pyarrow.compute as pc

    test = sorted(_test_scenarios(dataset, substation, topic.kind, start))
    truth = dataset.read("readings_truth", columns=[*TEXTS, "t", *NUMBERS], kinds=[topic.kind])
    wanted = pc.and_(
        pc.is_in(truth["scenario_id"], pa.array(test)), pc.is_in(truth["point"], pa.array(points))
    )
    rows = _arrays(truth.filter(wanted))
    for scenario_id in test:
        mine = rows["scenario_id"] == scenario_id
        windows = [
            window
            for point in points
            if (window := _last_window(_take(rows, mine & (rows["point"] == point)), topic)) is not None
        ]
        if windows:
            # Of equally strong ones the first: `max` keeps the order of `points`.
            yield max(windows, key=lambda window: window.strength)


def _test_scenarios(dataset: Dataset, substation: Substation, kind: str, start: date) -> set[str]:
    table = dataset.read("scenarios", columns=["scenario_id", "kind", "status", "t_start"])
    day = day_of(columns.seconds(table, "t_start").astype(np.float64), start, substation.utc_offset_s)
    name, of, status = (columns.names(table, column).array() for column in ("scenario_id", "kind", "status"))
    fits = (of == kind) & (status == "ok") & (split_of_day(day) == TEST)
    return {str(text) for text in name[fits]}


def _last_window(rows: Seconds, topic: Topic) -> Window | None:
    """The last `WINDOW_S` consecutive seconds in which the topic shows; rows are of one episode and point."""
    rows = _take(rows, np.argsort(rows["t"]))
    shows, t = topic.shows(rows), rows["t"]
    for end in range(len(t), WINDOW_S - 1, -1):
        span = slice(end - WINDOW_S, end)
        if shows[span].all() and t[end - 1] - t[end - WINDOW_S] == WINDOW_S - 1:
            return Window(
                topic=topic,
                scenario_id=str(rows["scenario_id"][0]),
                point=str(rows["point"][0]),
                seconds=tuple(int(second) for second in t[span]),
                strength=float(rows[topic.strength][span].mean()) if topic.strength else 0.0,
            )
    return None


def _episode(dataset: Dataset, substation: str, window: Window) -> Episode:
    readings = [_reading(row) for row in _rows(dataset, "readings", window).to_pylist()]
    request = {"substation": substation, "point": window.point, "readings": readings}
    return Episode(window, request, _rows(dataset, "readings_truth", window))


def _rows(dataset: Dataset, table: str, window: Window) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    first, last = (datetime.fromtimestamp(second, UTC) for second in (window.seconds[0], window.seconds[-1]))
    wanted = (
        (pc.field("scenario_id") == window.scenario_id)
        & (pc.field("point") == window.point)
        & (pc.field("t") >= first)
        & (pc.field("t") <= last)
    )
    files = dataset.files(table, [window.topic.kind])
    return pa.concat_tables(pq.read_table(file, filters=wanted, partitioning=None) for file in files).sort_by(
        "t"
    )


def _reading(row: dict[str, Any]) -> dict[str, Any]:
    """One row of `readings` in the wire's form; a channel that the meter does not have is left out."""
    reading: dict[str, Any] = {
        "t": row["t"].isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "f": row["f_hz"],
        "quality": QUALITIES[row["quality"]],
    }
    for channel, column, parts in REQUIRED:
        reading[channel] = [row[column.format(part)] for part in parts]
    for channel, column, parts in OPTIONAL:
        values = [row[column.format(part)] for part in parts]
        if any(value is not None for value in values):
            reading[channel] = values
    if row["pst"] is not None:
        reading["pst"] = row["pst"]
    return reading


def _arrays(table: pa.Table) -> Seconds:
    arrays: dict[str, NDArray[Any]] = {name: columns.names(table, name).array() for name in TEXTS}
    arrays |= {name: columns.floats(table, name) for name in NUMBERS}
    arrays["t"] = columns.seconds(table)
    return arrays


def _take(rows: Seconds, which: NDArray[Any]) -> Seconds:
    return {name: values[which] for name, values in rows.items()}
