"""Rows of the tables `sag_events` and `load`: a point in a step of ten minutes, and whether an event comes.

A step starts when the last reading ends. Every step in which a point counts an event is a row; of the others
one point in every second step, which stands for all points of two steps (`weight`).

The oracle is the true intensity. The tables hold it at events only, where it enters the likelihood by its
logarithm; the expectation of its integral, which is all that quiet steps contribute, is the number of events.
A point counts only some of a station's events: the intensity of a cause is multiplied by the share of this
cause's events that the point counted, that of the other causes by their share.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

import features
from data_contracts.dataset import Dataset
from features import PointNominals, Windows
from features.channels import WINDOW
from features.context import clock, events, site
from models import columns
from models.dataset import Built
from models.errors import DataError
from models.protocol import Definition
from models.rows import Names, Rows
from models.splits import day_of, split_of_episodes
from substations import read as read_substation
from substations.description import Substation
from substations.site import Point
from switchyard.identity import generator
from switchyard.log import get_logger

TABLE, WEATHER = "sag_events", "load"
STEP_S = 600
QUIET_EVERY = 2
"""One quiet step in so many is kept."""

CAUSES = ("fault", "motor_starting", "capacitor_switching")
KINDS = ("sag", "interruption", "rapid_voltage_change")
QUARTER_S = 900.0
CHUNK = 4096
"""Quantiles of a size among which a median is looked for; half, but for rounding."""

Float = NDArray[np.float64]
Int = NDArray[np.int64]

_WEATHER = ("ambient_c", "wind_m_s", "lightning_per_h")
_FIGURES = ("depth_pct", "duration_ms", "intensity_per_h", "total_intensity_per_h")
_log = get_logger("models.sag_rows")


@dataclass(frozen=True, slots=True)
class _Seen:
    """Events as one point counted them, in order, m of them.

    Attributes:
        t: Unix seconds, [m].
        figure: Columns of `_FIGURES` by name, [m].
        sag: Whether it is a sag or an interruption, bool [m].
        cause: Place in CAUSES, −1 for an event that is not asked about, int64 [m].
    """

    t: Float
    figure: dict[str, Float]
    sag: NDArray[np.bool_]
    cause: Int


def build(dataset: Dataset, definition: Definition[Any], start: date) -> Built:
    """Steps with an event and a sample of the others, from a week after the campaign's begin on.

    Args:
        dataset: Contracted tables.
        definition: The model that the rows are for.
        start: The campaign's first local date; decides the split.

    Raises:
        DataError: There is no event, or `load` does not reach beyond the first week.
    """
    substation = read_substation(dataset.substation)
    points = [one for one in substation.points if str(one.kind) in definition.point_kinds]
    seen, station = _seen(dataset, substation, points)
    weather_t, weather = _weather(dataset)
    first = float(weather_t[0]) + events.REACH_S
    steps = np.arange(first, float(weather_t[-1]) + QUARTER_S - STEP_S + 1.0, STEP_S)
    if not steps.size or not any((one.cause >= 0).any() for one in seen):
        raise DataError(
            f"dataset {dataset.name}: no step of {WEATHER} has a week before it, or {TABLE} has no event",
            "simulate more days",
        )
    rng = generator(dataset.name, definition.name, "quiet")
    # Every second step, from a random one on, with one point each.
    asked = np.full(steps.size, -1)
    chosen = np.arange(int(rng.integers(QUIET_EVERY)), steps.size, QUIET_EVERY)
    asked[chosen] = rng.integers(len(seen), size=chosen.size)
    weight = float(QUIET_EVERY * len(seen))
    parts = [_of_point(one, steps, asked == k, station, weight) for k, one in enumerate(seen)]
    point = np.concatenate([np.full(part["t"].size, k) for k, part in enumerate(parts)])
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    t = np.asarray(joined.pop("t"), dtype=np.float64)
    history = np.asarray(joined.pop("history"), dtype=np.float64)
    # What is known of the weather when the step begins: the last quarter that is over.
    quarter = np.searchsorted(weather_t, t - QUARTER_S, side="right") - 1
    known = {name: values[quarter] for name, values in weather.items()}
    known |= {one.name: history[:, place] for place, one in enumerate(events.FEATURES)}
    X = _inputs(definition, substation, [points[k] for k in point.tolist()], t, known)
    local = day_of(t, start, substation.utc_offset_s)
    episode = Names.of([f"{dataset.name}.day.{day:05d}" for day in local.tolist()])
    rows = Rows(
        columns=definition.columns,
        X=X,
        truth=joined,
        substation=Names(np.zeros(t.size, dtype=np.int64), (substation.name,)),
        episode=episode,
        kind=Names.of([f"{points[k].nominal_kv:g} kV" for k in point.tolist()]),
        point=Names.of([points[k].id for k in point.tolist()]),
        point_kind=Names.of([str(points[k].kind) for k in point.tolist()]),
        t=t,
        split=split_of_episodes(t, episode.codes, start, substation.utc_offset_s),
    )
    happened = int(np.asarray(joined["event"]).sum())
    _log.info("%s, %s: %d steps, %d of them with an event", definition.name, dataset.name, t.size, happened)
    left_out = round(events.REACH_S / STEP_S)
    return Built(rows, t.size + left_out, left_out, 0)


def _seen(dataset: Dataset, substation: Substation, points: list[Point]) -> tuple[list[_Seen], Int]:
    """What each of the points saw, and the station's events by cause, the others last, [4]."""
    table = dataset.read(TABLE, columns=["event_id", "point", "t", "kind", "cause", *_FIGURES])
    point, kind, cause = (columns.names(table, name) for name in ("point", "kind", "cause"))
    strangers = set(point.texts) - {one.id for one in substation.points}
    if strangers:
        named = ", ".join(sorted(strangers))
        raise DataError(
            f"{TABLE} has the points {named}, which {substation.name} does not describe",
            "simulate again with this description",
        )
    t = columns.milliseconds(table) / 1000.0
    places = np.array([CAUSES.index(text) if text in CAUSES else -1 for text in cause.texts], dtype=np.int64)
    of_cause = places[cause.codes] if len(cause) else np.zeros(0, dtype=np.int64)
    asked = np.where(kind.isin(KINDS), of_cause, -1)
    _, once = np.unique(columns.names(table, "event_id").codes, return_index=True)
    station = np.bincount(of_cause[once] % (len(CAUSES) + 1), minlength=len(CAUSES) + 1)
    figures = {name: columns.floats(table, name) for name in _FIGURES}
    sag = kind.isin(("sag", "interruption"))
    found = []
    for one in points:
        own = np.flatnonzero(point.isin((one.id,)))
        own = own[np.argsort(t[own], kind="stable")]
        found.append(
            _Seen(t[own], {name: values[own] for name, values in figures.items()}, sag[own], asked[own])
        )
    return found, station


