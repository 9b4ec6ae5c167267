"""Current: levels of the phases, how far they move within the window, and the neutral's share."""

from __future__ import annotations

import numpy as np

from features import channels as ch
from features import worst as wo
from features.declaration import (
    ALL_PHASES,
    DEFINITION,
    EXTREME_OF_VALID,
    MEAN_OF_VALID,
    PAIRS,
    SECONDS_OF_THREE,
    Feature,
)
from features.numbers import THREE
from features.statistics import Float, Statistics

FEATURES = (
    *(
        Feature(
            f"i_{phase}_pu", "current", "pu", f"mean of i_{phase} / rated current",
            DEFINITION, ("i",), MEAN_OF_VALID,
        )
        for phase in "abc"
    ),
    Feature(
        "i_mean_pu", "current", "pu", "(i_a_pu + i_b_pu + i_c_pu) / 3", DEFINITION, ("i",), ALL_PHASES
    ),
    Feature(
        "i_min_pu", "current", "pu", "smallest reading of any phase", DEFINITION, ("i",), EXTREME_OF_VALID
    ),
    Feature(
        "i_max_pu", "current", "pu", "largest reading of any phase", DEFINITION, ("i",), EXTREME_OF_VALID
    ),
    Feature(
        "i_std_pu", "current", "pu", "sample standard deviation of the three-phase mean over the window",
        DEFINITION, ("i",), SECONDS_OF_THREE, 2,
    ),
    Feature(
        "i_range_pu", "current", "pu", "largest over the phases of (largest − smallest reading)",
        DEFINITION, ("i",), EXTREME_OF_VALID,
    ),
    Feature(
        "i_step_max_pu", "current", "pu", "largest absolute first difference of any phase",
        DEFINITION, ("i",), PAIRS, 2,
    ),
    Feature(
        "i_rms_pu", "current", "pu", "√(mean over phases and readings of i²)", DEFINITION, ("i",), ALL_PHASES
    ),
    Feature(
        "i_n_est_pu", "current", "pu",
        "|I_a + I_b + I_c| with I_φ = i_φ·(P_φ − jQ_φ)/|S_φ| behind voltages 120° apart, from the means",
        "IEEE 1459 (neutral current); the voltages' angles are assumed", ("i", "p", "q"), ALL_PHASES,
    ),
)  # fmt: skip


def fill(s: Statistics, out: Float) -> None:
    """Write the current features of `s` into the rows of `out`."""
    out[0:3] = s.mean[ch.I]
    out[3] = s.phase_mean[ch.P_I]
    out[4] = s.worst[wo.I_LOW]
    out[5] = s.worst[wo.I_HIGH]
    out[6] = s.core.std[ch.C_I3]
    out[7] = s.worst[wo.I_RANGE]
    out[8] = s.worst[wo.I_STEP]
    np.sqrt(s.i_square, out=out[9])
    np.multiply(s.i_sequence[0], THREE, out=out[10])
