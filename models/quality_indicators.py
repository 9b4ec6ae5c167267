"""From ten seconds of readings to the indicators of the index of power quality of ten minutes.

What a window does not show is whether a sag lay in the ten minutes. The meter's Pst holds it (IEC 61000-4-15
runs on through a sag), but it holds the flicker of loads too, which in its turn is seen in how far the
half-cycle values of each second lie apart. The same Pst is therefore read in two ways: all of it is flicker,
or a single step made it; the step's size follows from IEC 61000-3-3 and the severity from SEMI F47. A
logistic curve on both quantities says how much each way counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models import symbols as sy
from models.symbols import Value

Float = NDArray[np.float64]

FEATURES = (
    "v_a_pu", "v_b_pu", "v_c_pu", "v_std_pu", "v_step_max_pu", "v_min_dip_pu", "v_max_rise_pu",
    "vuf_line_pct", "v0_proxy_pct", "thd_worst_pct", "thd_mean_pct", "thd_spread_pct", "pst", "f_dev_hz",
    "f_std_hz", "s_total_pu", "hour_sin", "hour_cos", "v_min_limit_pu", "v_max_limit_pu", "vuf_limit_pct",
    "thd_limit_pct", "harmonic_limit_pct", "pst_limit", "f_dev_limit_hz",
)  # fmt: skip
_AT = {name: place for place, name in enumerate(FEATURES)}

MOST = 4.0
"""Ratios and indices are cut here for the network: the index is 0 from 100/30 on."""
SHOWN = 10.0
"""Ratios are cut here for the answer."""

STEP_PST = (2.3 / 600.0) ** (1.0 / 3.2) * 100.0
"""Pst of a single step of all of the voltage in ten minutes (IEC 61000-3-3)."""

SHORT_SAG = 0.5
"""Depth that a sag of 20 to 200 ms may have (SEMI F47)."""

# Smallest values that are told apart from nothing: Pst, half-cycle spread, voltage deviations and steps in
# pu, distortion and zero sequence in %, deviation of the frequency in Hz, a ratio.
_PST, _RIPPLE, _VOLTAGE, _PERCENT, _F_HZ, _RATIO = 0.01, 2e-4, 1e-5, 0.02, 1e-4, 0.02
_SURE = 10.0


@dataclass(frozen=True, slots=True)
class Readings:
    """What is learnt of how instruments' values and the index belong together.

    Attributes:
        single_share: Largest single harmonic of the total distortion.
        flicker: Pst of a half-cycle spread of 1 pu.
        sag: Constant of the logistic curve, then its weights of the logarithms of Pst and of the spread.
    """

    single_share: float
    flicker: float
    sag: tuple[float, float, float]


def _of(x: Value, *names: str) -> Value:
    return sy.columns(x, [_AT[name] for name in names])


def _spread(x: Value) -> Value:
    """How far half-cycle values lie apart within a second, pu, [n, 1]."""
    return sy.at_least(_of(x, "v_min_dip_pu") + _of(x, "v_max_rise_pu"), 0.0)


def sag_terms(x: Value) -> Value:
    """What the logistic curve weighs: logarithms of Pst and of the half-cycle spread, [n, 2]."""
    return sy.log(sy.beside([_of(x, "pst") + _PST, _spread(x) + _RIPPLE]))


def _unified(ratio: Value) -> Value:
    """UPQI of `data_contracts.quality_index`, [n, 1]: the largest, plus all but one exceedance beyond it."""
    beyond = sy.at_least(ratio - 1.0, 0.0)
    largest = sy.largest(ratio)
    return largest + sy.dot(beyond, np.ones(5)) - sy.at_least(largest - 1.0, 0.0)


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
    pst, limit = _of(x, "pst"), _of(x, "pst_limit")
    quiet = sy.at_most(_spread(x) * known.flicker, pst)
    terms = sag_terms(x)
    sure = sy.dot(terms, np.array(known.sag[1:])) + known.sag[0]
    sure = sy.at_least(sy.at_most(sure, _SURE), -_SURE)
    sag = sy.logistic(sure)
    all_flicker, severity = pst / limit, pst / (STEP_PST * SHORT_SAG)
    without = _unified(sy.beside([steady, all_flicker]))
    # A sag's exceedance counts beside those of what holds on.
    held = sy.beside([steady, quiet / limit])
    lasting = sy.at_least(held - 1.0, 0.0)
    beyond = sy.dot(lasting, np.ones(5)) + sy.at_least(severity - 1.0, 0.0)
    top = sy.at_least(sy.largest(held), severity)
    with_sag = top + beyond - sy.at_least(top - 1.0, 0.0)
    index = sag * with_sag + without - sag * without
    flicker = all_flicker + sag * (quiet / limit - all_flicker)
    events = sag * severity
    cut = sy.at_most(index, MOST)
    ratios = sy.beside([steady, all_flicker])
    shares = sy.beside([_of(x, "thd_spread_pct"), _of(x, "thd_mean_pct")]) / sy.at_least(thd, _PERCENT)
    logs = sy.log(
        sy.beside(
            [
                sy.beside([ratios, without, with_sag, index]) + _RATIO,
                _of(x, "v_std_pu", "v_step_max_pu") + _VOLTAGE,
                sy.beside([thd, _of(x, "v0_proxy_pct")]) + _PERCENT,
                _of(x, "f_std_hz") + _F_HZ,
                sy.at_least(_of(x, "v_min_dip_pu", "v_max_rise_pu"), 0.0) + _RIPPLE,
            ]
        )
    )
    inputs = sy.beside(
        [
            sy.at_most(sy.beside([ratios, quiet / limit, events]), MOST),
            sag,
            sure / _SURE,
            logs,
            terms,
            shares,
            _of(x, "s_total_pu", "hour_sin", "hour_cos", "vuf_limit_pct", "pst_limit"),
        ]
    )
    # In the order of INDICATORS: events before frequency.
    shown = sy.beside([sy.columns(steady, [0, 1, 2]), flicker, events, sy.columns(steady, [3])])
    return cut, sy.at_least(sy.at_most(shown, SHOWN), 0.0), inputs


def learn(X: Float, *, flagged: NDArray[np.bool_], pst: Float, single_share: Float) -> Readings:
    """What `estimate` must know, from rows whose truth is known.

    Args:
        X: Columns `FEATURES`, [n, 25].
        flagged: Whether a sag or a swell lay in the ten minutes, [n].
        pst: True Pst without it, [n].
        single_share: Largest single harmonic of the true total distortion, [n].
    """
    spread = _spread(X)[:, 0]
    telling = ~flagged & (spread > 0) & (pst > np.median(pst))
    flicker = float(np.median(pst[telling] / spread[telling])) if telling.any() else 1.0 / _RIPPLE
    if flagged.any() and not flagged.all():
        from sklearn.linear_model import LogisticRegression
        from sklearn.preprocessing import StandardScaler

        terms = sag_terms(X)
        scaler = StandardScaler().fit(terms)
        curve = LogisticRegression(C=100.0).fit(scaler.transform(terms), flagged)
        weights = curve.coef_[0] / scaler.scale_
        constant = float(curve.intercept_[0] - weights @ scaler.mean_)
    else:
        weights, constant = np.zeros(2), (_SURE if flagged.any() else -_SURE)
    return Readings(float(np.median(single_share)), flicker, (constant, *weights.tolist()))