def _weather(dataset: Dataset) -> tuple[Float, dict[str, Float]]:
    """Times and weather of one feeder's quarters; all feeders of a station have the same."""
    table = dataset.read(WEATHER, columns=["point", "t", *_WEATHER])
    own = np.flatnonzero(columns.names(table, "point").codes == 0)
    t = columns.seconds(table)[own].astype(np.float64)
    order = np.argsort(t, kind="stable")
    return t[order], {name: columns.floats(table, name)[own][order] for name in _WEATHER}


def _of_point(
    seen: _Seen, steps: Float, asked: NDArray[np.bool_], station: Int, quiet_weight: float
) -> dict[str, NDArray[Any]]:
    """Rows of one point: its history and what comes, arrays [n] by name."""
    counted = np.flatnonzero(seen.cause >= 0)
    # An event belongs to the step (t, t + 600 s]; of several in one step the first one does.
    step = np.ceil((seen.t[counted] - steps[0]) / STEP_S).astype(np.int64) - 1
    inside = (step >= 0) & (step < steps.size)
    step, first = np.unique(step[inside], return_index=True)
    comes = counted[inside][first]
    quiet = np.setdiff1d(np.flatnonzero(asked), step)
    at = np.concatenate([step, quiet])
    t, m = steps[at], step.size
    figure = {name: np.full(at.size, np.nan) for name in _FIGURES}
    for name, values in figure.items():
        values[:m] = seen.figure[name][comes]
    event = np.arange(at.size) < m
    cause = np.zeros(at.size, dtype=np.int64)
    cause[:m] = seen.cause[comes]
    weight = np.where(event, 1.0, quiet_weight)
    reference = m / steps.size
    own, others = _intensities(seen, station, figure, cause)
    expected = np.where(event, -np.expm1(-(own + others) * STEP_S / 3600.0), reference)
    return {
        "t": t,
        "history": _history(seen, t),
        "event": event,
        "code": cause,
        "weight": weight,
        "reference": np.full(at.size, reference),
        "oracle_probability": np.maximum(expected, 1e-9),
        "oracle_right": event & (own >= others),
        "depth_pct": np.where(event, figure["depth_pct"], 0.0),
        "duration_log": np.where(event, np.log10(np.where(event, figure["duration_ms"], 1.0)), 0.0),
    }


