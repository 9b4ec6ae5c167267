"""What came in steps of ten minutes at points, as the voltage events' models and their rivals read it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.rows import Rows

Float = NDArray[np.float64]


def happened(rows: Rows) -> NDArray[np.bool_]:
    """Steps in which an event comes, bool [n]."""
    return np.asarray(rows.truth["event"], dtype=bool)


def weight_of(rows: Rows) -> Float:
    """How many steps of the station's points each row stands for, [n]."""
    return np.asarray(rows.truth["weight"], dtype=np.float64)


def comes_of(rows: Rows, cause: int) -> NDArray[np.bool_]:
    """Steps in which an event of a cause comes, bool [n]."""
    found: NDArray[np.bool_] = happened(rows) & (np.asarray(rows.truth["code"], dtype=np.int64) == cause)
    return found


def ln_depth(rows: Rows) -> Float:
    """Logarithm of the depth in %; 0 without an event."""
    found: Float = np.log(np.maximum(np.asarray(rows.truth["depth_pct"], dtype=np.float64), 1.0))
    return found
