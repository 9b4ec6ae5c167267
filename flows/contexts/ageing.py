"""Condition of a piece of equipment on the day that an episode plays, from the table `assets`."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import numpy as np

from data_contracts.dataset import Dataset
from features.context import condition
from flows.contexts.told import Told
from models import columns
from models.asset_rows import TABLE
from models.splits import BLOCK_DAYS, TEST, split_of_day
from substations.description import Substation

HOURS_OF_DAY = 24.0
FIELDS = {
    "age_years": "age_years",
    "anomalies_7d": "anomalies_7d",
    "anomalies_30d": "anomalies_30d",
    "load_pu": "load_pu",
    "hot_spot_c": "hot_spot_c",
    "through_faults": "through_faults_total",
    "moisture_pct": "moisture_pct",
    "oltc_operations": "oltc_operations",
    "breaker_operations": "breaker_operations",
}
"""Column of the table by field of `context.condition`."""

OTHERS = ("maintenance_age_d", "anomalies_24h", "ambient_c")
TRUTH = ("failed_within_30d", "risk_30d")


def ageings(
    dataset: Dataset, substation: Substation, start: date, episodes: Collection[str]
) -> dict[str, Told]:
    """Condition of the piece of each episode of the kind `ageing`, and whether it failed within thirty days.

    Left out are pieces that were trained on, and days whose next thirty are not known.
    """
    del substation, start
    table = dataset.read("scenarios", columns=["scenario_id", "parameters"])
    texts = (columns.names(table, name).array() for name in ("scenario_id", "parameters"))
    drawn = {str(name): json.loads(str(text)) for name, text in zip(*texts, strict=True) if name in episodes}
    tested = _test_pieces(dataset)
    wanted = {name: one for name, one in drawn.items() if one["asset"] in tested}
    days = _days(dataset, {(one["asset"], int(one["t_asset"])) for one in wanted.values()})
    found = {}
    for name, drawing in wanted.items():
        day = days.get((drawing["asset"], int(drawing["t_asset"])))
        if day is not None and all(day[one] is not None for one in TRUTH):
            truth = {one: day[one] for one in TRUTH}
            found[name] = Told(drawing["point"], _context(drawing["asset"], day), truth)
    return found


def _test_pieces(dataset: Dataset) -> set[str]:
    """Pieces of the test split; they are dealt to the splits by kind and name (`models.asset_rows`)."""
    table = dataset.read(TABLE, columns=["asset", "kind"])
    both = zip(columns.names(table, "kind").array(), columns.names(table, "asset").array(), strict=True)
    ranked = sorted({(str(kind), str(asset)) for kind, asset in both})
    split = split_of_day(7 * np.arange(len(ranked), dtype=np.int64) % BLOCK_DAYS)
    return {asset for (_, asset), of in zip(ranked, split, strict=True) if of == TEST}


def _days(dataset: Dataset, keys: Collection[tuple[str, int]]) -> dict[tuple[str, int], Mapping[str, Any]]:
    """Rows of the table by piece and Unix second."""
    import pyarrow as pa
    import pyarrow.compute as pc

    read = ["asset", "t", *FIELDS.values(), *condition.GASES, *OTHERS, *TRUTH]
    table = dataset.read(TABLE, columns=read)
    own = table.filter(pc.is_in(table["asset"], pa.array(sorted({asset for asset, _ in keys}), pa.string())))
    rows = ((row["asset"], int(row["t"].timestamp()), row) for row in own.to_pylist())
    return {(asset, t): row for asset, t, row in rows if (asset, t) in keys}


def _context(asset: str, day: Mapping[str, Any]) -> dict[str, Any]:
    """What the day's row says, in the request's words; what the piece does not have is left out."""
    known: dict[str, Any] = {field: day[column] for field, column in FIELDS.items()}
    known["dga"] = {gas: round(day[gas], 2) for gas in condition.GASES if day[gas] is not None}
    return {
        "asset": asset,
        "ambient_c": round(day["ambient_c"], 2),
        "hours_since_maintenance": round(HOURS_OF_DAY * day["maintenance_age_d"], 1),
        "anomalies_24h": day["anomalies_24h"],
        "condition": {
            field: round(value, 4) if isinstance(value, float) else value
            for field, value in known.items()
            if value is not None and value != {}
        },
    }
