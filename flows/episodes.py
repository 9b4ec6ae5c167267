"""Held-out episodes as requests: what a gateway would have posted, beside what truly happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset, kind_of
from data_contracts.ranges import INVALID
from data_contracts.tables.readings_truth import GRID_EVENTS, INSTRUMENT_EVENTS
from flows.contexts import CONTEXTS, TABLES, Told
from flows.wire_form import reading, waveform
from models import columns
from models.splits import TEST, day_of, split_of_day
from substations.description import Substation

if TYPE_CHECKING:
    import pyarrow as pa

Seconds = Mapping[str, NDArray[Any]]

WINDOW_S = 10
# What a forecast of the frequency is set beside: seconds that must follow a window in its episode.
AHEAD_S = 5
UNBALANCED_PCT = 2.0
PLAIN_SEVERITY = 5.0
TEXTS = ("scenario_id", "point", "event")
NUMBERS = ("severity", "vuf_pct", "active")
# What a reading keeps of its second where its channels are another state's.
_OF_THE_SECOND = ("t", "f", "quality")


@dataclass(frozen=True, slots=True)
class Topic:
    """A kind of question: from which scenarios, and in which seconds its matter is plain to see.

    Attributes:
        name: What reports call it, and by which `flows.contexts` knows it.
        kind: Scenario kind.
        shows: The seconds, given as columns of the truth, that a window may hold; bool [n].
        strength: Column whose mean over the window picks the point; empty takes the first point.
        ahead_s: Seconds of the episode that must follow the window.
        captured: The window ends with the second of a capture of the waveform, which belongs to the request.
    """

    name: str
    kind: str
    shows: Callable[[Seconds], NDArray[np.bool_]]
    strength: str
    ahead_s: int = 0
    captured: bool = False


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


def _is_energised(rows: Seconds) -> NDArray[np.bool_]:
    energised: NDArray[np.bool_] = np.isfinite(rows["vuf_pct"])
    return energised


TOPICS = (
    Topic("normal", "normal", _is_energised, "", ahead_s=AHEAD_S),
    Topic("unbalance", "unbalance", _is_unbalanced, "vuf_pct"),
    Topic("anomaly", "instrument", _is_plainly_wrong, "severity"),
    Topic("harmonics", "harmonic", _is_energised, "", captured=True),
    Topic("overload", "overload", _is_energised, ""),
    Topic("ageing", "ageing", _is_energised, ""),
    Topic("quality", "quality", _is_energised, ""),
    Topic("load", "normal", _is_energised, ""),
    Topic("losses", "normal", _is_energised, ""),
    Topic("sag", "normal", _is_energised, ""),
    Topic("demand", "normal", _is_energised, ""),
    Topic("dispatch", "normal", _is_energised, ""),
    Topic("stability", "normal", _is_energised, ""),
    Topic("balancing", "normal", _is_energised, ""),
    Topic("compensation", "normal", _is_energised, ""),
    Topic("settings", "normal", _is_energised, ""),
)


@dataclass(frozen=True, slots=True)
class Window:
    """Ten seconds of an episode at one point, Unix seconds in `seconds`; `told` is known besides."""

    topic: Topic
    scenario_id: str
    point: str
    seconds: tuple[int, ...]
    strength: float
    told: Told | None = None

    @property
    def recorded(self) -> bool:
        """Whether the request's voltages, currents and powers are those of its seconds."""
        return self.told is None or not self.told.reading


@dataclass(frozen=True, slots=True)
class Episode:
    """A window with the request that a gateway would have posted, and what was truly so.

    Attributes:
        window: The window.
        request: Body of the request.
        truth: Its rows of `readings_truth`.
        f_ahead_hz: True frequency `AHEAD_S` after its last second; None where the episode has ended by then.
        capture: Its row of `waveforms_truth`; None without a capture.
    """

    window: Window
    request: dict[str, Any]
    truth: pa.Table
    f_ahead_hz: float | None = None
    capture: dict[str, Any] | None = None


def held_out(
    dataset: Dataset, substation: Substation, points: Sequence[str], start: date, count: int
) -> Iterator[Episode]:
    """Yield up to `count` windows of test-split episodes, the topics in turn.

    The first fitting episode of a topic is taken, then the second, and none twice: nothing is chosen by what
    a model says.

    Args:
        dataset: Contracted tables of the substation.
        substation: Its description.
        points: Points that may be asked about, the one for a normal episode first.
        start: The campaign's first local date.
        count: Number of windows.
    """
    simulated = {kind_of(file.name) for file in dataset.files("readings")}
    topics = [
        topic
        for topic in TOPICS
        if topic.kind in simulated and set(TABLES.get(topic.name, ())) <= set(dataset.tables)
    ]
    found = {topic.name: _windows(dataset, substation, topic, points, start) for topic in topics}
    taken: set[str] = set()
    for number in range(count):
        others = (w for w in found[topics[number % len(topics)].name] if w.scenario_id not in taken)
        window = next(others, None)
        if window is not None:
            taken.add(window.scenario_id)
            yield _episode(dataset, substation.name, window)


