"""What grid codes and standards permit at a voltage level; the one place of these figures.

A substation's description states its own limits; those of this project take them from the same sources. These
hold where only a point's nominals are known.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from data_contracts.quality_index import F_LIMIT_SHARE, Limits, pst_limit

Floats = NDArray[np.float64]

_NEAR = 1e-3


# Lowest and highest voltage, pu (IEGC 2010); unbalance, % (CEA Grid Standards 2010); total distortion and
# single harmonic, % (IEEE 519-2014, table 1); by nominal line-to-line voltage, kV.
_PUBLISHED = {
    33.0: (0.909091, 1.09091, 3.0, 5.0, 3.0),
    220.0: (0.9, 1.11364, 2.0, 1.5, 1.0),
    400.0: (0.95, 1.05, 1.5, 1.5, 1.0),
}
LEVELS_KV = tuple(_PUBLISHED)
"""Nominal line-to-line voltages with limits."""

FIGURES = tuple(each.name for each in fields(Limits))


def published(nominal_kv: Floats, frequency_hz: Floats) -> Limits:
    """Limits at points of known nominals, each [n]; at a level that is not listed all but the last are NaN.

    Args:
        nominal_kv: Nominal line-to-line voltages, kV, [n].
        frequency_hz: Nominal frequencies, Hz, [n].
    """
    found = np.full((len(FIGURES), nominal_kv.size), np.nan)
    for level, figures in _PUBLISHED.items():
        here = np.abs(nominal_kv / level - 1.0) <= _NEAR
        found[:-1, here] = np.array([*figures, pst_limit(level)])[:, None]
    found[-1] = F_LIMIT_SHARE * frequency_hz
    return Limits(*found)
