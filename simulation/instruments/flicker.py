"""What meters say about flicker: Pst as the last ten minutes were, and the spread of half-cycle values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.instruments.meters import Meters
from simulation.noise import Floats

# IEC 61000-4-15: a class F1 flickermeter errs by up to 5 %. Of that a meter uses a part: standing error of
# its gain, and what moves as the ten minutes slide on.
_CLASS_SHARE, _STANDING, _STANDING_CUT, _MOVING = 0.05, 0.45, 0.95, 0.10
_STEP = 0.01


@dataclass(frozen=True, slots=True)
class Fluctuation:
    """What fluctuating loads do in the seconds of an episode.

    Attributes:
        pst: True flicker severity of the ten minutes up to each second, worst phase, shape [p, t].
        sigma: Standard deviation of half-cycle values within each second, fraction, shape [p, t, 3].
    """

    pst: Floats
    sigma: Floats


@dataclass(frozen=True, slots=True)
class MeteredFlicker:
    """What meters make of it.

    Attributes:
        pst: Severity as stated, NaN where it is not measured, shape [p, t].
        sigma: As in `Fluctuation`.
    """

    pst: Floats
    sigma: Floats


def meter_flicker(rng: np.random.Generator, fluctuation: Fluctuation, meters: Meters) -> MeteredFlicker:
    """State the sliding severity with the errors of its class.

    Args:
        rng: Source of randomness.
        fluctuation: The truth.
        meters: Nameplates.
    """
    points, seconds = fluctuation.pst.shape
    standing = np.clip(_STANDING * rng.standard_normal((points, 1)), -_STANDING_CUT, _STANDING_CUT)
    moving = rng.standard_normal((points, seconds))
    stated = fluctuation.pst * (1.0 + _CLASS_SHARE * (standing + _MOVING * moving))
    rounded = np.rint(stated / _STEP) * _STEP * meters.states_pst[:, None]
    return MeteredFlicker(rounded, fluctuation.sigma)
