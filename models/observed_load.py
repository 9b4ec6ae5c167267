"""Rows of a measured table `load`: any step from a minute to an hour, gaps left out, split by time.

What is forecast stays a quarter of an hour. Finer steps are averaged to quarters. In a coarser step every
quarter has the step's mean: the forecast in 15 min is then that of the step in which the quarter lies, and
rows are the ends of steps only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from data_contracts.observed import Observed
from features import PointNominals
from features.context import day_kinds
from features.context.load_history import DAY, QUARTER_S, QUARTERS
from models import columns, load_rows, load_weather
from models.dataset import Built
from models.errors import DataError
from models.load_inputs import HORIZONS, WEATHER
from models.protocol import Definition
from models.rows import Names, Rows, concatenate
from models.splits import DAY_S
from models.time_splits import TimeSplit, offsets

TABLE = "load"
LONGEST_STEP_S = 3600.0
MOST_ROWS = 40_000
"""Rows of all feeders together, as far as the strides reach."""

STRIDES = (1, 5, 7, 11, 13, 17, 23, 29, 31, 37, 41, 43, 47)
"""Possible rows from one that is taken to the next; no part of a day or a week."""

BLOCK_DAYS = 7
ALMOST = 1e-6

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Quarters:
    """A feeder's load by the quarter of an hour.

    Attributes:
        begin_s: Unix time at which the first one begins.
        p_w: Mean of each, NaN where part of it is not known, [q].
        holiday: 1 where a public holiday is told, [q].
        every: Quarters from one instant at which a step ends too to the next.
    """

    begin_s: float
    p_w: Float
    holiday: Float
    every: int


def build(
    dataset: Dataset, definition: Definition[Any], split: TimeSplit, *, day_ahead: bool = False
) -> Built:
    """Quarters that have eight whole days before them and a whole day behind them, all in one split.

    An episode is a week of one split over all feeders. A definition that reads weather is given that of the
    newest step, and its truth has the weather that came; what the dataset does not fill is NaN.

    Args:
        dataset: An ingested dataset.
        definition: The model that the rows are for.
        split: Which days train, validate and test.
        day_ahead: As in `load_rows.build`.

    Raises:
        DataError: The steps are too long, or no row is left.
    """
    observed = told(dataset)
    step_s = observed.tables[TABLE].step_s
    if not 0.0 < step_s <= LONGEST_STEP_S:
        raise DataError(
            f"dataset {dataset.name}: {TABLE} has a step of {step_s:g} s",
            "steps of an hour or less are needed",
        )
    wanted = WEATHER if load_rows.reads_weather(definition) else ()
    table = dataset.read(TABLE, columns=["point", "t", "p_w", "holiday", *wanted])
    point, t = columns.names(table, "point"), columns.milliseconds(table) / 1000.0
    p_w, holiday = columns.floats(table, "p_w"), np.nan_to_num(columns.floats(table, "holiday"))
    told_of = {name: columns.floats(table, name) for name in wanted}
    parts, left_out = [], 0
    first_day = float(t.min())
    for code, name in enumerate(point.texts):
        of = np.flatnonzero(point.codes == code)
        of = of[np.argsort(t[of])]
        rated_mva = _rated_mva(dataset, name, (t[of], p_w[of]), split)
        series = by_quarter(t[of], p_w[of], holiday[of], step_s)
        weather = {name: means(t[of], values[of], step_s) for name, values in told_of.items()}
        most = max(MOST_ROWS // len(point.texts), 1)
        rows, without = _feeder(
            definition, observed, series, split, weather=weather, named=(dataset.name, name),
            rated_mva=rated_mva, first_s=first_day, most=most, day_ahead=day_ahead,
        )  # fmt: skip
        left_out += without
        parts.append(rows)
    found = [rows for rows in parts if len(rows)]
    if not found:
        raise DataError(
            f"dataset {dataset.name}: no step of {TABLE} has {QUARTERS // DAY} days without a gap before "
            "it and one behind it",
            "ingest a longer record; `switchyard datasets` shows the gaps",
        )
    rows = concatenate(found)
    return Built(rows, len(rows) + left_out, 0, left_out)


@dataclass(frozen=True, slots=True)
class Counted:
    """How the load of one feeder is counted.

    Attributes:
        rated_mva: Apparent power that it is counted in, MVA.
        begin_s: Unix time at which its first step begins, and with it a quarter of an hour.
    """

    rated_mva: float
    begin_s: float


def counted(dataset: Dataset, split: TimeSplit) -> dict[str, Counted]:
    """How `build` counts each feeder's load, by point.

    Raises:
        DataError: A feeder's rating is not known and it has no load before validation.
    """
    table = dataset.read(TABLE, columns=["point", "t", "p_w"])
    point, t = columns.names(table, "point"), columns.milliseconds(table) / 1000.0
    p_w = columns.floats(table, "p_w")
    found = {}
    for code, name in enumerate(point.texts):
        of = np.flatnonzero(point.codes == code)
        found[name] = Counted(_rated_mva(dataset, name, (t[of], p_w[of]), split), float(t[of].min()))
    return found


def _rated_mva(dataset: Dataset, point: str, series: tuple[Float, Float], split: TimeSplit) -> float:
    """Rating of a feeder, or its largest load before validation where no rating is known, MVA.

    Args:
        dataset: The dataset.
        point: The feeder.
        series: Beginning of each step, Unix s, and its mean, W, [n] each.
        split: Which days train.

    Raises:
        DataError: There is neither.
    """
    rated_mva = told(dataset).points[point].rated_mva
    if not rated_mva > 0.0:
        t, p_w = series
        rated_mva = float(np.abs(p_w[split.split(t) == 0]).max(initial=0.0)) / 1e6
    if not rated_mva > 0.0:
        raise DataError(
            f"dataset {dataset.name}: point {point} has no load before {split.validation_from}",
            "give its rated_mva in the mapping, or a later --validation-from",
        )
    return rated_mva


def told(dataset: Dataset) -> Observed:
    """What an ingested dataset says about itself.

    Raises:
        DataError: It was simulated.
    """
    if dataset.manifest.observed is None:
        raise DataError(
            f"dataset {dataset.name} was simulated", "its models are trained with `switchyard train MODEL`"
        )
    return dataset.manifest.observed


def by_quarter(t: Float, p_w: Float, holiday: Float, step_s: float) -> Quarters:
    """Means of quarters from those of steps: energy is kept, a quarter that is partly unknown is NaN.

    Args:
        t: Beginning of each step, Unix seconds, ascending, [n]; steps may be missing.
        p_w: Mean of each step, [n].
        holiday: 1 where a step lies on a public holiday, [n].
        step_s: Length of a step, s.
    """
    place = np.round((t - t[0]) / step_s).astype(np.int64)
    free = np.zeros(int(place[-1]) + 1)
    free[place] = holiday
    # A row is an instant at which both a step and a quarter end: nothing of a later step is in it.
    every = int(np.lcm(round(step_s), round(QUARTER_S))) // round(QUARTER_S)
    return Quarters(
        float(t[0]), means(t, p_w, step_s), (_averages(free, step_s) > 0.5).astype(np.float64), every
    )


def means(t: Float, values: Float, step_s: float) -> Float:
    """Means of quarters from those of steps, NaN where part of a quarter is not known, [q].

    Args:
        t: Beginning of each step, Unix seconds, ascending, [n]; steps may be missing.
        values: Mean of each step, [n].
        step_s: Length of a step, s.
    """
    place = np.round((t - t[0]) / step_s).astype(np.int64)
    steps = int(place[-1]) + 1
    value, missing = np.zeros(steps), np.ones(steps)
    known = np.isfinite(values)
    value[place[known]], missing[place[known]] = values[known], 0.0
    return np.where(_averages(missing, step_s) > ALMOST, np.nan, _averages(value, step_s))


def _averages(of: Float, step_s: float) -> Float:
    """Means of the whole quarters that the steps of a series make up."""
    if step_s % QUARTER_S == 0.0:
        # Quarters of a step are equal to the last bit: what differs by rounding would be taken for a signal.
        return np.repeat(of, int(step_s // QUARTER_S))
    reach = step_s * np.arange(of.size + 1)
    bounds = np.arange(0.0, reach[-1] + ALMOST, QUARTER_S)
    total = np.concatenate([[0.0], np.cumsum(of * step_s)])
    found: Float = np.diff(np.interp(bounds, reach, total)) / QUARTER_S
    return found


def _feeder(
    definition: Definition[Any],
    observed: Observed,
    series: Quarters,
    split: TimeSplit,
    *,
    weather: Mapping[str, Float],
    named: tuple[str, str],
    rated_mva: float,
    first_s: float,
    most: int,
    day_ahead: bool,
) -> tuple[Rows, int]:
    """Rows of one feeder, and how many were left out because of a gap or a target in another split."""
    dataset, point = named
    p_pu = series.p_w / (rated_mva * 1e6)
    at = np.arange(QUARTERS - 1, series.p_w.size - DAY, dtype=np.int64)
    at = at[(at + 1) % series.every == 0]
    possible = at.size
    unknown = np.concatenate([[0], np.cumsum(np.isnan(p_pu))])
    at = at[unknown[at + DAY + 1] == unknown[at - QUARTERS + 1]]
    now = series.begin_s + QUARTER_S * (at + 1.0)
    part = split.split(now - QUARTER_S)
    same = part == split.split(now + DAY_S - QUARTER_S)
    at, now, part = at[same], now[same], part[same]
    left_out = possible - at.size
    stride = next((each for each in STRIDES if at.size <= each * most), STRIDES[-1])
    at, now, part = at[::stride], now[::stride], part[::stride]
    offset = offsets(now, split.time_zone)
    quarter_end: Float = series.begin_s + QUARTER_S * np.arange(1, series.p_w.size + 1, dtype=np.float64)
    free = np.unique(
        day_kinds.day_of(quarter_end, offsets(quarter_end, split.time_zone))[series.holiday > 0.5]
    )
    day = day_kinds.day_of(now, offset)
    kinds = day_kinds.kinds(day, np.isin(day[:, None] + day_kinds.OFFSETS, free))
    facts = observed.points[point]
    X = np.empty((at.size, len(definition.columns)))
    for one in np.unique(offset):
        of = np.flatnonzero(offset == one)
        nominals = PointNominals(
            v_nom_v=(facts.nominal_kv or 1.0) * 1e3 / np.sqrt(3.0),
            i_rated_a=facts.rated_a or 1.0,
            s_rated_va=rated_mva * 1e6,
            f_nom_hz=observed.frequency_hz,
            utc_offset_s=int(one),
        )
        X[of] = load_rows.inputs(
            definition.columns, p_pu, at[of], (now[of], kinds[of]), nominals,
            weather=load_weather.now(weather, at[of]) if weather else {},
        )  # fmt: skip
    truth: dict[str, NDArray[np.generic]] = {
        "local_s": now + offset,
        **load_rows.known_truth(p_pu, series.holiday, at),
        # Nobody knows what of a measured load was chance.
        **{f"oracle_{name}": np.full(at.size, np.nan) for name in HORIZONS},
    }
    if day_ahead:
        truth["day_ahead"] = load_rows.hours_ahead(p_pu, at)
    if weather:
        truth |= load_weather.truth(weather, at)
    week = np.floor((now - first_s) / (BLOCK_DAYS * DAY_S)).astype(np.int64)

    def constant(text: str) -> Names:
        return Names(np.zeros(at.size, dtype=np.int64), (text,))

    return Rows(
        columns=definition.columns,
        X=X,
        truth=truth,
        substation=constant(dataset),
        episode=Names.of([f"{dataset}.load.{w:04d}.{s}" for w, s in zip(week, part, strict=True)]),
        kind=Names(load_rows.season(now + offset), load_rows.MONTHS),
        point=constant(point),
        point_kind=constant("feeder"),
        t=now,
        split=part,
    ), left_out
