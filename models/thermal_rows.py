"""Rows of the table `thermal`: a transformer in one minute, the loading until then, and its next hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

import features
from data_contracts.dataset import Dataset
from features import PointNominals, Windows
from features.channels import WINDOW
from features.context import day_ago, equipment, loading, site, thermal
from features.declaration import Feature
from models import columns
from models.dataset import Built
from models.errors import DataError
from models.protocol import Definition
from models.rows import Names, Rows
from models.splits import split_of_episodes
from models.thermal_standard import STAGES
from substations import read as read_substation
from substations.description import Substation
from substations.equipment import Transformer
from switchyard.log import get_logger

TABLE = "thermal"
STRIDE_MIN = 10
"""Minutes from one row of a transformer to the next: neighbours are nearly alike."""

MOST_ROWS = 40_000
"""Rows of a dataset; where there are more, the stride is a multiple of `STRIDE_MIN`."""

AHEAD_MIN = 60
_CHUNK = 4096

Float = NDArray[np.float64]
Int = NDArray[np.int64]

_NUMBERS = ("load_metered_pu", "ambient_c", "top_oil_measured_c", "hot_spot_c", "load_pu")
_READ = ("scenario_id", "asset", "t", "cooling_stage", "event", *_NUMBERS)
_log = get_logger("models.thermal_rows")


@dataclass(frozen=True, slots=True)
class _Minutes:
    """The table's columns in the order of episode, transformer and time, [n] each.

    Attributes:
        order: Place in the table.
        since: Minutes since the first of the row's run.
        value: Numbers by column.
    """

    order: Int
    since: Int
    value: Mapping[str, Float]

    def around(self, name: str, at: Int, first: int, last: int) -> Float:
        """Values from `first` to `last` minutes after each row, both counted, [len(at), minutes]."""
        found: Float = self.value[name][at[:, None] + np.arange(first, last + 1)]
        return found


def build(dataset: Dataset, definition: Definition[Any], start: date, over_c: float) -> Built:
    """Every `STRIDE_MIN`-th minute, or fewer, that has four hours before it and one behind it.

    The same time of the day before is known from the second day of an episode on.

    Args:
        dataset: Contracted tables.
        definition: The model that the rows are for; its features are among those of a window of power
            readings, of the context, and of the loading history.
        start: The campaign's first local date; decides the split.
        over_c: Hot spot from which on a transformer counts as overloaded.

    Raises:
        DataError: No row is left.
    """
    table = dataset.read(TABLE, columns=list(_READ))
    substation = read_substation(dataset.substation)
    episode, asset = columns.names(table, "scenario_id"), columns.names(table, "asset")
    stage, event = columns.names(table, "cooling_stage"), columns.names(table, "event")
    t = columns.seconds(table)
    order = np.lexsort((t, asset.codes, episode.codes))
    run = episode.codes[order] * (asset.codes.max(initial=0) + 1) + asset.codes[order]
    breaks = np.flatnonzero((np.diff(run) != 0) | (np.diff(t[order]) != 60)) + 1
    first = np.concatenate([[0], breaks])
    lengths = np.diff(np.append(first, order.size))
    since = np.arange(order.size) - np.repeat(first, lengths)
    minutes = _Minutes(order, since, {name: columns.floats(table, name)[order] for name in _NUMBERS})
    del table, run
    whole = (since >= loading.MINUTES - 1) & (np.repeat(lengths, lengths) - 1 - since >= AHEAD_MIN)
    stride = STRIDE_MIN * max(1, -(-int(whole.sum()) // (STRIDE_MIN * MOST_ROWS)))
    at = np.flatnonzero(whole & ((since - loading.MINUTES + 1) % stride == 0))
    known = np.isfinite(minutes.value["top_oil_measured_c"][at])
    left_out = int((~known).sum())
    at = at[known]
    if not at.size:
        raise DataError(
            f"dataset {dataset.name}: no minute of {TABLE} has {loading.MINUTES} minutes before it and "
            f"{AHEAD_MIN} behind it",
            "simulate longer thermal episodes",
        )
    seconds = t[order][at].astype(np.float64)
    units = _units(substation, asset.take(order[at]))
    bays = {unit.id: _bay(substation, unit) for unit in substation.transformers}
    points = [bays[unit.id] for unit in units]
    parts = []
    for begin in range(0, at.size, _CHUNK):
        own = slice(begin, begin + _CHUNK)
        parts.append(_part(definition, substation, minutes, at[own], (points[own], seconds[own], over_c)))
    X = np.concatenate([inputs for inputs, _ in parts])
    truth = {name: np.concatenate([one[name] for _, one in parts]) for name in parts[0][1]}
    truth |= _standing(units, stage.take(order[at]), minutes.value["load_metered_pu"][at])
    rows = Rows(
        columns=definition.columns,
        X=X,
        truth=truth,
        substation=Names(np.zeros(at.size, dtype=np.int64), (substation.name,)),
        episode=episode.take(order[at]),
        kind=event.take(order[at]),
        point=Names.of(points),
        point_kind=Names(np.zeros(at.size, dtype=np.int64), ("transformer_bay",)),
        t=seconds,
        split=split_of_episodes(seconds, episode.codes[order[at]], start, substation.utc_offset_s),
    )
    _log.info("%s, %s: %d minutes, %d apart", definition.name, dataset.name, at.size, stride)
    return Built(rows, at.size + left_out, left_out, 0)


def _part(
    definition: Definition[Any],
    substation: Substation,
    minutes: _Minutes,
    at: Int,
    of: tuple[list[str], Float, float],
) -> tuple[Float, dict[str, NDArray[np.generic]]]:
    """Inputs and truth of some rows; `of` has their points, instants and the limit of overload."""
    points, seconds, over_c = of
    history = minutes.around("load_metered_pu", at, 1 - loading.MINUTES, 0)
    reach = minutes.since[at] >= day_ago.REACH_MIN - 1
    oldest = np.where(reach, at - day_ago.REACH_MIN + 1, 0)
    around = minutes.around("load_metered_pu", oldest, 0, 2 * day_ago.AROUND_MIN - 1)
    around[~reach] = np.nan
    hour = history[:, -day_ago.AROUND_MIN :]
    known = {
        "top_oil_c": minutes.value["top_oil_measured_c"][at],
        "ambient_c": minutes.value["ambient_c"][at],
    }
    thermally = (history, known["top_oil_c"], known["ambient_c"])
    known |= {
        **_named(loading.FEATURES, loading.compute(history)),
        **_named(day_ago.FEATURES, day_ago.compute(hour, around)),
        **_named(thermal.FEATURES, thermal.compute(*thermally, day_ago.ahead(hour, around))),
        **_named(equipment.FEATURES, equipment.compute(substation.name, points)),
    }
    X = _inputs(definition, substation, points, seconds=seconds, load_pu=history[:, -1], known=known)
    ahead = minutes.around("hot_spot_c", at, 1, AHEAD_MIN)
    exceeds = np.asarray(ahead > over_c)
    told = thermal.hot_spots_c(*thermally, minutes.around("load_pu", at, 1, AHEAD_MIN))
    truth: dict[str, NDArray[np.generic]] = {
        "hottest_c": ahead.max(axis=1),
        "exceeds": np.asarray(exceeds.any(axis=1)),
        "minutes": np.where(exceeds.any(axis=1), exceeds.argmax(axis=1) + 1.0, AHEAD_MIN),
        "hot_spot_now_c": minutes.value["hot_spot_c"][at],
        "day_known": reach,
        "load_known_c": told.max(axis=1),
        "load_known_min": thermal.first_over(told),
    }
    return X, truth


def _units(substation: Substation, assets: Names) -> list[Transformer]:
    by_name = {unit.id: unit for unit in substation.transformers}
    strangers = [name for name in assets.texts if name not in by_name]
    if strangers:
        raise DataError(
            f"{TABLE} has the assets {', '.join(strangers)}, which {substation.name} does not describe",
            "simulate again with this description",
        )
    return [by_name[name] for name in assets.array()]


def _bay(substation: Substation, unit: Transformer) -> str:
    """The last of a transformer's bays, which is that of its low side."""
    return [
        point.id
        for point in substation.points
        if point.kind == "transformer_bay" and point.element == unit.element
    ][-1]


