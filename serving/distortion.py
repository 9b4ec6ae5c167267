"""Harmonics of a capture's voltages, for the limits on them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data_contracts.wire.request import Waveform
from features.content import FEWEST_CYCLES, FREQUENCY_RANGE, HIGHEST_ORDER, Content
from features.nominals import PointNominals
from features.spectrum import REACH, fit, strongest, transform

Float = NDArray[np.float64]


# The spectrum of a dead phase has no peak: its NaN is a declared result.
@np.errstate(divide="ignore", invalid="ignore")
def voltage_distortion(waveform: Waveform, nominals: PointNominals) -> tuple[Float, Float] | None:
    """Distortion of the voltages, by the transform that the features are made of (IEC 61000-4-7).

    Args:
        waveform: The capture.
        nominals: Of its point.

    Returns:
        THD of each phase [3] and its orders 1 … 40 [3, 40] in % of the fundamental; NaN for a dead phase and
        for what the sampling does not reach. None where the capture is too short or holds no fundamental.
    """
    count = len(waveform.v[0])
    cycles = nominals.f_nom_hz * count / waveform.rate_hz
    if not FEWEST_CYCLES <= (1.0 + FREQUENCY_RANGE) * cycles < count // 2 - 2 * REACH:
        return None
    spectra = transform(np.array([waveform.v], dtype=np.float64))
    position, _ = strongest(spectra, np.array([cycles]), FREQUENCY_RANGE)
    # Not known is NaN, and fails the comparison too.
    if not position[0] >= FEWEST_CYCLES:
        return None
    lines = fit(spectra, count, position, HIGHEST_ORDER)
    content = Content.of(lines, 0, np.array([nominals.v_nom_v]), np.ones(1, dtype=bool))
    return content.thd[0] * content.total[0], content.ratio[0] * content.reached[:, 0]
