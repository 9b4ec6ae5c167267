"""Condition of one piece of equipment: what it is, its age, its anomalies, and what its oil says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from data_contracts.wire import Item
from data_contracts.wire.request import AssetKind
from features.declaration import DEFINITION, Feature
from features.windows import Windows

Float = NDArray[np.float64]

GROUP = "condition"
ABSENT = "NaN when it was not sent"
EVERY = "NaN unless all of them were sent"

KINDS: tuple[str, ...] = get_args(AssetKind)
"""What a piece of equipment can be; its place is its code."""

USUAL_PER_D = 0.3
"""Anomalies a day of sound equipment, added to counts so that ratios of small ones mean little."""

_WEEK, _MONTH, _COUNT = (
    "context.condition.anomalies_7d",
    "context.condition.anomalies_30d",
    "context.anomalies_24h",
)

GASES = ("h2_ppm", "ch4_ppm", "c2h2_ppm", "c2h4_ppm", "co_ppm")
_GAS = dict(zip(GASES, ("hydrogen", "methane", "acetylene", "ethylene", "carbon monoxide"), strict=True))


def _value(name: str, unit: str, text: str, field: str, source: str = DEFINITION) -> Feature:
    return Feature(name, GROUP, unit, text, source, (f"context.condition.{field}",), ABSENT, 0)


VALUES = {
    "asset_age_y": ("age_years", "a", "age of the piece that stands there"),
    "asset_anomalies_7d": ("anomalies_7d", "1", "anomalies of the last seven days in service"),
    "asset_anomalies_30d": ("anomalies_30d", "1", "anomalies of the last thirty days in service"),
    "asset_load_pu": ("load_pu", "pu", "mean load of the last day over rated load"),
    "asset_hot_spot_c": ("hot_spot_c", "°C", "largest hot-spot of the last day, or hottest conductor"),
    "asset_through_faults": ("through_faults", "1", "faults whose current has passed through it"),
    "asset_moisture_pct": ("moisture_pct", "%", "water in paper"),
    "asset_oltc_operations": ("oltc_operations", "1", "tap changes so far"),
    "asset_breaker_operations": ("breaker_operations", "1", "operations so far"),
}
"""Field of the request, unit and meaning of each feature that is a value as sent."""

FEATURES = (
    _value(
        "asset_kind_code", "1", "what it is: " + ", ".join(f"{k} {name}" for k, name in enumerate(KINDS)),
        "asset_kind",
    ),
    *(_value(name, unit, text, field) for name, (field, unit, text) in VALUES.items()),
    *(
        _value(f"asset_{gas}", "ppm", f"{_GAS[gas]} dissolved in its oil", f"dga.{gas}", "IEC 60599")
        for gas in GASES
    ),
    Feature(
        "asset_anomaly_trend_week", GROUP, "1",
        f"ln((a_7d/7 + {USUAL_PER_D:g}) / ((a_30d − a_7d)/23 + {USUAL_PER_D:g})), a_k anomalies of k days",
        DEFINITION, (_WEEK, _MONTH), EVERY, 0,
    ),
    Feature(
        "asset_anomaly_trend_day", GROUP, "1", "ln((a_24h + 1) / ((a_30d − a_7d)/23 + 1))",
        DEFINITION, (_COUNT, _WEEK, _MONTH), EVERY, 0,
    ),
)  # fmt: skip

FIELDS: tuple[str, ...] = (
    "asset_kind_code", *VALUES, *(f"asset_{gas}" for gas in GASES), "anomalies_24h",
)  # fmt: skip
"""Columns that `compute` reads."""


def compute(values: Mapping[str, Float]) -> Float:
    """Features of n pieces on one day each, float64 [n, len(FEATURES)].

    Args:
        values: The columns `FIELDS`, [n] each; NaN where one is not known.
    """
    day = values["anomalies_24h"]
    week, month = values["asset_anomalies_7d"], values["asset_anomalies_30d"]
    # The week is part of the month; a smaller month is a gateway's mistake and says nothing of earlier days.
    older = np.where(month >= week, month - week, np.nan) / 23.0
    trends = {
        "asset_anomaly_trend_week": np.log((week / 7.0 + USUAL_PER_D) / (older + USUAL_PER_D)),
        "asset_anomaly_trend_day": np.log((day + 1.0) / (older + 1.0)),
    }
    return np.stack(
        [trends[one.name] if one.name in trends else values[one.name] for one in FEATURES], axis=1
    )


def code_of(kinds: Sequence[str]) -> Float:
    """Code of each kind, NaN where it is none of `KINDS`, float64 [n]."""
    place = {name: float(code) for code, name in enumerate(KINDS)}
    return np.array([place.get(kind, np.nan) for kind in kinds], dtype=np.float64)


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of n items, float64 [n, len(FEATURES)]."""
    del windows
    values = {name: np.full(len(items), np.nan) for name in FIELDS}
    for row, item in enumerate(items):
        context = item.context
        if context is UNSET or context.condition is UNSET:
            continue
        if context.anomalies_24h is not UNSET:
            values["anomalies_24h"][row] = context.anomalies_24h
        given = context.condition
        if given.asset_kind is not UNSET:
            values["asset_kind_code"][row] = KINDS.index(given.asset_kind)
        for name, (field, _, _) in VALUES.items():
            value = getattr(given, field)
            if value is not UNSET:
                values[name][row] = value
        if given.dga is not UNSET:
            for gas in GASES:
                value = getattr(given.dga, gas)
                if value is not UNSET:
                    values[f"asset_{gas}"][row] = value
    return compute(values)
