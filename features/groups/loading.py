"""Loading and losses: how hard the bay works, and how fast that changes."""

from __future__ import annotations

import numpy as np

from features import channels as ch
from features import worst as wo
from features.declaration import ALL_PHASES, DEFINITION, PAIRS, SECONDS_OF_THREE, Feature
from features.numbers import THREE
from features.statistics import S_LEAST_PU, Float, Statistics

I2R = "Joule's law; resistance left out"

FEATURES = (
    Feature(
        "loss_proxy_pu2", "derived", "pu²",
        "mean over phases and readings of i²: series loss over that at rating", I2R, ("i",), ALL_PHASES,
    ),
    Feature(
        "loss_unbalance_ratio", "derived", "1",
        "3·Σi_φ_pu² / (Σi_φ_pu)²: series loss over that of balanced currents", I2R, ("i",), ALL_PHASES,
    ),
    Feature(
        "load_factor", "derived", "1",
        "mean of S over the window / its largest, S = √(P² + Q²) of the three phases",
        "IEC 60050-691 (load factor)", ("p", "q"),
        f"{SECONDS_OF_THREE}; NaN when S stays below {S_LEAST_PU:g} pu",
    ),
    Feature(
        "utilisation_mva_pu", "derived", "pu", "mean of S / rated apparent power",
        DEFINITION, ("p", "q"), SECONDS_OF_THREE,
    ),
    Feature(
        "utilisation_mva_max_pu", "derived", "pu", "largest of S / rated apparent power",
        DEFINITION, ("p", "q"), SECONDS_OF_THREE,
    ),
    Feature(
        "utilisation_i_pu", "derived", "pu", "largest over the phases of √(mean of i²) / rated current",
        "IEC 60076-7 (load factor K)", ("i",), "over the valid samples of the phases that have any",
    ),
    *(
        Feature(
            f"{name}_ramp_pu_s", "derived", "pu/s",
            f"least-squares slope of the three-phase {text} over the window",
            DEFINITION, (name,), SECONDS_OF_THREE, 3,
        )
        for name, text in (
            ("p", "active power"), ("q", "reactive power"), ("i", "mean current"), ("v", "mean voltage"),
        )
    ),
    Feature(
        "f_step_max_hz", "derived", "Hz", "largest absolute first difference of f",
        DEFINITION, ("f",), PAIRS, 2,
    ),
    *(
        Feature(
            f"{name}_step_max_pu", "derived", "pu",
            f"largest absolute first difference of the three-phase {text}",
            DEFINITION, (name,), f"{PAIRS}, {SECONDS_OF_THREE}", 2,
        )
        for name, text in (("p", "active power"), ("q", "reactive power"))
    ),
)  # fmt: skip


def fill(s: Statistics, out: Float) -> None:
    """Write the loading features of `s` into the rows of `out`."""
    i, i_mean = s.mean[ch.I], s.phase_mean[ch.P_I]
    own = i * i
    mean, high = s.mean[ch.S3], s.high[ch.C_S3]
    peak = high.copy()
    peak[peak < S_LEAST_PU] = np.nan
    out[0] = s.i_square
    np.divide((own[0] + own[1] + own[2]) / THREE, i_mean * i_mean, out=out[1])
    np.divide(mean, peak, out=out[2])
    out[3] = mean
    out[4] = high
    np.sqrt(s.worst[wo.MEAN_SQUARE], out=out[5])
    out[6:10] = s.core.slope[ch.C_P3 : ch.C_V3 + 1]
    out[10:13] = s.step[ch.C_F : ch.C_Q3 + 1]
