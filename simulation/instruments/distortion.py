"""What distortion does to the meters' figures: RMS, powers, and the distortion that they state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.engine import ORDERS
from simulation.harmonics.distortion import Distorted
from simulation.harmonics.states import HarmonicStates, rms_factor, thd_pct
from simulation.instruments.devices import Transfers
from simulation.instruments.meters import Meters
from simulation.noise import Floats

# IEC 61000-4-7, table of accuracies, class I: ±5 % of a harmonic from 1 % of nominal, ±0.05 % of nominal
# below. Of that a meter uses a part: standing error of its gain, and what moves from second to second.
_CLASS_SHARE, _CLASS_FLOOR_PCT = 0.05, 0.05
_STANDING, _STANDING_CUT, _MOVING, _FLOOR = 0.30, 0.9, 0.10, 0.2
_STEP_PCT = 0.01


@dataclass(frozen=True, slots=True)
class MeteredDistortion:
    """What distortion adds to the figures of the fundamental, in each second.

    Attributes:
        v: RMS of phase voltages in multiples of the fundamental's, shape [p, t, 3].
        v_ll: Likewise of line voltages.
        i: Likewise of currents.
        p_w: Active power of the harmonics, W, shape [p, t, 3].
        thd_pct: Total harmonic distortion as stated, %, NaN where it is not measured, shape [p, t, 3].
    """

    v: Floats
    v_ll: Floats
    i: Floats
    p_w: Floats
    thd_pct: Floats


def arriving(states: HarmonicStates, transfers: Transfers, f_hz: float) -> HarmonicStates:
    """Phasors behind the instrument transformers but for the errors of their class.

    Args:
        states: True phasors.
        transfers: The devices on the episode's day.
        f_hz: Frequency.
    """
    orders = f_hz * np.arange(1.0, ORDERS + 1.0)
    v = np.asarray(states.v * transfers.of_voltage(orders))
    i = np.asarray(states.i * transfers.of_current(orders))
    # The fundamental's own errors are those of the class.
    v[..., 0], i[..., 0] = states.v[..., 0], states.i[..., 0]
    return HarmonicStates(v, i)


def meter_distortion(
    rng: np.random.Generator, distorted: Distorted, arrived: HarmonicStates, meters: Meters
) -> MeteredDistortion:
    """What the meters make of what arrives at them.

    Args:
        rng: Source of randomness.
        distorted: The episode's distortion.
        arrived: Phasors behind the instrument transformers, see `arriving`.
        meters: Nameplates.
    """
    level = distorted.level
    points, seconds = meters.nominal_v.size, level.size
    true = thd_pct(arrived.v)[:, None, :] * level[None, :, None]
    standing = np.clip(_STANDING * rng.standard_normal((points, 1, 3)), -_STANDING_CUT, _STANDING_CUT)
    moving, floor = rng.standard_normal((2, points, seconds, 3))
    stated = true * (1.0 + _CLASS_SHARE * (standing + _MOVING * moving))
    stated = np.abs(stated + _CLASS_FLOOR_PCT * _FLOOR * floor)
    harmonic_w = (arrived.v[..., 1:] * np.conj(arrived.i[..., 1:])).sum(axis=-1).real
    return MeteredDistortion(
        v=rms_factor(arrived.v, level),
        v_ll=rms_factor(arrived.v_ll, level),
        i=rms_factor(arrived.i, level),
        p_w=harmonic_w[:, None, :] * (level**2)[None, :, None],
        thd_pct=np.rint(stated / _STEP_PCT) * _STEP_PCT * meters.states_thd[:, None, None],
    )
