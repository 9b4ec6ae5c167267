"""Rows of the table `assets`: a piece of equipment on one day, with a window of readings where there is one.

Of every piece each `STRIDE_D`-th day is a row, so that shares of rows are shares of days. Days that an
episode of kind `ageing` played come once more, with the features of its last window at the piece's point and
with the weight that restores the base rate among such episodes (`simulation.ageing.sampling`).

A piece is in one split with all its days: neither a failure nor anything else that only one piece has can be
known from training. Pieces are dealt to the splits in turn, kind by kind. An episode is one spell in service.
"""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import features
from data_contracts.dataset import Dataset, kind_of
from features.context import condition
from models import columns
from models.dataset import Built
from models.errors import DataError
from models.protocol import Definition
from models.ranking import FAILED, FAILS, TIME_D, TRUE_RANK, TRUE_RISK, WEIGHT, logit
from models.rows import Names, Rows
from models.splits import BLOCK_DAYS, day_of, split_of_day
from substations import read as read_substation
from substations.description import Substation
from switchyard.identity import generator
from switchyard.log import get_logger

if TYPE_CHECKING:
    import pyarrow as pa

TABLE, KIND = "assets", "ageing"
STRIDE_D = 5
ASSET_DAY = "asset_day"
"""Slice of the rows without readings."""

HIDDEN = 0.1
"""Share of rows in which what a gateway may not know is left out, so that the model has met that."""

GROWN = 0.5
"""Severity from which on a defect shows."""

SOONEST_D = 0.02

Float = NDArray[np.float64]
Int = NDArray[np.int64]

COLUMNS = {
    "maintenance_age_h": ("maintenance_age_d", 24.0),
    "ambient_c": ("ambient_c", 1.0),
    "anomalies_24h": ("anomalies_24h", 1.0),
    "asset_age_y": ("age_years", 1.0),
    "asset_anomalies_7d": ("anomalies_7d", 1.0),
    "asset_anomalies_30d": ("anomalies_30d", 1.0),
    "asset_load_pu": ("load_pu", 1.0),
    "asset_hot_spot_c": ("hot_spot_c", 1.0),
    "asset_through_faults": ("through_faults_total", 1.0),
    "asset_moisture_pct": ("moisture_pct", 1.0),
    "asset_oltc_operations": ("oltc_operations", 1.0),
    "asset_breaker_operations": ("breaker_operations", 1.0),
    **{f"asset_{gas}": (gas, 1.0) for gas in condition.GASES},
}
"""Column of the table behind each input, and what makes it the feature's unit."""

_MAY_BE_UNKNOWN = ("ambient_c", "asset_load_pu", "asset_hot_spot_c", "asset_through_faults")
_TRUTH = ("defect_severity", "risk_30d", "time_to_event_d", "failed", "failed_within_30d", "spell")
_log = get_logger("models.asset_rows")


def build(dataset: Dataset, definition: Definition[Any], start: date) -> Built:
    """Days of the equipment whose next thirty days are known, with and without readings.

    Args:
        dataset: Contracted tables; features of `ageing` episodes where the campaign has them.
        definition: The model that the rows are for.
        start: The campaign's first local date.

    Raises:
        DataError: No day is left, or a played day is not in the table.
    """
    substation = read_substation(dataset.substation)
    read = {source for source, _ in COLUMNS.values()}
    table = dataset.read(TABLE, columns=["asset", "t", "kind", *sorted(read), *_TRUTH])
    asset = columns.names(table, "asset")
    t = columns.seconds(table)
    fails = columns.floats(table, "failed_within_30d")
    day = day_of(t.astype(np.float64), start, substation.utc_offset_s)
    rank = _ranks(asset, columns.names(table, "kind"))[asset.codes]
    known = np.isfinite(fails)
    regular = np.flatnonzero(known & ((day + 2 * rank) % STRIDE_D == 0))
    played, windows, weight, point = _played(dataset, asset, t)
    labelled = known[played]
    played, windows = played[labelled], windows[labelled]
    weight, point = weight[labelled], [name for name, kept in zip(point, labelled, strict=True) if kept]
    at = np.concatenate([regular, played])
    if not at.size:
        raise DataError(
            f"dataset {dataset.name}: no day of {TABLE} has its next thirty days observed",
            "simulate more days",
        )
    X = inputs(definition, table, at, generator(dataset.name, definition.name, "hidden"))
    of_window = [k for k, name in enumerate(definition.columns) if name in features.INDEX]
    X[regular.size :, of_window] = windows[:, [features.INDEX[definition.columns[k]] for k in of_window]]
    risk = columns.floats(table, "risk_30d")[at]
    truth: dict[str, NDArray[np.generic]] = {
        WEIGHT: np.concatenate([np.ones(regular.size), weight]),
        FAILS: fails[at] > 0,
        TIME_D: np.maximum(columns.floats(table, "time_to_event_d")[at], SOONEST_D),
        FAILED: columns.floats(table, "failed")[at] > 0,
        TRUE_RISK: risk,
        TRUE_RANK: logit(risk),
        "grown": columns.floats(table, "defect_severity")[at] >= GROWN,
    }
    own = _points(substation, asset)
    points = [own[code] for code in asset.codes[regular]] + point
    kinds = {one.id: str(one.kind) for one in substation.points}
    spell = columns.floats(table, "spell")[at].astype(np.int64)
    rows = Rows(
        columns=definition.columns,
        X=X,
        truth=truth,
        substation=Names(np.zeros(at.size, dtype=np.int64), (substation.name,)),
        episode=Names.of(
            [
                f"{substation.name}/{asset.texts[code]}/{number}"
                for code, number in zip(asset.codes[at], spell, strict=True)
            ]
        ),
        kind=Names(np.repeat(np.arange(2), [regular.size, played.size]).astype(np.int64), (ASSET_DAY, KIND)),
        point=Names.of(points),
        point_kind=Names.of([kinds[name] for name in points]),
        t=t[at].astype(np.float64),
        split=split_of_day((7 * rank[at]) % BLOCK_DAYS),
    )
    _log.info(
        "%s, %s: %d days of equipment, %d with readings, %.2f %% fail within thirty days",
        definition.name, dataset.name, regular.size, played.size,
        100.0 * float(np.average(fails[at] > 0, weights=np.asarray(truth[WEIGHT], dtype=np.float64))),
    )  # fmt: skip
    return Built(rows, int(at.size), 0, int((~labelled).sum()))


