"""What `models.quality_indicators` must know, from sums over all sites' rows.

Medians come from histograms with bins of 1 % (of the single harmonic's share 0.001).

Local data: `X` float64 [n, FEATURES]; `index`, `flagged`, `pst` and `single_share` float64 [n], as
`quality_indicators.learn` takes them; `X_validation` and `index_validation` likewise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from federation.family import MINIMUM_ROWS, Expected, LocalData
from federation.message import Arrays, Message, Update
from models import quality_indicators as indicators
from models.maintenance.power_quality_index import to_add
from models.quality_indicators import Readings

Float = NDArray[np.float64]

STEP = 0.01
# Logarithms of Pst, and of Pst over the half-cycle spread.
PST_FROM, PST_BINS = np.log(1e-3), 1152
FLICKER_FROM, FLICKER_BINS = np.log(0.1), 1382
SHARE_BINS = 1000


class QualitySums:
    """Rounds: two medians, then the flicker's constant."""

    phases: ClassVar[tuple[str, ...]] = ("medians", "flicker")

    def rows(self, known: Arrays, data: LocalData) -> LocalData:
        """The network's inputs, and what it is to add to the formula's index."""
        found: dict[str, Float] = {}
        for suffix in ("", "_validation"):
            cut, _, inputs = indicators.estimate(data[f"X{suffix}"], readings(known))
            found[f"X{suffix}"] = inputs
            found[f"y{suffix}"] = to_add(data[f"index{suffix}"], cut[:, 0])
            found[f"weight{suffix}"] = np.ones(len(inputs))
        return found

    def local(self, phase: str, known: Arrays, data: LocalData) -> Update:
        """Two histograms, then a third."""
        X, n = data["X"], {"n": len(data["X"])}
        if phase == "medians":
            return Message(
                n,
                {
                    "pst": _counts((np.log(np.maximum(data["pst"], 1e-9)) - PST_FROM) / STEP, PST_BINS),
                    "share": _counts(data["single_share"] * SHARE_BINS, SHARE_BINS),
                },
            )
        spread = indicators.spread(X)[:, 0]
        telling = (data["flagged"] == 0) & (spread > 0) & (data["pst"] > known["median_pst"])
        if telling.sum() < MINIMUM_ROWS:
            telling[:] = False
        ratio = np.log(data["pst"][telling] / spread[telling])
        return Message(n, {"ratio": _counts((ratio - FLICKER_FROM) / STEP, FLICKER_BINS)})

    def expects(self, phase: str, most: int) -> Mapping[str, Expected]:
        """Counts of at most all rows."""
        if phase == "medians":
            return {
                "pst": Expected("<i8", (PST_BINS,), 0, most, total=float(most)),
                "share": Expected("<i8", (SHARE_BINS,), 0, most, total=float(most)),
            }
        return {"ratio": Expected("<i8", (FLICKER_BINS,), 0, most, total=float(most))}

    def inspect(self, phase: str, sums: Arrays) -> str:
        """Histograms of the same rows count as many."""
        if phase == "flicker":
            return ""
        pst, share = int(sums["pst"].sum()), int(sums["share"].sum())
        return "" if pst == share else f"{pst} values of Pst and {share} shares"

    def close(self, phase: str, known: Arrays, sums: Arrays) -> Arrays:
        """Two medians, then the flicker's constant."""
        del known
        if phase == "medians":
            return {
                "median_pst": np.exp(PST_FROM + STEP * _median(sums["pst"])),
                "single_share": _median(sums["share"]) / SHARE_BINS,
            }
        if not sums["ratio"].any():
            return {"flicker": np.array(indicators.UNTOLD)}
        return {"flicker": np.exp(FLICKER_FROM + STEP * _median(sums["ratio"]))}


def readings(known: Arrays) -> Readings:
    """The constants that were settled."""
    return Readings(float(known["single_share"]), float(known["flicker"]))


def _counts(place: Float, bins: int) -> NDArray[np.int64]:
    """Values by bin; the outermost take what lies beyond."""
    found: NDArray[np.int64] = np.bincount(
        np.clip(np.floor(place), 0, bins - 1).astype(np.int64), minlength=bins
    ).astype(np.int64)
    return found


def _median(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Median in bins, as if values were spread evenly over theirs."""
    half, up_to = counts.sum() / 2.0, np.cumsum(counts)
    at = int(np.searchsorted(up_to, half))
    found: NDArray[np.float64] = np.asarray(at + (half - (up_to[at] - counts[at])) / counts[at])
    return found
