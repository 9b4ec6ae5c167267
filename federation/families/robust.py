"""Weights of several sites as one, so that a single site can move them only so far.

Each coordinate is looked at on its own. What a site counts for does not depend on how many rows it says that
it has: n_k is the site's own word.

Source: Yin, Chen, Ramchandran, Bartlett, "Byzantine-Robust Distributed Learning: Towards Optimal Statistical
Rates", ICML 2018, definitions 1 (median) and 2 (trimmed mean).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from federation.terms import Aggregation

TRIM = 0.2
"""Share of the sites that the trimmed mean leaves out at either end; one of five."""


def combined(
    parts: NDArray[np.float64], shares: NDArray[np.float64], aggregation: Aggregation
) -> NDArray[np.float64]:
    """One array from those of the sites.

    Args:
        parts: One array a site, float64 [sites, …].
        shares: n_k / n, float64 [sites]; read by `mean` alone.
        aggregation: `mean` weighs by `shares`; `trimmed_mean` leaves the ⌊0.2·sites⌋ smallest and largest
            values of each coordinate out; `median` takes the middle one, or the mean of the two there.

    Returns:
        float64 […].
    """
    if aggregation == "mean":
        total = np.zeros(parts.shape[1:])
        # In the given order: a matrix product's last bits depend on the library.
        for part, share in zip(parts, shares, strict=True):
            total += share * part
        return total
    if aggregation == "median":
        middle: NDArray[np.float64] = np.median(parts, axis=0)
        return middle
    cut = int(TRIM * len(parts))
    kept = np.sort(parts, axis=0)[cut : len(parts) - cut]
    mean: NDArray[np.float64] = kept.mean(axis=0)
    return mean
