"""Rows of the table `dispatch`: an hour of the whole grid, with the AC power flow of a lossless dispatch.

Every substation's dataset holds the same hours; each hour is dealt to one of them, so that none is learned
from at one place and judged at another.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

import substations
from data_contracts.dataset import Dataset
from data_contracts.transmission import BUSES, LINE_NAMES, OWN_LOADS, PARKS, UNITS
from features.context import dispatch
from models import columns
from models.dataset import Built
from models.errors import DataError
from models.protocol import Definition
from models.resolving import resolver
from models.rows import Names, Rows, concatenate
from models.splits import TEST, TRAIN, day_of, split_of_day
from switchyard.identity import generator
from switchyard.log import get_logger

TABLE = "dispatch"
SLICES = ("free", "congested")
"""Slices of the report: whether a line is at its limit in the lossless dispatch."""

TAUGHT = 350
"""Training rows of one dataset at least: hours are dealt the offers of others until there are so many."""

SYSTEM = "system_load_mw"
SENT = tuple(feature.name for feature in dispatch.FEATURES[: dispatch.OFFERED])

Float = NDArray[np.float64]

_OF_UNITS = ("available_mw", "cost_per_mwh", "ac_opf_mw", "lossless_mw")
_OF_HOURS = ("system_load_mw", "ac_opf_cost", "congested")
_log = get_logger("models.dispatch_rows")


def build(dataset: Dataset, definition: Definition[Any], start: date) -> Built:
    """The dataset's hours with an AC optimum, and further training rows: hours with offers of other hours.

    Truth: `optimum_mw` and `lossless_mw` [n, units], `bus_mvar` [n, buses], `optimum_cost`, `congested`,
    `counted` (false for the further rows) and `counted_congested`; and of the AC power flow of the lossless
    dispatch among the features, on training and validation rows, `current_pu` [n, lines] and `loss_mw`.

    Raises:
        DataError: The units are not those of the published grid, or no hour is left.
    """
    import pyarrow.compute as pc

    every = dataset.read(
        TABLE, columns=["t", "unit", "status", *_OF_UNITS, *_OF_HOURS, "bus_load_mw", "bus_load_mvar"]
    )
    every = every.sort_by([("t", "ascending"), ("unit", "ascending")])
    table = every.filter(pc.field("status") == "ok")
    units = [unit.name for unit in UNITS]
    told = (
        columns.names(table, "unit").array().reshape(-1, len(units)) if len(table) % len(units) == 0 else None
    )
    if told is None or not (told == np.array(units)).all():
        raise DataError(f"dataset {dataset.name}: {TABLE} is of another grid", "simulate it again")
    substation = substations.read(dataset.substation)
    dealt = sorted(substations.names())
    mine = np.flatnonzero(np.arange(len(told)) % len(dealt) == dealt.index(substation.name))
    if not mine.size:
        raise DataError(
            f"dataset {dataset.name}: no hour of {TABLE} is left", "raise grid_hours in the profile"
        )
    of_units = {name: columns.floats(table, name).reshape(-1, len(units))[mine] for name in _OF_UNITS}
    of_hours = {name: columns.floats(table, name)[:: len(units)][mine] for name in _OF_HOURS}
    load_mw, load_mvar = (
        columns.floats_or_lists(table, name)[:: len(units)][mine] for name in ("bus_load_mw", "bus_load_mvar")
    )
    t = columns.seconds(table)[:: len(units)][mine].astype(np.float64)
    day = day_of(t, start, substation.utc_offset_s)
    sent = np.concatenate(
        [
            of_units["available_mw"],
            of_units["cost_per_mwh"][:, len(PARKS) :],
            load_mw[:, [bus - 1 for bus in OWN_LOADS]],
        ],
        axis=1,
    )
    congested = of_hours["congested"] > 0.5
    point = next(point for point in substation.points if point.kind == "system")
    found = dict(zip(SENT, sent.T, strict=True))
    computed = dispatch.compute(sent, of_hours[SYSTEM])
    found |= {feature.name: computed[:, k] for k, feature in enumerate(dispatch.FEATURES)}
    found[SYSTEM] = of_hours[SYSTEM]
    rows = Rows(
        columns=definition.columns,
        X=np.stack([found[name] for name in definition.columns], axis=1),
        truth={
            "optimum_mw": of_units["ac_opf_mw"],
            "lossless_mw": of_units["lossless_mw"],
            "optimum_cost": of_hours["ac_opf_cost"],
            "bus_mvar": load_mvar,
            "congested": congested,
            "counted": np.ones(t.size, dtype=bool),
            "counted_congested": congested,
        },
        substation=Names(np.zeros(t.size, dtype=np.int64), (substation.name,)),
        episode=Names.of([f"{substation.name}.day-{one:04d}" for one in day]),
        kind=Names(congested.astype(np.int64), SLICES),
        point=Names(np.zeros(t.size, dtype=np.int64), (point.id,)),
        point_kind=Names(np.zeros(t.size, dtype=np.int64), (str(point.kind),)),
        t=t,
        split=split_of_day(day),
    )
    if substation.role != "held_out":
        rows = _with_others(rows, generator(dataset.name, definition.name, "offers"))
    rows = _solved(rows)
    _log.info("%s, %s: %d rows, %d of them hours", definition.name, dataset.name, len(rows), mine.size)
    return Built(rows, len(every) // len(units), 0, len(every) // len(units) - len(told))


def _with_others(rows: Rows, rng: np.random.Generator) -> Rows:
    """Rows with further ones: training hours with parks, plants and costs each of another training hour."""
    own = np.flatnonzero(rows.split == TRAIN)
    wanted = TAUGHT - own.size
    if wanted <= 0 or own.size < 2:
        return rows
    hours = rows.select(rng.choice(own, wanted))
    at = {name: k for k, name in enumerate(rows.columns)}
    sent, system = hours.inputs(SENT), hours.column(SYSTEM)
    for group in (dispatch.PARK_MW, dispatch.PLANT_MW, dispatch.COST):
        where = [SENT.index(name) for name in group]
        sent[:, where] = rows.inputs(group)[rng.choice(own, wanted)]
    plants = sent[:, [SENT.index(name) for name in (*dispatch.PARK_MW, *dispatch.PLANT_MW)]].sum(axis=1)
    served = plants > 1.05 * system
    computed = dispatch.compute(sent, system)
    X = hours.X.copy()
    X[:, [at[feature.name] for feature in dispatch.FEATURES]] = computed
    none = np.zeros(wanted, dtype=bool)
    truth = {**hours.truth, "counted": none, "counted_congested": none, "congested": none}
    truth["optimum_mw"], truth["lossless_mw"] = (computed[:, dispatch.OFFERED :] for _ in range(2))
    truth["optimum_cost"] = dispatch.offers_of(sent).cost_per_h(computed[:, dispatch.OFFERED :])
    others = Rows(
        columns=hours.columns, X=X, truth=truth, substation=hours.substation, episode=hours.episode,
        kind=Names(none.astype(np.int64), SLICES), point=hours.point, point_kind=hours.point_kind, t=hours.t,
        split=hours.split,
    )  # fmt: skip
    return concatenate([rows, others.select(served)])


def _solved(rows: Rows) -> Rows:
    """Rows with the AC power flow of their lossless dispatch; those for which there is none are left out."""
    current = np.full((len(rows), len(LINE_NAMES)), np.nan)
    loss = np.full(len(rows), np.nan)
    kept = np.ones(len(rows), dtype=bool)
    p_mw, load_mw, load_mvar = rows.inputs(dispatch.LOSSLESS_MW), bus_loads(rows), bus_mvar(rows)
    for row in np.flatnonzero(rows.split != TEST):
        flow = resolver().solve(p_mw[row], load_mw[row], load_mvar[row])
        if flow is None:
            kept[row] = False
            continue
        current[row], loss[row] = flow.current_pu, flow.loss_mw
    truth = {**rows.truth, "current_pu": current, "loss_mw": loss}
    return replace(rows, truth=truth).select(kept)


def bus_loads(rows: Rows) -> Float:
    """Load of each bus, MW, [n, buses]."""
    return dispatch.loads_of(rows.inputs(SENT), rows.column(SYSTEM))


def bus_mvar(rows: Rows) -> Float:
    """Reactive load of each bus, Mvar, [n, buses]."""
    return np.asarray(rows.truth["bus_mvar"], dtype=np.float64).reshape(-1, BUSES)
