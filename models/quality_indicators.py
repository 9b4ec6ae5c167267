"""From ten seconds of readings to the indicators of the index of power quality of ten minutes.

Sags and swells come from the meter's log. One of them spoils the meter's Pst (IEC 61000-4-15 runs on through
a sag), and the index judges flicker without it. What is left is read in two ways: from how far the half-cycle
values of each second lie apart now, and as the Pst beyond that of a single step as deep as the event
(IEC 61000-3-3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts.quality_index import INDICATORS
from models import symbols as sy
from models.symbols import Value

Float = NDArray[np.float64]

FEATURES = (
    "v_a_pu", "v_b_pu", "v_c_pu", "v_std_pu", "v_step_max_pu", "v_min_dip_pu", "v_max_rise_pu",
    "vuf_line_pct", "v0_proxy_pct", "thd_worst_pct", "thd_mean_pct", "thd_spread_pct", "pst", "f_dev_hz",
    "f_std_hz", "s_total_pu", "event_severity_10min", "event_depth_10min_pct", "v_min_limit_pu",
    "v_max_limit_pu", "vuf_limit_pct", "thd_limit_pct", "harmonic_limit_pct", "pst_limit", "f_dev_limit_hz",
)  # fmt: skip
_AT = {name: place for place, name in enumerate(FEATURES)}

MOST = 4.0
"""Ratios and indices are cut here for the network: the index is 0 from 100/30 on."""
SHOWN = 10.0
"""Ratios are cut here for the answer."""

STEP_PST = (2.3 / 600.0) ** (1.0 / 3.2) * 100.0
"""Pst of a single step of all of the voltage in ten minutes (IEC 61000-3-3)."""

LEAST_SEVERITY = 0.1
"""No event weighs less: a sag of 10 % is one tenth of what may be for a cycle (SEMI F47)."""

# Smallest values that are told apart from nothing: Pst, half-cycle spread, voltage deviations and steps in
# pu, distortion and zero sequence in %, deviation of the frequency in Hz, a ratio.
_PST, _RIPPLE, _VOLTAGE, _PERCENT, _F_HZ, _RATIO = 0.01, 2e-4, 1e-5, 0.02, 1e-4, 0.02
# Half-cycle spread as a share of the event's depth that says that the event lies in the window; the least
# depth of an event, pu.
_SEEN, _SHALLOW = (0.4, 0.7), 0.05

INPUTS = 31
"""Inputs of the network."""

UNTOLD = 1.0 / _RIPPLE
"""Pst of a half-cycle spread of 1 pu where no row tells it: all of Pst is flicker."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What is learnt of how instruments' values and the index belong together.

    Attributes:
        single_share: Largest single harmonic of the total distortion.
        flicker: Pst of a half-cycle spread of 1 pu.
    """

    single_share: float
    flicker: float


def _of(x: Value, *names: str) -> Value:
    return sy.columns(x, [_AT[name] for name in names])


def spread(x: Value) -> Value:
    """How far half-cycle values lie apart within a second, pu, [n, 1]."""
    return sy.at_least(_of(x, "v_min_dip_pu") + _of(x, "v_max_rise_pu"), 0.0)


def _unified(ratio: Value) -> Value:
    """UPQI of `data_contracts.quality_index`, [n, 1]: the largest, plus all but one exceedance beyond it."""
    beyond = sy.at_least(ratio - 1.0, 0.0)
    largest = sy.largest(ratio)
    return largest + sy.dot(beyond, np.ones(len(INDICATORS))) - sy.at_least(largest - 1.0, 0.0)


def _ramp(x: Value, low: float, high: float) -> Value:
    """0 up to `low`, 1 from `high` on, straight in between."""
    return sy.at_most(sy.at_least((x - low) / (high - low), 0.0), 1.0)


def _beyond_step(pst: Value, depth: Value) -> Value:
    """Pst beyond that of one step, [n, 1]: third powers add (IEC TR 61000-3-7)."""
    step = depth * STEP_PST
    powers = sy.at_least(pst * pst * pst - step * step * step, _PST**3)
    return sy.exponential(sy.log(powers) / 3.0)


def estimate(x: Value, known: Readings) -> tuple[Value, Value, Value]:
    """Indicators and inputs of the network, from the columns `FEATURES`.

    Returns:
        The unified index that the formula gives, cut at `MOST`, [n, 1]; the indicators in the order of
        `quality_index.INDICATORS`, cut at `SHOWN`, [n, 6]; the network's inputs, [n, k].
    """
    v = _of(x, "v_a_pu", "v_b_pu", "v_c_pu") - 1.0
    up = v / (_of(x, "v_max_limit_pu") - 1.0)
    down = v / (_of(x, "v_min_limit_pu") - 1.0)
    thd = _of(x, "thd_worst_pct")
    steady = sy.beside(
        [
            sy.largest(sy.at_least(up, down)),
            _of(x, "vuf_line_pct") / _of(x, "vuf_limit_pct"),
            sy.at_least(
                thd / _of(x, "thd_limit_pct"), thd * known.single_share / _of(x, "harmonic_limit_pct")
            ),
            sy.absolute(_of(x, "f_dev_hz")) / _of(x, "f_dev_limit_hz"),
        ]
    )
    pst, limit, severity = _of(x, "pst"), _of(x, "pst_limit"), _of(x, "event_severity_10min")
    flagged = sy.at_most(severity / LEAST_SEVERITY, 1.0)
    depth = _of(x, "event_depth_10min_pct") / 100.0
    # An event in these very seconds lies in the spread, which then tells nothing of flicker.
    seen = flagged * _ramp(spread(x) / sy.at_least(depth, _SHALLOW), *_SEEN)
    quiet = sy.at_most(spread(x) * known.flicker, pst) / limit
    quiet = quiet - seen * quiet
    left = _beyond_step(pst, depth) / limit
    flicker = pst / limit + flagged * (quiet - pst / limit)
    index = _unified(sy.beside([steady, flicker, severity]))
    cut = sy.at_most(index, MOST)
    ratios = sy.beside([steady, flicker])
    shares = sy.beside([_of(x, "thd_spread_pct"), _of(x, "thd_mean_pct")]) / sy.at_least(thd, _PERCENT)
    logs = sy.log(
        sy.beside(
            [
                sy.beside([ratios, quiet, left, index]) + _RATIO,
                _of(x, "v_std_pu", "v_step_max_pu") + _VOLTAGE,
                sy.beside([thd, _of(x, "v0_proxy_pct")]) + _PERCENT,
                _of(x, "f_std_hz") + _F_HZ,
                sy.at_least(_of(x, "v_min_dip_pu", "v_max_rise_pu"), 0.0) + _RIPPLE,
                pst + _PST,
            ]
        )
    )
    inputs = sy.beside(
        [
            sy.at_most(sy.beside([ratios, quiet, flagged * left, severity]), MOST),
            flagged,
            seen,
            logs,
            shares,
            _of(x, "s_total_pu", "vuf_limit_pct", "pst_limit"),
        ]
    )
    # In the order of INDICATORS: events before frequency.
    shown = sy.beside([sy.columns(steady, [0, 1, 2]), flicker, severity, sy.columns(steady, [3])])
    return cut, sy.at_least(sy.at_most(shown, SHOWN), 0.0), inputs


def learn(X: Float, *, flagged: NDArray[np.bool_], pst: Float, single_share: Float) -> Readings:
    """What `estimate` must know, from rows whose truth is known.

    Args:
        X: Columns `FEATURES`, [n, 25].
        flagged: Whether a sag or a swell lay in the ten minutes, [n].
        pst: True Pst without it, [n].
        single_share: Largest single harmonic of the true total distortion, [n].
    """
    apart = spread(X)[:, 0]
    telling = ~flagged & (apart > 0) & (pst > np.median(pst))
    flicker = float(np.median(pst[telling] / apart[telling])) if telling.any() else UNTOLD
    return Readings(float(np.median(single_share)), flicker)