def _windows(
    dataset: Dataset, substation: Substation, topic: Topic, points: Sequence[str], start: date
) -> Iterator[Window]:
    import pyarrow as pa
    import pyarrow.compute as pc

    test = sorted(_test_scenarios(dataset, substation, topic.kind, start))
    known = CONTEXTS[topic.name](dataset, substation, start, test) if topic.name in CONTEXTS else None
    asked = points if known is None else sorted({told.point for told in known.values()})
    truth = dataset.read("readings_truth", columns=[*TEXTS, "t", *NUMBERS], kinds=[topic.kind])
    wanted = pc.and_(
        pc.is_in(truth["scenario_id"], pa.array(test, pa.string())),
        pc.is_in(truth["point"], pa.array(asked, pa.string())),
    )
    rows = _arrays(truth.filter(wanted))
    captures = _capture_seconds(dataset) if topic.captured else {}
    for scenario_id in test:
        mine = rows["scenario_id"] == scenario_id
        told = None if known is None else known.get(scenario_id)
        if known is not None and told is None:
            continue
        windows = []
        for point in points if told is None else (told.point,):
            captured = captures.get((scenario_id, point))
            if topic.captured and captured is None:
                continue
            window = _last_window(_take(rows, mine & (rows["point"] == point)), topic, captured)
            if window is not None:
                windows.append(window)
        if windows:
            # Of equally strong ones the first: `max` keeps the order of `points`.
            yield replace(max(windows, key=lambda window: window.strength), told=told)


def _test_scenarios(dataset: Dataset, substation: Substation, kind: str, start: date) -> set[str]:
    table = dataset.read("scenarios", columns=["scenario_id", "kind", "status", "t_start"])
    day = day_of(columns.seconds(table, "t_start").astype(np.float64), start, substation.utc_offset_s)
    name, of, status = (columns.names(table, column).array() for column in ("scenario_id", "kind", "status"))
    fits = (of == kind) & (status == "ok") & (split_of_day(day) == TEST)
    return {str(text) for text in name[fits]}


def _capture_seconds(dataset: Dataset) -> dict[tuple[str, str], int]:
    """Second of the capture of each episode and point that has one."""
    table = dataset.read("waveforms", columns=["scenario_id", "point", "t", "quality"])
    keys = zip(
        columns.names(table, "scenario_id").array(), columns.names(table, "point").array(), strict=True
    )
    good = table["quality"].to_numpy() != INVALID
    return {
        (str(scenario_id), str(point)): int(second)
        for (scenario_id, point), second, sound in zip(keys, columns.seconds(table), good, strict=True)
        if sound
    }


def _last_window(rows: Seconds, topic: Topic, ends_at: int | None) -> Window | None:
    """The last `WINDOW_S` consecutive seconds in which the topic shows; rows are of one episode and point.

    Where `ends_at` is given, the window must end with that second.
    """
    rows = _take(rows, np.argsort(rows["t"]))
    shows, t = topic.shows(rows), rows["t"]
    for end in range(len(t) - topic.ahead_s, WINDOW_S - 1, -1):
        span = slice(end - WINDOW_S, end)
        if ends_at is not None and t[end - 1] != ends_at:
            continue
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
    readings = [reading(row) for row in _rows(dataset, "readings", window).to_pylist()]
    if window.told is not None and not window.recorded:
        kept = [{name: one[name] for name in _OF_THE_SECOND} for one in readings]
        readings = [one | dict(window.told.reading) for one in kept]
    request: dict[str, Any] = {"substation": substation, "point": window.point, "readings": readings}
    if window.told is not None and window.told.context:
        request["context"] = dict(window.told.context)
    if window.told is not None and window.told.load_history:
        request["load_history"] = dict(window.told.load_history)
    capture = None
    if window.topic.captured:
        request["waveform"] = waveform(_rows(dataset, "waveforms", window).to_pylist()[-1])
        capture = _rows(dataset, "waveforms_truth", window).to_pylist()[-1]
    followed = _rows(dataset, "readings_truth", window, AHEAD_S)
    then = followed.slice(WINDOW_S + AHEAD_S - 1, 1)["f_hz"].to_pylist()
    return Episode(window, request, followed.slice(0, WINDOW_S), then[0] if then else None, capture)


def _rows(dataset: Dataset, table: str, window: Window, ahead_s: int = 0) -> pa.Table:
    """Rows of the window's seconds and of the `ahead_s` behind them, in the order of time."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    span = (window.seconds[0], window.seconds[-1] + ahead_s)
    first, last = (datetime.fromtimestamp(second, UTC) for second in span)
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


def _arrays(table: pa.Table) -> Seconds:
    arrays: dict[str, NDArray[Any]] = {name: columns.names(table, name).array() for name in TEXTS}
    arrays |= {name: columns.floats(table, name) for name in NUMBERS}
    arrays["t"] = columns.seconds(table)
    return arrays


def _take(rows: Seconds, which: NDArray[Any]) -> Seconds:
    return {name: values[which] for name, values in rows.items()}
