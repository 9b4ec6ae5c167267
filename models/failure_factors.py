"""What raises the risk of a failure: the factor of each input, and which contributions are worth naming."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import features as catalogue
from features.context import condition

Float = NDArray[np.float64]

MOST_FACTORS, LEAST = 5, 0.02
"""Factors that are named, and the contribution to the logit that makes one worth naming."""

_OF_GROUP = {"voltage": "voltage", "current": "current", "quality": "power_quality", "balance": "balance"}
_OF_FEATURE = {
    "anomalies_24h": "anomalies",
    "asset_anomalies_7d": "anomalies",
    "asset_anomalies_30d": "anomalies",
    "asset_anomaly_trend_week": "anomalies",
    "asset_anomaly_trend_day": "anomalies",
    "maintenance_age_h": "maintenance",
    "asset_age_y": "age",
    "asset_kind_code": "equipment_kind",
    "ambient_c": "temperature",
    "asset_hot_spot_c": "temperature",
    "asset_load_pu": "load",
    "asset_through_faults": "through_faults",
    "asset_moisture_pct": "moisture",
    "asset_oltc_operations": "switching_operations",
    "asset_breaker_operations": "switching_operations",
    "asset_h2_ppm": "hydrogen",
    "asset_ch4_ppm": "methane",
    "asset_c2h2_ppm": "acetylene",
    "asset_c2h4_ppm": "ethylene",
    "asset_co_ppm": "carbon_monoxide",
}
"""Factor that each input belongs to; those of the readings belong to their group's."""

CONDITION = tuple(_OF_FEATURE)
"""Inputs that say how a piece of equipment is."""

READINGS = tuple(one.name for one in catalogue.CATALOGUE if one.group in _OF_GROUP)
"""Inputs from readings, where they are there."""

_GROUP_OF = {one.name: _OF_GROUP[one.group] for one in catalogue.CATALOGUE if one.group in _OF_GROUP}
FACTORS = tuple(dict.fromkeys((*_OF_FEATURE.values(), *_OF_GROUP.values())))
TRACES = ("anomalies", *(_OF_FEATURE[f"asset_{gas}"] for gas in condition.GASES), *_OF_GROUP.values())
"""Factors in which a growing defect shows."""


def place_of(name: str) -> int:
    """Place in `FACTORS` of an input's factor."""
    return FACTORS.index(_OF_FEATURE.get(name) or _GROUP_OF[name])


def largest(contributions: Float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Factors of each row, largest contribution first, and how many of them are worth naming."""
    order: NDArray[np.int64] = np.argsort(-contributions, axis=1, kind="stable")
    return order, (contributions >= LEAST).sum(axis=1)
