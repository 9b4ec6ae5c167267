"""How well a partition fits: against the true one, and by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.metrics import Metric, confusion

Float = NDArray[np.float64]
Int = NDArray[np.int64]

MOST_NEIGHBOURS = 2000
"""Rows, evenly spaced among all, to which distances are taken."""

_CHUNK = 2000


def adjusted_rand(name: str, labels: int, answer: str, truth: str) -> Metric:
    """Adjusted Rand index of two partitions given as codes: 1 where they agree, about 0 by chance.

    Source: Hubert and Arabie, "Comparing Partitions", Journal of Classification 2 (1985), eq. 5. It is a
    function of the contingency table, whose cells are sums over rows.
    """

    def value(sums: Float) -> Float:
        cells = sums.reshape(*sums.shape[:-1], labels, labels)
        together = _pairs(cells).sum(axis=(-2, -1))
        true, answered = (_pairs(cells.sum(axis=axis)).sum(axis=-1) for axis in (-1, -2))
        with np.errstate(invalid="ignore", divide="ignore"):
            chance = true * answered / _pairs(cells.sum(axis=(-2, -1)))
            most = 0.5 * (true + answered)
            # A single cluster on both sides leaves nothing to agree on.
            return np.where(most > chance, (together - chance) / (most - chance), np.nan)

    return Metric(name, "higher", confusion(labels, answer, truth), value, (answer,))


def silhouettes(points: Float, codes: Int) -> Float:
    """Silhouette of each row, float64 [n]: (b − a) / max(a, b), 0 where a row is alone in its cluster.

    a is the mean distance to the row's own cluster, b that to the nearest other one. Source: Rousseeuw,
    "Silhouettes", Journal of Computational and Applied Mathematics 20 (1987). Of more than `MOST_NEIGHBOURS`
    rows, an even sample of them stands for the clusters.

    Args:
        points: Rows in the space in which distances count, [n, k].
        codes: Cluster of each, from 0, [n].
    """
    n = len(points)
    sample = np.unique(np.linspace(0, n - 1, min(n, MOST_NEIGHBOURS)).round().astype(np.int64))
    member = np.eye(int(codes.max(initial=0)) + 1)[codes]
    there = member[sample].sum(axis=0)
    itself = np.zeros(n)
    itself[sample] = 1.0
    total = np.concatenate(
        [_apart(points[at : at + _CHUNK], points[sample]) @ member[sample] for at in range(0, n, _CHUNK)]
    )
    row = np.arange(n)
    others = there[codes] - itself
    with np.errstate(invalid="ignore", divide="ignore"):
        own = total[row, codes] / others
        apart = np.where((member > 0) | (there == 0), np.inf, total / there)
        nearest = apart.min(axis=1)
        found = (nearest - own) / np.maximum(own, nearest)
    return np.where((others > 0) & np.isfinite(nearest), found, 0.0)


def _apart(points: Float, others: Float) -> Float:
    """Distances of every point [n, k] to every other one [m, k], [n, m]."""
    squares = (points**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2.0 * (points @ others.T)
    found: Float = np.sqrt(np.maximum(squares, 0.0))
    return found


def _pairs(count: Float) -> Float:
    found: Float = 0.5 * count * (count - 1.0)
    return found
