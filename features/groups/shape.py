"""Shape of the phase voltages within the window: what sets a faulty sensor apart from the grid.

The grid moves the three phases together and never stands still; a faulty channel does not.
"""

from __future__ import annotations

import numpy as np

from features import channels as ch
from features import worst as wo
from features.declaration import (
    DEFINITION,
    EXTREME_OF_VALID,
    INSTRUMENT_CHECK,
    PAIRS,
    SECONDS_OF_THREE,
    Feature,
)
from features.numbers import ZERO
from features.statistics import Float, Statistics

# A standard deviation below this is no movement: float64 cannot resolve much less around 1 pu.
STD_FLOOR_PU = np.array(1e-9)
SPAN_S = np.array(ch.WINDOW - 1.0)

FEATURES = (
    *(
        Feature(
            f"v_std_{phase}_pu", "shape", "pu", f"sample standard deviation of v_{phase} over the window",
            DEFINITION, ("v",), "over the valid samples", 2,
        )
        for phase in "abc"
    ),
    Feature(
        "v_step_max_pu", "shape", "pu", "largest absolute first difference of any phase",
        "IEC 61000-4-30 (rapid voltage change)", ("v",), PAIRS, 2,
    ),
    Feature(
        "v_step_common_pu", "shape", "pu", "largest absolute first difference of the three-phase mean",
        "IEC 61000-4-30 (rapid voltage change)", ("v",), f"{PAIRS}, {SECONDS_OF_THREE}", 2,
    ),
    Feature(
        "v_step_diff_pu", "shape", "pu",
        "largest over phases and time of |first difference of the phase − that of the three-phase mean|",
        INSTRUMENT_CHECK, ("v",), f"{PAIRS}, {SECONDS_OF_THREE}", 2,
    ),
    Feature(
        "v_stuck_log", "shape", "log10 pu", f"log10 of the smallest of v_std_φ_pu, at least {STD_FLOOR_PU:g}",
        INSTRUMENT_CHECK, ("v",), EXTREME_OF_VALID, 2,
    ),
    Feature(
        "v_std_ratio_log", "shape", "log10",
        f"log10(smallest of v_std_φ_pu / largest of v_std_φ_pu), each at least {STD_FLOOR_PU:g}",
        INSTRUMENT_CHECK, ("v",), EXTREME_OF_VALID, 2,
    ),
    Feature(
        "v_drift_pu", "shape", "pu",
        f"largest over the phases of |slope of v_φ − slope of the three-phase mean| · {SPAN_S:g} s",
        INSTRUMENT_CHECK, ("v",), f"slopes over the valid samples, the mean's {SECONDS_OF_THREE}", 3,
    ),
    Feature(
        "v_spike_pu", "shape", "pu",
        "largest jump that the next second takes back, of a phase against the three-phase mean: "
        "max over phases, time and sign of min(±d_k, ∓d_(k+1)), at least 0",
        "three-point median filter", ("v",), f"over three successive seconds; {SECONDS_OF_THREE}", 3,
    ),
)  # fmt: skip


def fill(s: Statistics, out: Float) -> None:
    """Write the shape features of `s` into the rows of `out`."""
    out[0:3] = s.core.std[ch.C_V]
    out[3] = s.worst[wo.V_STEP]
    out[4] = s.step[ch.C_V3]
    out[5] = s.worst[wo.STEP_APART]
    spread = np.log10(np.maximum(s.worst[wo.STD_LEAST : wo.STD_MOST + 1], STD_FLOOR_PU))
    out[6] = spread[0]
    np.subtract(spread[0], spread[1], out=out[7])
    np.multiply(s.worst[wo.DRIFT], SPAN_S, out=out[8])
    np.maximum(s.worst[wo.SPIKE], ZERO, out=out[9])
