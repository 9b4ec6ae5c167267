"""Rows of the table `load`: a feeder at the end of a quarter of an hour, eight days before and one ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

import features
from data_contracts.dataset import Dataset
from features import PointNominals, Windows
from features.channels import WINDOW
from features.context import ahead, day_kinds, load_history, load_week, site
from features.context.load_history import DAY, HOURS, QUARTER_S, QUARTERS, WEEK
from models import columns, load_weather
from models.dataset import Built
from models.errors import DataError
from models.load_inputs import HORIZONS, QUARTERS_AHEAD, WEATHER
from models.protocol import Definition
from models.rows import Names, Rows, concatenate
from models.splits import BLOCK_DAYS, day_of, split_of_day
from substations import read as read_substation
from substations.description import Substation
from switchyard.log import get_logger

TABLE = "load"
STRIDES = (5, 11, 17, 23, 29)
"""Quarters from one row of a feeder to the next; no period of the day or the week is a multiple of one."""

MOST_ROWS = 8000
"""Rows of a feeder, as far as the strides reach."""

AT_A_TIME = 5000
MONTHS = ("january_march", "april_june", "july_september", "october_december")

Float = NDArray[np.float64]

_READ = ("point", "t", "p_w", "pv_w", "p_noise_free_w", "holiday")
_log = get_logger("models.load_rows")


def build(dataset: Dataset, definition: Definition[Any], start: date, *, day_ahead: bool = False) -> Built:
    """Quarters that have eight days before them and a day behind them, all in one split.

    An episode is a run of neighbouring days of one split over all feeders: they share weather and a slow term
    of demand. A row whose farthest target lies in another split is left out.

    Args:
        dataset: Contracted tables.
        definition: The model that the rows are for.
        start: The campaign's first local date; decides the split.
        day_ahead: Whether the truth holds the hours of the day behind each row too, as `day_ahead`.

    Raises:
        DataError: No row is left.
    """
    read = (*_READ, *(WEATHER if reads_weather(definition) else ()))
    table = dataset.read(TABLE, columns=list(read))
    substation = read_substation(dataset.substation)
    point, t = columns.names(table, "point"), columns.seconds(table)
    values = {name: columns.floats(table, name) for name in read[2:]}
    parts, left_out = [], 0
    for code, name in enumerate(point.texts):
        of = np.flatnonzero(point.codes == code)
        of = of[np.argsort(t[of])]
        series = {"t": t[of].astype(np.float64), **{each: known[of] for each, known in values.items()}}
        rows, without = _feeder(definition, substation, name, series, start=start, day_ahead=day_ahead)
        left_out += without
        parts.append(rows)
    found = [rows for rows in parts if len(rows)]
    if not found:
        raise DataError(
            f"dataset {dataset.name}: no quarter of {TABLE} has {QUARTERS // DAY} days before and one behind",
            "simulate more days (simulation.load_days of the profile)",
        )
    rows = concatenate(found)
    _log.info("%s, %s: %d quarters, %d left out", definition.name, dataset.name, len(rows), left_out)
    return Built(rows, len(rows) + left_out, 0, left_out)


def _feeder(
    definition: Definition[Any],
    substation: Substation,
    name: str,
    own: dict[str, Float],
    *,
    start: date,
    day_ahead: bool,
) -> tuple[Rows, int]:
    """Rows of one feeder, and how many quarters were left out because a target lies in another split."""
    t = own["t"]
    at = _places(t.size)
    # Quarters follow one another in a contracted table but for rows in quarantine.
    whole = (t[at + DAY] - t[at - QUARTERS + 1]) == QUARTER_S * (QUARTERS + DAY - 1)
    at = at[whole]
    offset_s = substation.utc_offset_s
    day = day_of(t[at], start, offset_s)
    split = split_of_day(day)
    same = split == split_of_day(day_of(t[at + DAY], start, offset_s))
    left_out = int((~same).sum())
    at, day, split = at[same], day[same], split[same]
    described = substation.point(name)
    rated_w = described.rated_mva * 1e6
    # The row's instant is the end of its newest quarter.
    now = t[at] + QUARTER_S
    nominals = PointNominals(
        v_nom_v=described.nominal_kv * 1e3 / np.sqrt(3.0),
        i_rated_a=described.rated_a,
        s_rated_va=rated_w,
        f_nom_hz=substation.frequency_hz,
        utc_offset_s=offset_s,
    )
    pu = {column: own[column] / rated_w for column in ("p_w", "pv_w", "p_noise_free_w")}
    block, months = day // BLOCK_DAYS, season(t[at] + offset_s)
    kinds = _kinds(now, t, own["holiday"], offset_s)
    truth = {"local_s": now + offset_s, **_truth(pu, own["holiday"], at)}
    if day_ahead:
        truth["day_ahead"] = hours_ahead(pu["p_w"], at)
    weather = load_weather.now(own, at) if reads_weather(definition) else {}
    if weather:
        truth |= load_weather.truth(own, at)
    return Rows(
        columns=definition.columns,
        X=inputs(definition.columns, pu["p_w"], at, (now, kinds), nominals, weather=weather),
        truth=truth,
        substation=Names(np.zeros(at.size, dtype=np.int64), (substation.name,)),
        episode=Names.of([f"{substation.name}.load.{b:03d}.{s}" for b, s in zip(block, split, strict=True)]),
        kind=Names(months, MONTHS),
        point=Names(np.zeros(at.size, dtype=np.int64), (name,)),
        point_kind=Names(np.zeros(at.size, dtype=np.int64), ("feeder",)),
        t=now,
        split=split,
    ), left_out


def reads_weather(definition: Definition[Any]) -> bool:
    """Whether a forecast reads the weather."""
    return not set(WEATHER).isdisjoint(definition.columns)


def _places(quarters: int) -> NDArray[np.int64]:
    """Newest quarters of the rows of a feeder."""
    usable = quarters - QUARTERS - DAY
    stride = next((each for each in STRIDES if usable <= each * MOST_ROWS), STRIDES[-1])
    return np.arange(QUARTERS - 1, quarters - DAY, stride, dtype=np.int64)


def season(local_s: Float) -> NDArray[np.int64]:
    """Quarter of the year, a place in `MONTHS`, of local instants in seconds since 1970, int64 [n]."""
    months = local_s.astype(np.int64).astype("datetime64[s]").astype("datetime64[M]").astype(np.int64) % 12
    found: NDArray[np.int64] = months // 3
    return found


def _kinds(now: Float, t: Float, holiday: Float, offset_s: float) -> NDArray[np.int64]:
    """Kinds of the days around each row by the table's own calendar."""
    day = day_kinds.day_of(now, np.full(now.size, offset_s))
    free = np.unique(day_kinds.day_of(t[holiday > 0.5] + QUARTER_S, np.array(offset_s)))
    return day_kinds.kinds(day, np.isin(day[:, None] + day_kinds.OFFSETS, free))