def _inputs(
    definition: Definition[Any],
    substation: Substation,
    points: list[str],
    *,
    seconds: Float,
    load_pu: Float,
    known: dict[str, Float],
) -> Float:
    """Inputs of the definition: those of a window of constant power, of the site and of what is known."""
    of_point = {
        point.id: PointNominals(
            v_nom_v=point.nominal_kv * 1e3 / np.sqrt(3.0),
            i_rated_a=point.rated_a,
            s_rated_va=point.rated_mva * 1e6,
            f_nom_hz=substation.frequency_hz,
            utc_offset_s=substation.utc_offset_s,
        )
        for point in substation.points
        if point.kind == "transformer_bay"
    }
    nominals = [of_point[point] for point in points]
    rated = np.array([one.s_rated_va for one in nominals])
    phases = np.repeat((load_pu * rated / 3.0)[:, None, None], WINDOW, axis=1).repeat(3, axis=2)
    nothing = np.full_like(phases, np.nan)
    windows = Windows.from_arrays(
        v=nothing, i=nothing, p=-phases, q=np.zeros_like(phases), f=nothing[:, :, 0], t_end=seconds,
        nominals=nominals,
    )  # fmt: skip
    of_windows = features.compute(windows)
    found = {
        **{name: of_windows[:, place] for name, place in features.INDEX.items()},
        **_named(site.FEATURES, site.compute(rated)),
        **known,
    }
    return np.stack([found[name] for name in definition.columns], axis=1)


def _named(declared: tuple[Feature, ...], values: Float) -> dict[str, Float]:
    return {feature.name: column for feature, column in zip(declared, values.T, strict=True)}


def _standing(units: list[Transformer], stages: Names, load_pu: Float) -> dict[str, NDArray[np.generic]]:
    """What a nameplate says of each unit in its present cooling stage."""
    stage = np.array([STAGES.index(name) for name in stages.array()], dtype=np.int64)
    rated = np.array(
        [
            next(each.rated_mva for each in unit.cooling if each.stage == STAGES[which])
            for unit, which in zip(units, stage, strict=True)
        ]
    )
    strongest = np.array([unit.rated_mva for unit in units])
    losses = np.array([unit.load_loss_kw / unit.no_load_loss_kw for unit in units])
    base = np.array([unit.windings[0].rated_mva for unit in units])
    return {
        "stage": stage,
        "stage_load_pu": load_pu * strongest / rated,
        "loss_ratio": losses * (rated / base) ** 2,
    }
