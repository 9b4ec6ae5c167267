"""Power quality: distortion and flicker as the meter reports them, dips and swells within a second."""

from __future__ import annotations

import numpy as np

from features import channels as ch
from features import worst as wo
from features.declaration import ALL_PHASES, EXTREME_OF_VALID, MEAN_OF_VALID, Feature
from features.numbers import THREE
from features.statistics import Float, Statistics

BOTH = "over the seconds and phases that have both values; NaN when there is none"

FEATURES = (
    Feature(
        "thd_mean_pct", "quality", "%", "mean over the phases of the mean of thd",
        "IEC 61000-4-7, as the meter reports it", ("thd",), ALL_PHASES,
    ),
    Feature(
        "thd_max_pct", "quality", "%", "largest reading of any phase",
        "IEC 61000-4-7, as the meter reports it", ("thd",), EXTREME_OF_VALID,
    ),
    Feature("pst", "quality", "1", "mean of pst", "IEC 61000-4-15", ("pst",), MEAN_OF_VALID),
    Feature(
        "v_min_dip_pu", "quality", "pu", "largest of v − v_min over seconds and phases",
        "IEC 61000-4-30 (half-cycle RMS)", ("v", "v_min"), BOTH,
    ),
    Feature(
        "v_max_rise_pu", "quality", "pu", "largest of v_max − v over seconds and phases",
        "IEC 61000-4-30 (half-cycle RMS)", ("v", "v_max"), BOTH,
    ),
)  # fmt: skip


def fill(s: Statistics, out: Float) -> None:
    """Write the power-quality features of `s` into the rows of `out`."""
    thd = s.mean[ch.THD]
    np.divide(thd[0] + thd[1] + thd[2], THREE, out=out[0])
    out[1] = s.worst[wo.THD]
    out[2] = s.mean[ch.PST]
    out[3:5] = s.worst[wo.DIP : wo.RISE + 1]
