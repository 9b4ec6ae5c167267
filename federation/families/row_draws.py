"""How often a row is drawn for a tree, decided by the row itself.

The number comes from a digest of the row's values and of the tree, turned into a Poisson number (Hanley and
MacGibbon, "Creating non-parametric bootstrap samples using Poisson frequencies", 2006). No site needs to know
how many rows the others have, or to agree with them on an order; the same rows are drawn wherever they lie.
Digests never leave a site.
"""

from __future__ import annotations

from math import exp

import numpy as np
from numpy.typing import NDArray

MOST_DRAWS = 16
"""Largest number of times that a row is drawn for one tree; of a mean of at most 1, more are never seen."""

Digests = NDArray[np.uint64]


def digests(values: NDArray[np.float64]) -> Digests:
    """A digest of each row of `values` [n, columns], [n]; missing values (NaN) are all alike."""
    bits = np.where(np.isnan(values), np.inf, values + 0.0).view(np.uint64)
    found = np.zeros(values.shape[0], dtype=np.uint64)
    for column in bits.T:
        found = _mixed(found ^ column)
    return found


def draws(rows: Digests, tree: int, mean: float) -> NDArray[np.int64]:
    """How often each row is drawn, int64 [n].

    Args:
        rows: Digests of the rows.
        tree: A number that differs from tree to tree, below 2⁶⁴.
        mean: Mean of the draws, at most 1.
    """
    uniform = (_mixed(_mixed(rows ^ np.uint64(tree))) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    chance, below = exp(-mean), np.zeros(MOST_DRAWS)
    total = 0.0
    for count in range(MOST_DRAWS):
        total += chance
        below[count] = total
        chance *= mean / (count + 1)
    found: NDArray[np.int64] = np.searchsorted(below, uniform, side="right")
    return found


def _mixed(values: Digests) -> Digests:
    """The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), one step on."""
    z = values + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    found: Digests = z ^ (z >> np.uint64(31))
    return found