def _intensities(seen: _Seen, station: Int, figure: dict[str, Float], cause: Int) -> tuple[Float, Float]:
    """Intensity at the point of an event's own cause and of the others, 1/h, [n]; 0 in quiet steps."""
    mine = np.bincount(seen.cause[seen.cause >= 0], minlength=len(CAUSES))
    share = mine / np.maximum(station[: len(CAUSES)], 1)
    rest = (mine.sum() - mine) / np.maximum(station.sum() - station[: len(CAUSES)], 1)
    own = np.nan_to_num(figure["intensity_per_h"])
    others = np.nan_to_num(figure["total_intensity_per_h"]) - own
    return own * share[cause], others * rest[cause]


def _history(seen: _Seen, t: Float) -> Float:
    """Features of what the point had seen before each of n instants, [n, features]."""
    found = np.empty((t.size, len(events.FEATURES)))
    for begin in range(0, t.size, CHUNK):
        some = slice(begin, begin + CHUNK)
        age = t[some, None] - seen.t[None, :]
        shape = age.shape
        found[some] = events.compute(
            age,
            np.broadcast_to(seen.figure["depth_pct"], shape),
            np.broadcast_to(seen.figure["duration_ms"], shape),
            np.broadcast_to(seen.sag, shape),
        )
    return found


def _inputs(
    definition: Definition[Any],
    substation: Substation,
    points: list[Point],
    t: Float,
    known: dict[str, Float],
) -> Float:
    """Inputs of the definition: those of the instant and the point, and what is known beside them."""
    nominals = {
        one.id: PointNominals(
            v_nom_v=one.nominal_kv * 1e3 / np.sqrt(3.0),
            i_rated_a=one.rated_a,
            s_rated_va=one.rated_mva * 1e6,
            f_nom_hz=substation.frequency_hz,
            utc_offset_s=substation.utc_offset_s,
        )
        for one in substation.points
    }
    own = [nominals[one.id] for one in points]
    of_windows = np.empty((t.size, len(features.INDEX)))
    for begin in range(0, t.size, CHUNK):
        some = slice(begin, begin + CHUNK)
        phases = np.full((t[some].size, WINDOW, 3), np.nan)
        windows = Windows.from_arrays(
            v=phases, i=phases, p=phases, q=phases, f=phases[:, :, 0], t_end=t[some],
            nominals=own[some],
        )  # fmt: skip
        of_windows[some] = features.compute(windows)
    rated = np.array([one.s_rated_va for one in own])
    offset = np.full(t.size, substation.utc_offset_s, dtype=np.float64)
    found = {
        **{name: of_windows[:, place] for name, place in features.INDEX.items()},
        **dict(zip((one.name for one in clock.FEATURES), clock.compute(t, offset).T, strict=True)),
        **dict(zip((one.name for one in site.FEATURES), site.compute(rated).T, strict=True)),
        **known,
    }
    return np.stack([found[name] for name in definition.columns], axis=1)
