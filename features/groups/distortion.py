"""Distortion as the meter reports it, by phase: what is known of the harmonics without a waveform."""

from __future__ import annotations

import numpy as np

from features import channels as ch
from features.declaration import Feature
from features.statistics import Float, Statistics

METERED = "IEC 61000-4-7, as the meter reports it"
MEANS_OF_VALID = "from the means of the valid samples of the phases that have any; NaN when none has"

FEATURES = (
    Feature(
        "thd_worst_pct", "distortion", "%", "largest over the phases of the mean of thd", METERED, ("thd",),
        MEANS_OF_VALID,
    ),
    Feature(
        "thd_spread_pct", "distortion", "%", "largest − smallest over the phases of the mean of thd", METERED,
        ("thd",), MEANS_OF_VALID,
    ),
)  # fmt: skip


def fill(s: Statistics, out: Float) -> None:
    """Write the distortion features of `s` into the rows of `out`."""
    thd = s.mean[ch.THD]
    np.fmax.reduce(thd, axis=0, out=out[0])
    np.subtract(out[0], np.fmin.reduce(thd, axis=0), out=out[1])
