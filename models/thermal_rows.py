"""Rows of the table `thermal`: a transformer in one minute, the loading until then, and its next hour."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

import features
from data_contracts.dataset import Dataset
from features import PointNominals, Windows
from features.channels import WINDOW
from features.context import day_ago, loading, site, thermal
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

AHEAD_MIN = 60

Float = NDArray[np.float64]
Int = NDArray[np.int64]

_READ = (
    "scenario_id", "asset", "t", "load_metered_pu", "ambient_c", "cooling_stage", "event",
    "top_oil_measured_c", "hot_spot_c",
)  # fmt: skip
_log = get_logger("models.thermal_rows")


def build(dataset: Dataset, definition: Definition[Any], start: date, over_c: float) -> Built:
    """Every `STRIDE_MIN`-th minute that has four hours before it and one behind it.

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
    t = columns.seconds(table)
    order = np.lexsort((t, asset.codes, episode.codes))
    run = episode.codes[order] * (asset.codes.max(initial=0) + 1) + asset.codes[order]
    breaks = np.flatnonzero((np.diff(run) != 0) | (np.diff(t[order]) != 60)) + 1
    first = np.concatenate([[0], breaks])
    lengths = np.diff(np.append(first, order.size))
    begin, last = np.repeat(first, lengths), np.repeat(first + lengths - 1, lengths)
    place = np.arange(order.size)
    whole = (place - begin >= loading.MINUTES - 1) & (last - place >= AHEAD_MIN)
    whole &= (place - begin - loading.MINUTES + 1) % STRIDE_MIN == 0
    value = {
        name: columns.floats(table, name)[order]
        for name in ("load_metered_pu", "ambient_c", "top_oil_measured_c", "hot_spot_c")
    }
    at = np.flatnonzero(whole)
    history = value["load_metered_pu"][at[:, None] + np.arange(1 - loading.MINUTES, 1)]
    known = np.isfinite(history).all(axis=1) & np.isfinite(value["top_oil_measured_c"][at])
    left_out = int((~known).sum())
    at, history = at[known], history[known]
    if not at.size:
        raise DataError(
            f"dataset {dataset.name}: no minute of {TABLE} has {loading.MINUTES} minutes before it and "
            f"{AHEAD_MIN} behind it",
            "simulate longer thermal episodes",
        )
    reach = place[at] - begin[at] >= day_ago.REACH_MIN - 1
    oldest = np.where(reach, at - day_ago.REACH_MIN + 1, 0)[:, None] + np.arange(2 * day_ago.AROUND_MIN)
    yesterday = np.where(reach[:, None], value["load_metered_pu"][oldest % order.size], np.nan)
    ahead = value["hot_spot_c"][at[:, None] + np.arange(1, AHEAD_MIN + 1)]
    seconds = t[order][at].astype(np.float64)
    assets = asset.take(order[at])
    units = _units(substation, assets)
    known_now = {"top_oil_c": value["top_oil_measured_c"][at], "ambient_c": value["ambient_c"][at]}
    of_history = {
        **_named(loading.FEATURES, loading.compute(history)),
        **_named(day_ago.FEATURES, day_ago.compute(history[:, -day_ago.AROUND_MIN :], yesterday)),
        **_named(thermal.FEATURES, thermal.compute(history, known_now["top_oil_c"], known_now["ambient_c"])),
    }
    X = _inputs(
        definition, substation, units, seconds=seconds, load_pu=history[:, -1], known=known_now | of_history
    )
    exceeds = ahead > over_c
    truth: dict[str, NDArray[np.generic]] = {
        "hottest_c": ahead.max(axis=1),
        "exceeds": exceeds.any(axis=1),
        "minutes": np.where(exceeds.any(axis=1), exceeds.argmax(axis=1) + 1.0, AHEAD_MIN),
        "hot_spot_now_c": value["hot_spot_c"][at],
        "day_known": reach,
        **_standing(units, columns.names(table, "cooling_stage").take(order[at]), history[:, -1]),
    }
    points = [_bay(substation, unit) for unit in units]
    rows = Rows(
        columns=definition.columns,
        X=X,
        truth=truth,
        substation=Names(np.zeros(at.size, dtype=np.int64), (substation.name,)),
        episode=episode.take(order[at]),
        kind=columns.names(table, "event").take(order[at]),
        point=Names.of(points),
        point_kind=Names(np.zeros(at.size, dtype=np.int64), ("transformer_bay",)),
        t=seconds,
        split=split_of_episodes(seconds, episode.codes[order[at]], start, substation.utc_offset_s),
    )
    _log.info("%s, %s: %d minutes", definition.name, dataset.name, at.size)
    return Built(rows, at.size + left_out, left_out, 0)


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
    units: list[Transformer],
    *,
    seconds: Float,
    load_pu: Float,
    known: dict[str, Float],
) -> Float:
    """Inputs of the definition: those of a window of constant power, of the site and of what is known."""
    bays = {point.id: point for point in substation.points}
    nominals = []
    for unit in units:
        bay = bays[_bay(substation, unit)]
        nominals.append(
            PointNominals(
                v_nom_v=bay.nominal_kv * 1e3 / np.sqrt(3.0),
                i_rated_a=bay.rated_a,
                s_rated_va=bay.rated_mva * 1e6,
                f_nom_hz=substation.frequency_hz,
                utc_offset_s=substation.utc_offset_s,
            )
        )
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