def inputs(
    wanted: Sequence[str],
    p_pu: Float,
    at: NDArray[np.int64],
    days: tuple[Float, NDArray[np.int64]],
    nominals: PointNominals,
    *,
    weather: Mapping[str, Float] | None = None,
) -> Float:
    """Features of the names in `wanted`, a few thousand rows at a time.

    Args:
        wanted: Names of the features.
        p_pu: Load of all quarters, of rated power.
        at: Newest quarter of each row.
        days: The instant at which each row's newest quarter ends, and the kinds of the days around it.
        nominals: Of the feeder.
        weather: Weather of each row by name, where it is wanted.
    """
    now, kinds = days
    back = np.arange(1 - QUARTERS, 1)
    earlier = {feature.name for feature in load_week.FEATURES}
    out = np.empty((at.size, len(wanted)))
    for first in range(0, at.size, AT_A_TIME):
        some = slice(first, first + AT_A_TIME)
        t_end = now[some]
        past = p_pu[at[some, None] + back]
        nothing = np.full((t_end.size, WINDOW, 3), np.nan)
        of_windows = features.compute(
            Windows.from_arrays(
                v=nothing, i=nothing, p=nothing, q=nothing, f=nothing[:, :, 0], t_end=t_end, nominals=nominals
            )
        )
        offsets, rated = np.full(t_end.size, nominals.utc_offset_s), np.full(t_end.size, nominals.s_rated_va)
        found = {name: of_windows[:, place] for name, place in features.INDEX.items()}
        for group, block in (
            (ahead, ahead.compute(t_end, offsets, kinds[some])),
            (site, site.compute(rated)),
            (load_history, load_history.compute(past, t_end, offsets, kinds[some])),
        ):
            found |= {feature.name: column for feature, column in zip(group.FEATURES, block.T, strict=True)}
        if not earlier.isdisjoint(wanted):
            columns_of_week = load_week.compute(past).T
            found |= {
                feature.name: column
                for feature, column in zip(load_week.FEATURES, columns_of_week, strict=True)
            }
        found |= {name: column[some] for name, column in (weather or {}).items()}
        out[some] = np.stack([found[name] for name in wanted], axis=1)
    return out


