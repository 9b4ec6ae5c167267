"""Voltage: levels of the phases and lines, and how far they move within the window."""

from __future__ import annotations

from features import channels as ch
from features import worst as wo
from features.declaration import (
    ALL_PHASES,
    DEFINITION,
    EXTREME_OF_VALID,
    MEAN_OF_VALID,
    SECONDS_OF_THREE,
    Feature,
)
from features.statistics import Float, Statistics

FEATURES = (
    *(
        Feature(
            f"v_{phase}_pu", "voltage", "pu", f"mean of v_{phase} / nominal phase-to-neutral voltage",
            DEFINITION, ("v",), MEAN_OF_VALID,
        )
        for phase in "abc"
    ),
    *(
        Feature(
            f"v_{pair}_pu", "voltage", "pu", f"mean of v_{pair} / nominal line-to-line voltage",
            DEFINITION, ("v_ll",), MEAN_OF_VALID,
        )
        for pair in ("ab", "bc", "ca")
    ),
    Feature(
        "v_mean_pu", "voltage", "pu", "(v_a_pu + v_b_pu + v_c_pu) / 3", DEFINITION, ("v",), ALL_PHASES
    ),
    Feature(
        "v_min_pu", "voltage", "pu", "smallest reading of any phase", DEFINITION, ("v",), EXTREME_OF_VALID
    ),
    Feature(
        "v_max_pu", "voltage", "pu", "largest reading of any phase", DEFINITION, ("v",), EXTREME_OF_VALID
    ),
    Feature(
        "v_std_pu", "voltage", "pu", "sample standard deviation of the three-phase mean over the window",
        DEFINITION, ("v",), SECONDS_OF_THREE, 2,
    ),
    Feature(
        "v_range_pu", "voltage", "pu", "largest over the phases of (largest − smallest reading)",
        DEFINITION, ("v",), EXTREME_OF_VALID,
    ),
)  # fmt: skip


def fill(s: Statistics, out: Float) -> None:
    """Write the voltage features of `s` into the rows of `out`."""
    out[0:3] = s.mean[ch.V]
    out[3:6] = s.mean[ch.V_LL]
    out[6] = s.phase_mean[ch.P_V]
    out[7] = s.worst[wo.V_LOW]
    out[8] = s.worst[wo.V_HIGH]
    out[9] = s.core.std[ch.C_V3]
    out[10] = s.worst[wo.V_RANGE]
