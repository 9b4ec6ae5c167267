"""A sequence of frequency readings as steps of eight features: what a recurrent network reads.

Ten readings of one grid's frequency, one second apart, give ten steps. A step knows the readings up to its
own only. All features are made from deviations from the nominal frequency, so that sums of small numbers stay
exact to the last bits of a reading; sums run along the steps of one row, so that a batch gives the rows that
its sequences give one at a time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.channels import WINDOW
from features.declaration import DEFINITION, Feature
from features.errors import FeatureError
from features.numbers import HALF

Float = NDArray[np.float64]

DEADBAND_HZ = 0.03
"""Governors leave the frequency alone within this band: IEGC 2023 (ripple filter of ±0.03 Hz)."""

COMPLETE = "NaN in every step when a reading of the ten is missing"
GROUP = "sequence"
F = ("f",)

SEQUENCE_FEATURES = (
    Feature(
        "seq_dev_hz", GROUP, "Hz", "d_k = f_k − nominal frequency", "EN 50160 (frequency deviation)",
        F, COMPLETE, WINDOW,
    ),
    Feature(
        "seq_change_1s_hz", GROUP, "Hz", "d_k − d_(k−1); 0 at the first step", DEFINITION, F, COMPLETE, WINDOW
    ),
    Feature(
        "seq_change_3s_hz", GROUP, "Hz", "d_k − d_(k−3), before the fourth step d_k − d_0", DEFINITION,
        F, COMPLETE, WINDOW,
    ),
    Feature(
        "seq_slope_hz_s", GROUP, "Hz/s", "least-squares slope of d_0 … d_k; 0 at the first step",
        "rate of change of frequency as in IEEE/IEC 60255-118-1, over the steps so far", F, COMPLETE, WINDOW,
    ),
    Feature(
        "seq_bend_hz", GROUP, "Hz", "d_k − 2·d_(k−1) + d_(k−2); 0 before the third step", DEFINITION,
        F, COMPLETE, WINDOW,
    ),
    Feature(
        "seq_beyond_hz", GROUP, "Hz", f"what of d_k lies beyond ±{DEADBAND_HZ:g} Hz, with its sign",
        "governor deadband, IEGC 2023", F, COMPLETE, WINDOW,
    ),
    Feature(
        "seq_from_mean_hz", GROUP, "Hz", "d_k − mean of d_0 … d_k", DEFINITION, F, COMPLETE, WINDOW
    ),
    Feature(
        "seq_spread_hz", GROUP, "Hz", "root mean square of d_0 … d_k about their mean", DEFINITION,
        F, COMPLETE, WINDOW,
    ),
)  # fmt: skip
"""The features of one step, in order."""

STEPS = WINDOW
WIDTH = len(SEQUENCE_FEATURES)

SEQUENCE_NAMES: tuple[str, ...] = tuple(
    f"{feature.name}.{step}" for step in range(STEPS) for feature in SEQUENCE_FEATURES
)
"""Columns of `sequence`: step by step, the oldest (0) first."""

_STEP = np.arange(STEPS, dtype=np.float64)
_COUNT = _STEP + 1.0
# Σ(j − k/2)² over j = 0 … k; the first step has no spread in time, and its slope is 0 by its numerator.
_TIME_SQUARES = np.maximum(_STEP * _COUNT * (_STEP + 2.0) / 12.0, 0.5)


def sequence(f_hz: Float, f_nom_hz: Float) -> Float:
    """Features of n sequences, float64 [n, 80], columns in the order of `SEQUENCE_NAMES`.

    Reshaped to [n, 10, 8] they are the steps of a recurrent network's input.

    Args:
        f_hz: Readings, oldest first, one second apart, Hz, [n, 10]; NaN where one is missing.
        f_nom_hz: Nominal frequency of each sequence, Hz, [n].

    Raises:
        FeatureError: The shapes do not fit.
    """
    n = f_nom_hz.shape[0]
    if f_hz.shape != (n, STEPS):
        raise FeatureError(
            f"f_hz has shape {f_hz.shape}, must be ({n}, {STEPS})", "give ten readings a sequence"
        )
    out = np.zeros((n, STEPS, WIDTH))
    deviation, change, change_3, slope, bend, beyond, from_mean, spread = np.moveaxis(out, 2, 0)
    np.subtract(f_hz, f_nom_hz[:, None], out=deviation)
    deviation[~np.isfinite(deviation).all(axis=1)] = np.nan
    np.subtract(deviation[:, 1:], deviation[:, :-1], out=change[:, 1:])
    # Counted from the first reading: exact zeros for a constant frequency, and no cancellation in the sums.
    risen = deviation - deviation[:, :1]
    change_3[:, :3] = risen[:, :3]
    np.subtract(deviation[:, 3:], deviation[:, :-3], out=change_3[:, 3:])
    total = np.cumsum(risen, axis=1)
    np.divide(np.cumsum(risen * _STEP, axis=1) - HALF * _STEP * total, _TIME_SQUARES, out=slope)
    np.subtract(change[:, 2:], change[:, 1:-1], out=bend[:, 2:])
    np.subtract(deviation, np.clip(deviation, -DEADBAND_HZ, DEADBAND_HZ), out=beyond)
    mean = total / _COUNT
    np.subtract(risen, mean, out=from_mean)
    square = np.cumsum(risen * risen, axis=1) / _COUNT - mean * mean
    np.sqrt(np.maximum(square, 0.0), out=spread)
    # A missing reading leaves no step: the zeros that the first steps hold would look like readings.
    out[np.isnan(deviation[:, 0])] = np.nan
    return out.reshape(n, STEPS * WIDTH)
