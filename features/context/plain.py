"""Single values of the context, as they were sent."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from data_contracts.wire import Item
from features.declaration import DEFINITION, Feature
from features.windows import Windows

Float = NDArray[np.float64]

GROUP = "context"
ABSENT = "NaN when it was not sent"


def _value(name: str, unit: str, text: str, path: str) -> Feature:
    return Feature(name, GROUP, unit, text, DEFINITION, (path,), ABSENT)


FEATURES = (
    _value("ambient_c", "°C", "air temperature", "context.ambient_c"),
    _value("top_oil_c", "°C", "top-oil temperature of the bay's transformer", "context.top_oil_c"),
    _value(
        "maintenance_age_h", "h", "hours since the bay's equipment was maintained",
        "context.hours_since_maintenance",
    ),
    _value("anomalies_24h", "1", "anomalies seen at the point in the last 24 h", "context.anomalies_24h"),
    _value("system_load_mw", "MW", "load of the whole grid", "context.system_load_mw"),
    _value("wind_m_s", "m/s", "wind speed", "context.weather.wind_m_s"),
    _value("lightning_per_h", "1/h", "lightning strokes nearby", "context.weather.lightning_per_h"),
    _value("ghi_w_m2", "W/m²", "global horizontal irradiance", "context.weather.ghi_w_m2"),
)  # fmt: skip

_INNER = tuple(
    (column, attrgetter(path.removeprefix("context.")))
    for column, feature in enumerate(FEATURES)
    for path in feature.needs
    if path.count(".") == 1
)
_WEATHER = tuple(
    (column, attrgetter(path.removeprefix("context.weather.")))
    for column, feature in enumerate(FEATURES)
    for path in feature.needs
    if path.startswith("context.weather.")
)


def read(items: Sequence[Item], windows: Windows) -> Float:
    """The values of n items, float64 [n, features]."""
    del windows
    out = np.full((len(items), len(FEATURES)), np.nan)
    for row, item in enumerate(items):
        context = item.context
        if context is UNSET:
            continue
        given = [(column, get(context)) for column, get in _INNER]
        if context.weather is not UNSET:
            given += [(column, get(context.weather)) for column, get in _WEATHER]
        for column, value in given:
            if value is not UNSET:
                out[row, column] = value
    return out
