"""Which harmonics dominate a voltage, and how far two such lists agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# A harmonic is named as dominant from this share of the fundamental on, three at most, largest first.
LEAST_ORDER_PCT, MOST_ORDERS = 0.3, 3


def dominant(orders_pct: NDArray[np.float64], least_pct: float, most: int) -> NDArray[np.int64]:
    """Places of the largest orders, largest first, int64 [n, most]; -1 where fewer reach `least_pct`.

    Args:
        orders_pct: Harmonics in % of the fundamental, NaN where not known, [n, orders].
        least_pct: Smallest that is named.
        most: Most that are named.
    """
    known = np.where(np.isnan(orders_pct), -np.inf, orders_pct)
    places = np.argsort(-known, axis=1, kind="stable")[:, :most]
    reached = np.take_along_axis(known, places, axis=1) >= least_pct
    return np.where(reached, places, -1).astype(np.int64)


def named_orders(orders_pct: NDArray[np.float64], orders: tuple[int, ...]) -> NDArray[np.int64]:
    """The dominant orders by their numbers, largest first, int64 [n, 3]; 0 where fewer are named."""
    places = dominant(orders_pct, LEAST_ORDER_PCT, MOST_ORDERS)
    return np.where(places >= 0, np.asarray(orders, dtype=np.int64)[places], 0)


def overlap(named: NDArray[np.int64], true: NDArray[np.int64]) -> NDArray[np.float64]:
    """Jaccard index of two sets of orders in each row, float64 [n]; 1 where both are empty.

    Args:
        named: Distinct orders, 0 for none, [n, k].
        true: Likewise.
    """
    both = ((named[:, :, None] == true[:, None, :]) & (named > 0)[:, :, None]).sum(axis=(1, 2))
    either = (named > 0).sum(axis=1) + (true > 0).sum(axis=1) - both
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)
