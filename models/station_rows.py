"""Rows of the table `losses`: a station in one quarter of an hour, and what it truly lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import features
from data_contracts.dataset import Dataset
from data_contracts.station import StationFacts
from features import PointNominals, Windows
from features.channels import WINDOW
from features.context import station
from models import columns
from models.dataset import Built
from models.errors import DataError
from models.protocol import Definition
from models.rows import Names, Rows
from models.splits import split_of_episodes
from substations import read as read_substation
from substations.description import Substation
from substations.station import station_facts
from switchyard.log import get_logger

if TYPE_CHECKING:
    import pyarrow as pa

TABLE = "losses"
PARTS = ("resistive", "reactive", "core")
LOADS = ("light", "usual", "heavy")
"""Slices of the report: days whose mean load is below 0.8, up to 1.0 and above 1.0 of the design load."""

BOUNDS = (0.8, 1.0)

Float = NDArray[np.float64]

_WEATHER = ("ambient_c", "ghi_w_m2", "wind_m_s")
_TRUTH = ("total_w", "p_supplied_w", *(f"{part}_w" for part in PARTS), *(f"design_{part}" for part in PARTS))
_METERED = ("p_metered_w", "q_metered_var", "p_metered_low_w", "nameplate_w", "v_metered_pu")
_TEXTS = ("scenario_id", "status", "taps", "capacitor_steps")
_log = get_logger("models.station_rows")

More = Callable[["pa.Table", Substation, StationFacts], dict[str, Float]]


def build(dataset: Dataset, definition: Definition[Any], start: date, more: More | None = None) -> Built:
    """Every solved state of the station in which all inputs are known.

    Args:
        dataset: Contracted tables.
        definition: The model that the rows are for; its features are those of the station, of the weather
            and of the calendar.
        start: The campaign's first local date; decides the split.
        more: Further features by name, from the solved states and the station's description and nameplates.

    Raises:
        DataError: No row is left.
    """
    import pyarrow.compute as pc

    every = dataset.read(TABLE, columns=[*_TEXTS, "t", *_METERED, *_WEATHER, *_TRUTH])
    table = every.filter(pc.field("status") == "ok")
    substation = read_substation(dataset.substation)
    facts = station_facts(substation)
    value = {name: columns.floats(table, name) for name in (*_METERED, *_WEATHER, *_TRUTH)}
    flows = station.Flows(
        p_w=value["p_metered_w"],
        q_var=value["q_metered_var"],
        p_low_w=value["p_metered_low_w"],
        nameplate_w=value["nameplate_w"],
        infeed_v_pu=value["v_metered_pu"],
        ratio_pu=_each(columns.names(table, "taps"), lambda known: station.ratio_pu(facts, known)),
        bank_var=_each(columns.names(table, "capacitor_steps"), lambda known: station.bank_var(facts, known)),
    )
    t = columns.seconds(table).astype(np.float64)
    found = _inputs(substation, facts, flows, t) | {name: value[name] for name in _WEATHER}
    if more is not None:
        found |= more(table, substation, facts)
    X = np.stack([found[name] for name in definition.columns], axis=1)
    required = [place for place, name in enumerate(definition.columns) if name not in definition.optional]
    known = np.isfinite(X[:, required]).all(axis=1)
    kept = np.flatnonzero(known)
    if not kept.size:
        raise DataError(f"dataset {dataset.name}: no state of {TABLE} can be used", "simulate more states")
    episode = columns.names(table, "scenario_id").take(kept)
    load = _of_day(value["p_metered_w"][kept], episode) / station.nameplates(facts)[1]
    points = [point.id for point in substation.points if point.kind in {"system", "infeed"}]
    rows = Rows(
        columns=definition.columns,
        X=X[kept],
        truth={name: value[name][kept] for name in _TRUTH},
        substation=Names(np.zeros(kept.size, dtype=np.int64), (substation.name,)),
        episode=episode,
        kind=Names(np.searchsorted(BOUNDS, load, side="right").astype(np.int64), LOADS),
        point=Names(np.zeros(kept.size, dtype=np.int64), (points[-1],)),
        point_kind=Names(np.zeros(kept.size, dtype=np.int64), (str(substation.point(points[-1]).kind),)),
        t=t[kept],
        split=split_of_episodes(t[kept], episode.codes, start, substation.utc_offset_s),
    )
    _log.info("%s, %s: %d states", definition.name, dataset.name, kept.size)
    return Built(rows, every.num_rows, int((~known).sum()), every.num_rows - table.num_rows)


def _of_day(values: Float, episode: Names) -> Float:
    """Mean over its day of each row's value, [n]."""
    count = np.bincount(episode.codes)
    mean = np.bincount(episode.codes, weights=values) / np.maximum(count, 1)
    return np.asarray(mean[episode.codes])


def _each(texts: Names, read: Any) -> Float:
    """`read` of each text such as `AT1:9,DTX1:10`, as numbers by name; NaN where there is none, [n]."""
    found = []
    for text in texts.texts:
        pairs = (pair.split(":") for pair in text.split(",") if ":" in pair)
        found.append(read({name: int(number) for name, number in pairs}))
    return np.array(found, dtype=np.float64)[texts.codes]


def _inputs(substation: Substation, facts: StationFacts, flows: station.Flows, t: Float) -> dict[str, Float]:
    """Features of the station and of the calendar by name."""
    infeed = substation.point(substation.infeeds[0].point)
    nominals = PointNominals(
        v_nom_v=facts.v_nom_v,
        i_rated_a=infeed.rated_a,
        s_rated_va=infeed.rated_mva * 1e6,
        f_nom_hz=substation.frequency_hz,
        utc_offset_s=substation.utc_offset_s,
    )
    phases = np.full((t.size, WINDOW, 3), np.nan)
    windows = Windows.from_arrays(
        v=phases, i=phases, p=phases, q=phases, f=phases[:, :, 0], t_end=t, nominals=nominals
    )
    of_windows = features.compute(windows)
    of_station = station.compute(flows, facts)
    return {
        **{name: of_windows[:, features.INDEX[name]] for name in ("hour_sin", "hour_cos")},
        **{feature.name: of_station[:, place] for place, feature in enumerate(station.FEATURES)},
    }
