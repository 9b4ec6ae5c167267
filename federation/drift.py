"""How far the substations' inputs lie apart, from what the round of moments tells anyway.

No further data leave a site for it. For each input the 2-Wasserstein distance between the normal distribution
with a site's mean and standard deviation and that with those of all rows, in standard deviations of all rows:

    d² = ((μ_k − μ)² + (σ_k − σ)²) / σ²

Distributions of whatever shape with these moments lie at least as far apart (Gelbrich, "On a Formula for the
L² Wasserstein Metric between Measures on Euclidean and Hilbert Spaces", Mathematische Nachrichten 147, 1990),
so that d says how much the sites differ at least. It sees means and spreads of inputs, one input at a time:
not how inputs hang together, and not whether the same input means the same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from federation.message import State, Update
from federation.moments import ColumnMoments

PHASE = "moments"


class InputDrift(msgspec.Struct, frozen=True):
    """How far the substations lie apart in one input.

    Attributes:
        input: Its name.
        distance: d by substation, in standard deviations of all rows.
        shift: (μ_k − μ) / σ by substation.
        spread: σ_k / σ by substation.
    """

    input: str
    distance: dict[str, float]
    shift: dict[str, float]
    spread: dict[str, float]

    @property
    def largest(self) -> tuple[float, str]:
        """The largest distance and whose it is."""
        return max((distance, site) for site, distance in self.distance.items())


def moments_told(state: State, updates: Mapping[str, Update]) -> dict[str, ColumnMoments]:
    """Mean and squares of each site's columns, where `state` asked for them; else empty."""
    if state.header.get("phase") != PHASE:
        return {}
    return {
        site: _columns(state, update)
        for site, update in updates.items()
        if {"mean", "m2"} <= update.arrays.keys()
    }


def _columns(state: State, update: Update) -> ColumnMoments:
    # Where the columns are asked for in another shape too, the plain ones are the inputs.
    plain = "raw_" if "raw_mean" in update.arrays else ""
    mean, m2 = update.array(f"{plain}mean"), update.array(f"{plain}m2")
    settings = state.header.get("settings", {})
    # A row of a sequence is as many values of a column as it has steps.
    every = update.n * int(settings.get("steps", 1))
    # Where columns are not measured in every row, each has its own count.
    n = update.arrays.get("rows")
    if n is None or n.shape != mean.shape:
        n = np.full(mean.shape, every, dtype=np.int64)
    return ColumnMoments(n, mean, np.diag(m2).copy() if m2.ndim == 2 else m2)


def drift(told: Mapping[str, ColumnMoments], names: Sequence[str]) -> tuple[InputDrift, ...]:
    """Drift of each input, the largest first.

    Inputs that a site does not measure, or that never move, are left out.

    Args:
        told: Moments of the same columns, by site.
        names: Inputs by column; what columns come after them is no input.
    """
    if len(told) < 2 or not names:
        return ()
    parts = [told[site] for site in sorted(told)]
    pooled = parts[0]
    for part in parts[1:]:
        pooled = pooled.merge(part)
    sd = _deviation(pooled)
    found = []
    for at, name in enumerate(names):
        if sd[at] <= 0.0 or any(part.n[at] < 2 for part in parts):
            continue
        shift = {site: float((told[site].mean[at] - pooled.mean[at]) / sd[at]) for site in sorted(told)}
        spread = {site: float(_deviation(told[site])[at] / sd[at]) for site in sorted(told)}
        distance = {site: float(np.hypot(shift[site], spread[site] - 1.0)) for site in shift}
        found.append(InputDrift(name, distance, shift, spread))
    return tuple(sorted(found, key=lambda one: (-one.largest[0], one.input)))


def _deviation(part: ColumnMoments) -> NDArray[np.float64]:
    """Standard deviation of each column, n in the denominator; 0 where it does not move but by rounding."""
    deviation = np.sqrt(np.maximum(part.m2, 0.0) / np.maximum(part.n, 1))
    kept: NDArray[np.float64] = np.where(
        deviation > 1e-12 * np.maximum(np.abs(part.mean), 1.0), deviation, 0.0
    )
    return kept
