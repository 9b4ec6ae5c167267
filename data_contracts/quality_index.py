"""The index of power quality: one formula for whoever labels, reads or explains it.

Every indicator is divided by its limit, so that 1 lies on the limit. The unified index is that of Gosbell,
Perera and Herath (Unified power quality index (UPQI) for continuous disturbances, 10th International
Conference on Harmonics and Quality of Power, 2002): the largest ratio while all limits are kept, and 1 plus
the sum of all exceedances where one is not. Its mapping to 0 … 100 is ours: index = 100 − 30·UPQI, cut at 0,
so that 70 lies on the limits, above 90 is what uses less than a third of every limit.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

INDICATORS = ("voltage", "unbalance", "harmonics", "flicker", "events", "frequency")
GRADES = ("excellent", "good", "fair", "poor")

SAG_PU, SWELL_PU = 0.9, 1.1
"""Thresholds of IEC 61000-4-30 in per unit of nominal."""

RAPID_CHANGE_PU = 0.03
"""A change of the RMS value between two steady states that counts as rapid; ours, after IEC 61000-3-7."""

F_LIMIT_SHARE = 0.01
"""Departure of ten-second means of the frequency, of nominal (EN 50160; from common knowledge)."""

# Planning levels of Pst: medium voltage, and high and extra-high voltage (IEC TR 61000-3-7; from common
# knowledge).
_PST_MEDIUM, _PST_HIGH, _MEDIUM_KV = 0.9, 0.8, 35.0
_AT_LIMIT = 30.0
_ABOVE = (90.0, 70.0, 50.0)
# Lowest voltage that equipment must ride through, by duration in seconds (SEMI F47, as IEEE 1564 uses it).
_SAG_UNTIL_S, _SAG_CURVE_PU = (0.02, 0.2, 0.5, 10.0), (0.0, 0.5, 0.7, 0.8, 0.9)
# Likewise the highest (ITIC curve; from common knowledge).
_SWELL_UNTIL_S, _SWELL_CURVE_PU = (0.5,), (1.2, 1.1)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the level that a row belongs to, each of shape [...].

    Attributes:
        v_min_pu: Lowest permitted voltage.
        v_max_pu: Highest permitted voltage.
        vuf_pct: Unbalance.
        thd_pct: Total harmonic distortion.
        harmonic_pct: Single harmonic.
        pst: Short-term flicker severity.
        f_dev_hz: Departure of the frequency.
    """

    v_min_pu: Floats
    v_max_pu: Floats
    vuf_pct: Floats
    thd_pct: Floats
    harmonic_pct: Floats
    pst: Floats
    f_dev_hz: Floats

    def take(self, rows: NDArray[np.int64]) -> Limits:
        """Those of some rows."""
        return Limits(*(getattr(self, each.name)[rows] for each in fields(self)))


@dataclass(frozen=True, slots=True)
class State:
    """What ten minutes were like, each of shape [...] but for the first.

    Attributes:
        u_pu: RMS of each phase over the interval, pu of nominal, shape [..., 3].
        vuf_pct: Unbalance.
        thd_pct: Total harmonic distortion of the worst phase.
        harmonic_pct: Largest single harmonic of the worst phase; NaN where it is not known.
        pst: Short-term flicker severity of the worst phase.
        event_severity: Sum of the severities of sags and swells.
        f_dev_hz: Largest departure of a ten-second mean of the frequency.
    """

    u_pu: Floats
    vuf_pct: Floats
    thd_pct: Floats
    harmonic_pct: Floats
    pst: Floats
    event_severity: Floats
    f_dev_hz: Floats


def pst_limit(nominal_kv: float) -> float:
    """Planning level of Pst at a voltage level."""
    return _PST_MEDIUM if nominal_kv <= _MEDIUM_KV else _PST_HIGH


def ratios(state: State, limits: Limits) -> Floats:
    """Every indicator as a multiple of its limit, in the order of `INDICATORS`, shape [..., 6].

    The voltage's is that of the phase that departs most, up or down; harmonics count by the larger of the
    total and the single one; what is not known (NaN) counts nothing.
    """
    up = (state.u_pu - 1.0) / (limits.v_max_pu - 1.0)[..., None]
    down = (1.0 - state.u_pu) / (1.0 - limits.v_min_pu)[..., None]
    found = np.stack(
        [
            np.maximum(up, down).max(axis=-1),
            state.vuf_pct / limits.vuf_pct,
            np.fmax(state.thd_pct / limits.thd_pct, state.harmonic_pct / limits.harmonic_pct),
            state.pst / limits.pst,
            state.event_severity,
            state.f_dev_hz / limits.f_dev_hz,
        ],
        axis=-1,
    )
    return np.asarray(np.nan_to_num(found, nan=0.0))


def unified(ratio: Floats) -> Floats:
    """UPQI of ratios along the last axis: the largest, or 1 plus what goes beyond the limits together."""
    beyond = np.maximum(ratio - 1.0, 0.0).sum(axis=-1)
    return np.asarray(np.where(beyond > 0.0, 1.0 + beyond, ratio.max(axis=-1)))


def index_of(ratio: Floats) -> Floats:
    """Index of power quality, 0 … 100, from ratios along the last axis."""
    return np.asarray(np.clip(100.0 - _AT_LIMIT * unified(ratio), 0.0, 100.0))


def grade_codes(index: Floats) -> NDArray[np.int64]:
    """Position in `GRADES`: above 90, 70 to 90, 50 to 70, below 50."""
    return np.asarray(
        (index <= _ABOVE[0]).astype(np.int64) + (index < _ABOVE[1]) + (index < _ABOVE[2]), dtype=np.int64
    )


def sag_severity(residual_pu: Floats, duration_s: Floats) -> Floats:
    """(1 − U)/(1 − U_curve) of a sag, 1 on the curve (IEEE 1564, with SEMI F47); 0 without a sag."""
    curve = np.array(_SAG_CURVE_PU)[np.searchsorted(_SAG_UNTIL_S, duration_s)]
    return np.asarray(np.where(residual_pu < SAG_PU, (1.0 - residual_pu) / (1.0 - curve), 0.0))


def swell_severity(highest_pu: Floats, duration_s: Floats) -> Floats:
    """(U − 1)/(U_curve − 1) of a swell, 1 on the curve; ours, after `sag_severity`; 0 without a swell."""
    curve = np.array(_SWELL_CURVE_PU)[np.searchsorted(_SWELL_UNTIL_S, duration_s)]
    return np.asarray(np.where(highest_pu > SWELL_PU, (highest_pu - 1.0) / (curve - 1.0), 0.0))
