"""What is permitted at the measurement point's voltage level, as the published index of quality reads it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_contracts.level_limits import FIGURES, LEVELS_KV, published
from data_contracts.quality_index import F_LIMIT_SHARE
from data_contracts.wire import Item
from features.declaration import Feature
from features.windows import Windows

Float = NDArray[np.float64]

GROUP = "limits"

_KNOWN = f"NaN unless the nominal voltage is {', '.join(f'{level:g}' for level in LEVELS_KV)} kV"


def _limit(name: str, unit: str, text: str, source: str, missing: str = _KNOWN) -> Feature:
    return Feature(name, GROUP, unit, text, source, (), missing, 0)


FEATURES = (
    _limit("v_min_limit_pu", "pu", "lowest permitted voltage of the level", "IEGC 2010"),
    _limit("v_max_limit_pu", "pu", "highest permitted voltage of the level", "IEGC 2010"),
    _limit("vuf_limit_pct", "%", "limit of the unbalance at the level", "CEA Grid Standards 2010"),
    _limit("thd_limit_pct", "%", "limit of the total harmonic distortion at the level", "IEEE 519-2014"),
    _limit("harmonic_limit_pct", "%", "limit of a single harmonic at the level", "IEEE 519-2014"),
    _limit("pst_limit", "1", "planning level of the flicker severity at the level", "IEC TR 61000-3-7"),
    _limit(
        "f_dev_limit_hz", "Hz", f"{F_LIMIT_SHARE:g} · nominal frequency", "EN 50160",
        "nothing: needs the point's nominals only",
    ),
)  # fmt: skip


def compute(v_nom_v: Float, f_nom_hz: Float) -> Float:
    """Limits of n points, float64 [n, features].

    Args:
        v_nom_v: Nominal phase-to-neutral voltage, V, [n].
        f_nom_hz: Nominal frequency, Hz, [n].
    """
    found = published(v_nom_v * np.sqrt(3.0) / 1e3, f_nom_hz)
    return np.stack([getattr(found, name) for name in FIGURES], axis=1)


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Limits at the points of n items, float64 [n, features]."""
    del items
    return compute(windows.v_nom_v, windows.f_nom_hz)
