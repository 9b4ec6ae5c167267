"""Consistency between channels: powers against volts and amperes, phases against each other."""

from __future__ import annotations

import numpy as np

from features import channels as ch
from features import worst as wo
from features.declaration import EXTREME_OF_VALID, INSTRUMENT_CHECK, MEAN_OF_VALID, Feature
from features.statistics import S_LEAST_PU, Float, Statistics

FEATURES = (
    *(
        Feature(
            f"s_vi_residual_{phase}_pu", "consistency", "pu",
            f"√(p_{phase}_pu² + q_{phase}_pu²) − V_{phase}·I_{phase} / (S rated / 3), of the means",
            f"{INSTRUMENT_CHECK}: |S| = V·I", ("v", "i", "p", "q"), MEAN_OF_VALID,
        )
        for phase in "abc"
    ),
    Feature(
        "pf_spread", "consistency", "1", "largest − smallest of pf_a, pf_b, pf_c",
        f"{INSTRUMENT_CHECK}: swapped phases pair a current with a foreign voltage", ("p", "q"),
        f"{EXTREME_OF_VALID}; a phase below {S_LEAST_PU:g} pu of apparent power does not count",
    ),
)  # fmt: skip


def fill(s: Statistics, out: Float) -> None:
    """Write the consistency features of `s` into the rows of `out`."""
    np.subtract(s.apparent[:3], s.mean[ch.V] * s.mean[ch.I] * s.vi_base, out=out[0:3])
    np.subtract(s.worst[wo.FACTOR_MOST], s.worst[wo.FACTOR_LEAST], out=out[3])
