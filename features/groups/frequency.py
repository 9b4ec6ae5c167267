"""Frequency: level, spread, rate of change, and how far governors see it off."""

from __future__ import annotations

import numpy as np

from features import channels as ch
from features.declaration import DEFINITION, MEAN_OF_VALID, Feature
from features.numbers import HALF, ZERO
from features.sequence import DEADBAND_HZ
from features.statistics import Float, Statistics

DEADBAND = np.array(DEADBAND_HZ)
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
    Feature(
        "rocof_3s_hz_s", "frequency", "Hz/s",
        "least-squares slope of the last three readings of f: (last − last but two) / 2 s",
        "rate of change of frequency as in IEEE/IEC 60255-118-1, over the last seconds", ("f",),
        "NaN when one of the two is missing", 3,
    ),
    Feature(
        "f_outside_hz", "frequency", "Hz",
        f"mean of how far f lies outside nominal ± {DEADBAND_HZ:g} Hz, 0 inside",
        "governor deadband, IEGC 2023", ("f",), MEAN_OF_VALID,
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
    np.subtract(s.f_hz[-1], s.f_hz[-3], out=out[6])
    out[6] *= HALF
    beyond = s.f_hz - s.f_nom_hz
    np.abs(beyond, out=beyond)
    beyond -= DEADBAND
    np.fmax(beyond, ZERO, out=beyond)
    np.divide(np.add.reduce(beyond, axis=0), s.f_count, out=out[7])