def _ranks(asset: Names, kind: Names) -> Int:
    """Place of each piece when they are sorted by kind and name, by code of the piece."""
    kind_of_piece = np.zeros(len(asset.texts), dtype=np.int64)
    kind_of_piece[asset.codes] = kind.codes
    order = sorted(
        range(len(asset.texts)), key=lambda code: (kind.texts[kind_of_piece[code]], asset.texts[code])
    )
    ranks = np.zeros(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order))
    return ranks


def inputs(definition: Definition[Any], table: pa.Table, at: Int, rng: np.random.Generator | None) -> Float:
    """The definition's columns at rows `at` of the table, [n, columns]; window features are NaN.

    With `rng` what a gateway may not know is left out of a share `HIDDEN` of the rows.
    """
    values = {name: columns.floats(table, source)[at] * unit for name, (source, unit) in COLUMNS.items()}
    if rng is not None:
        for name in _MAY_BE_UNKNOWN:
            values[name] = np.where(rng.random(at.size) < HIDDEN, np.nan, values[name])
    kind = columns.names(table, "kind").take(at)
    values["asset_kind_code"] = condition.code_of(kind.texts)[kind.codes]
    # A day's counts without the thirty days before it leave nothing to compare: NaN, without a warning.
    with np.errstate(invalid="ignore", divide="ignore"):
        of_piece = condition.compute(values)
    values |= {one.name: of_piece[:, k] for k, one in enumerate(condition.FEATURES)}
    nothing = np.full(at.size, np.nan)
    return np.stack([values.get(name, nothing) for name in definition.columns], axis=1)


def _played(dataset: Dataset, asset: Names, t: Int) -> tuple[Int, Float, Float, list[str]]:
    """Days that were played: row in the table, features of the last window, weight and point, n of each.

    Raises:
        DataError: A played day is not in the table.
    """
    none: tuple[Int, Float, Float, list[str]] = (
        np.zeros(0, dtype=np.int64), np.zeros((0, len(features.NAMES))), np.zeros(0), [],
    )  # fmt: skip
    if not any(kind_of(file.name) == KIND for file in dataset.files("features")):
        return none
    scenarios = dataset.read("scenarios", columns=["scenario_id", "status", "parameters"], kinds=[KIND])
    drawn = {
        str(name): json.loads(text)
        for name, status, text in zip(
            *(scenarios.column(one).to_pylist() for one in ("scenario_id", "status", "parameters")),
            strict=True,
        )
        if status == "ok"
    }
    table = dataset.read("features", columns=["scenario_id", "point", "t", *features.NAMES], kinds=[KIND])
    scenario, point = columns.names(table, "scenario_id"), columns.names(table, "point")
    wanted = {name: place for place, name in enumerate(point.texts)}
    own = np.array(
        [wanted.get(drawn[name]["point"], -1) if name in drawn else -1 for name in scenario.texts],
        dtype=np.int64,
    )
    mine = np.flatnonzero(point.codes == own[scenario.codes])
    order = mine[np.lexsort((columns.seconds(table)[mine], scenario.codes[mine]))]
    last = order[np.append(np.diff(scenario.codes[order]) != 0, True)] if order.size else order
    chosen = [drawn[scenario.texts[code]] for code in scenario.codes[last]]
    if not chosen:
        return none
    place = {name: code for code, name in enumerate(asset.texts)}
    row_of = {key: row for row, key in enumerate(zip(asset.codes.tolist(), t.tolist(), strict=True))}
    keys = [(place.get(one["asset"], -1), int(one["t_asset"])) for one in chosen]
    strangers = [one for one, key in zip(chosen, keys, strict=True) if key not in row_of]
    if strangers:
        raise DataError(
            f"dataset {dataset.name}: {TABLE} has no row of {strangers[0]['asset']} at "
            f"{strangers[0]['t_asset']}, which an episode played",
            "simulate the dataset again",
        )
    X = np.stack([columns.floats(table, name)[last] for name in features.NAMES], axis=1)
    return (
        np.array([row_of[key] for key in keys], dtype=np.int64),
        X,
        np.array([float(one["weight"]) for one in chosen]),
        [str(one["point"]) for one in chosen],
    )


def _points(substation: Substation, asset: Names) -> list[str]:
    """Measurement point of each piece by code: its bay's, else one of its busbar, else of its voltage."""
    points = [point for point in substation.points if point.kind != "system"]
    by_name = {piece.id: piece for piece in substation.assets}
    strangers = [name for name in asset.texts if name not in by_name]
    if strangers:
        raise DataError(
            f"{TABLE} has {', '.join(strangers[:3])}, which {substation.name} does not describe",
            "simulate again with this description",
        )
    found = []
    for name in asset.texts:
        piece = by_name[name]
        kv = substation.bus(piece.bus).nominal_kv
        found.append(
            min(
                points,
                key=lambda p: (p.id != piece.bay, p.bus != piece.bus, p.kind != "bus", p.nominal_kv != kv),
            ).id
        )
    return found
