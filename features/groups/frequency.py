"""Frequency: level, spread and rate of change."""

from __future__ import annotations

import numpy as np

from features import channels as ch
from features.declaration import DEFINITION, MEAN_OF_VALID, Feature
from features.statistics import Float, Statistics

VALID = "over the valid samples; NaN without one"

FEATURES = (
    Feature("f_mean_hz", "frequency", "Hz", "mean of f", DEFINITION, ("f",), MEAN_OF_VALID),
    Feature(
        "f_dev_hz", "frequency", "Hz", "mean of f − nominal frequency", "EN 50160 (frequency deviation)",
        ("f",), MEAN_OF_VALID,
    ),
    Feature("f_min_hz", "frequency", "Hz", "smallest reading", DEFINITION, ("f",), VALID),
    Feature("f_max_hz", "frequency", "Hz", "largest reading", DEFINITION, ("f",), VALID),
    Feature(
        "f_std_hz", "frequency", "Hz", "sample standard deviation over the window",
        DEFINITION, ("f",), VALID, 2,
    ),
    Feature(
        "rocof_hz_s", "frequency", "Hz/s", "least-squares slope of f over the window",
        "rate of change of frequency as in IEEE/IEC 60255-118-1, over the window", ("f",), VALID, 3,
    ),
)  # fmt: skip


def fill(s: Statistics, out: Float) -> None:
    """Write the frequency features of `s` into the rows of `out`."""
    mean = s.mean[ch.F]
    out[0] = mean
    np.subtract(mean, s.f_nom_hz, out=out[1])
    out[2] = s.low[ch.C_F]
    out[3] = s.high[ch.C_F]
    out[4] = s.core.std[ch.C_F]
    out[5] = s.core.slope[ch.C_F]