def _truth(pu: dict[str, Float], holiday: Float, at: NDArray[np.int64]) -> dict[str, NDArray[np.generic]]:
    """Load at each horizon, what the naive forecasts say, and what an oracle does."""
    p, calm = pu["p_w"], pu["p_noise_free_w"] + pu["pv_w"]
    truth = known_truth(p, holiday, at)
    # Departure from the load without its random part, now, an hour ago and over a day, of the gross load.
    apart = (p - pu["p_noise_free_w"]) / calm
    total = np.concatenate([[0.0], np.cumsum(apart)])
    departures = np.stack([apart[at], apart[at - 4], (total[at + 1] - total[at + 1 - DAY]) / DAY], axis=1)
    for name, step in zip(HORIZONS, QUARTERS_AHEAD, strict=True):
        truth[f"oracle_{name}"] = _oracle(calm[at + step], pu["pv_w"][at + step], departures, p[at + step])
    return truth


def known_truth(p: Float, holiday: Float, at: NDArray[np.int64]) -> dict[str, NDArray[np.generic]]:
    """Load at each horizon and what the naive forecasts say, by name, [n] each.

    Args:
        p: Load of all quarters of a feeder.
        holiday: 1 where a quarter lies on a public holiday.
        at: Newest quarter of each row, [n].
    """
    truth: dict[str, NDArray[np.generic]] = {}
    for name, step in zip(HORIZONS, QUARTERS_AHEAD, strict=True):
        truth[f"p_{name}"] = p[at + step]
        truth[f"persistence_{name}"] = p[at]
        truth[f"yesterday_{name}"] = p[at + step - DAY]
        truth[f"last_week_{name}"] = p[at + step - WEEK]
        truth[f"holiday_{name}"] = holiday[at + step] > 0.5
    return truth


def hours_ahead(p: Float, at: NDArray[np.int64]) -> Float:
    """Means of the 24 hours behind each row's newest quarter, [n, 24]."""
    ahead_of = p[at[:, None] + np.arange(1, DAY + 1)]
    found: Float = ahead_of.reshape(at.size, HOURS, DAY // HOURS).mean(axis=2)
    return found


def _oracle(calm: Float, pv: Float, departures: Float, p: Float) -> Float:
    """Load without its random part in the weather to come, and the present departures as far as they last.

    How far is fitted on the rows themselves: an oracle may know.
    """
    if not p.size:
        return p
    lasting, *_ = np.linalg.lstsq(departures * calm[:, None], p - (calm - pv), rcond=None)
    found: Float = calm * (1.0 + departures @ lasting) - pv
    return found
