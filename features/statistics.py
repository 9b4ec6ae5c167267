"""Statistics over a window that the features share, computed for all channels at once.

Where nothing is missing, masks and counts are left out. Both ways give the same bits, so that a window's
features do not depend on the windows that are computed together with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features import channels as ch
from features import worst as wo
from features.components import VoltageComponents, voltage_components
from features.moments import Mask, Moments, at_least, means, moments
from features.numbers import TEN, THREE, ZERO
from features.phasors import ROOT3, sequence_currents
from features.windows import Windows
from features.workspace import Workspace

Float = NDArray[np.float64]

# Steps before the rolling part.
BEFORE = ch.WINDOW - ch.ROLLING

# What each channel is divided by: a row of (1, v_nom, i_rated, s_rated) times a factor.
BASE = np.zeros(ch.CHANNELS, np.int64)
BASE_FACTOR = np.ones((ch.CHANNELS, 1))
for _rows, _base, _factor in (
    (ch.V_MIN, 1, 1.0),
    (ch.V_MAX, 1, 1.0),
    (ch.V_LL, 1, ROOT3),
    (ch.POWER, 3, 1.0 / 3.0),
    (ch.I, 2, 1.0),
    (ch.V, 1, 1.0),
):
    BASE[_rows] = _base
    BASE_FACTOR[_rows] = _factor

# Below this apparent power, per unit of the rating, a power factor is noise and is not given.
S_LEAST_PU = np.array(1e-6)


@dataclass(slots=True, eq=False)
class Statistics:
    """Statistics of m windows; rows as in `features.channels`, per unit (f in Hz).

    Attributes:
        mean: Mean of the valid samples, [36, m].
        core: Spread and trend of the core rows, [17, m].
        low: Smallest valid sample of the core rows, [12, m].
        high: Largest valid sample of the core rows, [12, m].
        step: Largest absolute first difference of the core rows, [12, m].
        i_square: Mean over phases and readings of the squared current, [m].
        rolled: Mean, std, min, max and slope of the last five samples of f, p, q, i, v, [5, 5, m].
        phase_mean: Mean over the three phases of the means of v_ll, p, q, i, v, [5, m].
        phase_deviation: Means of the phases minus that, [5, 3, m].
        factor: Power factor of the phases and of the three together, NaN below `S_LEAST_PU`, [4, m].
        reactive_factor: Q/S of the three together, [m].
        apparent: √(P² + Q²) of the means of the phases and of the three together, [4, m].
        worst: Largest over the phases, [24, m] (see `features.worst`).
        voltage: Symmetrical components of the voltages.
        i_sequence: Zero, positive and negative sequence of the mean currents, [3, m].
        vi_base: Rated volt-amperes of a phase by V·I over those by S/3, [m].
        missing_share: Share of the samples of v, i, p, q and f that are missing, [m].
        questionable_share: Share of the readings with quality questionable, [m].
        t_end: Unix time of the last reading, s, [m].
        utc_offset_s: Local time minus UTC, s, [m].
        f_nom_hz: Nominal frequency, Hz, [m].
        f_hz: Frequency, NaN where missing, Hz, [10, m]; valid until the scratch memory is used again.
        f_count: Valid samples of it, NaN without one, [m].
        v_nom_v: Nominal phase-to-neutral voltage, V, [m].
    """

    mean: Float
    core: Moments
    low: Float
    high: Float
    step: Float
    i_square: Float
    rolled: Float
    phase_mean: Float
    phase_deviation: Float
    factor: Float
    reactive_factor: Float
    apparent: Float
    worst: Float
    voltage: VoltageComponents
    i_sequence: Float
    vi_base: Float
    missing_share: Float
    questionable_share: Float
    t_end: Float
    utc_offset_s: Float
    f_nom_hz: Float
    f_hz: Float
    f_count: Float
    v_nom_v: Float


def statistics(windows: Windows, start: int, stop: int, space: Workspace) -> Statistics:
    """The statistics of `windows[start:stop]`, computed in `space`."""
    part = slice(start, stop)
    quality = windows.quality[:, part]
    x, base = _per_unit(windows, part, space)
    questionable: Float = ZERO
    if np.count_nonzero(quality):
        np.copyto(x[:, : ch.S3 + 1], np.nan, where=(quality == ch.INVALID)[:, None, :])
        questionable = np.add.reduce(quality == ch.QUESTIONABLE, axis=0) / TEN
    recent = x[:, ch.RECENT]
    recent[:BEFORE] = 0.0
    recent[BEFORE:] = x[BEFORE:, ch.RECENT_OF]
    mean, mask = means(x, space)
    core, core_mask = x[:, ch.CORE], None if mask is None else mask.part(_inside(ch.CORE))
    spread = moments(core, mean[ch.CORE], core_mask, space)
    whole = core[:, ch.C_WHOLE]
    low, high = np.fmin.reduce(whole, axis=0), np.fmax.reduce(whole, axis=0)
    steps = wo.step_rows(whole, space)
    phases = mean[ch.PHASED].reshape(5, 3, -1)
    phase_mean = (phases[:, 0] + phases[:, 1] + phases[:, 2]) / THREE
    deviation = phases - phase_mean[:, None]
    apparent, factor, reactive_factor = _power(mean)
    i_square = _mean_square(spread, mean[ch.I], core_mask)

    worst = wo.Worst(x.shape[2])
    worst.levels(low, high, deviation, i_square)
    worst.shapes(spread, steps, factor)
    worst.seconds(x)
    return Statistics(
        mean=mean,
        core=spread,
        low=low,
        high=high,
        step=steps.largest,
        i_square=(i_square[0] + i_square[1] + i_square[2]) / THREE,
        rolled=_rolled(recent[BEFORE:], mean[ch.RECENT], spread),
        phase_mean=phase_mean,
        phase_deviation=deviation,
        factor=factor,
        reactive_factor=reactive_factor,
        apparent=apparent,
        worst=worst.largest(),
        voltage=voltage_components(mean[ch.V], mean[ch.V_LL]),
        i_sequence=sequence_currents(mean[ch.I], mean[ch.POWER].reshape(2, 3, -1), apparent[:3]),
        vi_base=base[ch.V.start] * base[ch.I.start] / base[ch.P.start],
        missing_share=_missing_share(mask),
        questionable_share=questionable,
        t_end=windows.t_end[part],
        utc_offset_s=windows.utc_offset_s[part],
        f_nom_hz=windows.f_nom_hz[part],
        f_hz=x[:, ch.F],
        f_count=TEN if mask is None else at_least(mask.count[ch.F - ch.MAIN.start], 1),
        v_nom_v=windows.v_nom_v[part],
    )


def _per_unit(windows: Windows, part: slice, space: Workspace) -> tuple[Float, Float]:
    """Samples of the chunk and their three-phase rows per unit, [10, 36, m], and the bases, [26, m].

    The recent rows are left to be filled.
    """
    v_nom = windows.v_nom_v[part]
    m = v_nom.shape[0]
    nominal = np.empty((4, m))
    nominal[0] = 1.0
    nominal[1] = v_nom
    nominal[2] = windows.i_rated_a[part]
    nominal[3] = windows.s_rated_va[part]
    base = nominal[BASE]
    base *= BASE_FACTOR
    samples = windows.samples[:, :, part]
    x = space.take(ch.WINDOW, ch.ROWS, m)
    np.divide(samples, base, out=x[:, : ch.CHANNELS])
    # P, Q, I and V follow each other, phases a, b, c each: every third row is one phase of the four.
    a, b, c = (slice(ch.POWER.start + phase, ch.V.stop, 3) for phase in range(3))
    three = np.add(samples[:, a], samples[:, b], out=space.take(ch.WINDOW, 4, m))
    three += samples[:, c]
    three /= THREE * base[a]
    x[:, ch.THREE_PHASE] = three
    three *= three
    np.sqrt(three[:, 0] + three[:, 1], out=x[:, ch.S3])
    return x, base


def _inside(rows: slice) -> slice:
    """Rows of the whole as rows of the main block."""
    return slice(rows.start - ch.MAIN.start, rows.stop - ch.MAIN.start)


def _missing_share(mask: Mask | None) -> Float:
    """Share of the samples of v, i, p, q and f that are missing."""
    if mask is None:
        return ZERO
    count = mask.count[: ch.CHANNELS - ch.MAIN.start]
    return np.asarray(1.0 - np.add.reduce(count, axis=0) / float(count.shape[0] * ch.WINDOW))


def _power(mean: Float) -> tuple[Float, Float, Float]:
    """Apparent power and power factor of the phases and of all three, [4, m] each, and Q/S of all three."""
    power = np.empty((2, 4, mean.shape[1]))
    power[:, :3] = mean[ch.POWER].reshape(2, 3, -1)
    power[:, 3] = mean[ch.THREE_PHASE.start : ch.THREE_PHASE.start + 2]
    squares = power * power
    apparent = np.sqrt(squares[0] + squares[1])
    known = apparent.copy()
    # A comparison with NaN is false, so that a missing power stays missing.
    known[known < S_LEAST_PU] = np.nan
    return apparent, power[0] / known, power[1, 3] / known[3]


def _mean_square(spread: Moments, mean: Float, mask: Mask | None) -> Float:
    """Mean of the squared currents of the phases, [3, m]; NaN without a sample."""
    count = TEN if mask is None else at_least(mask.count[ch.C_I], 1)
    return np.asarray(spread.square_sum[ch.C_I] / count + mean * mean)


def _rolled(recent: Float, mean: Float, spread: Moments) -> Float:
    """Mean, std, min, max and slope of the last five samples of f, p, q, i, v, [5, 5, m]."""
    out = np.empty((5, *mean.shape))
    out[0] = mean
    out[1] = spread.std[ch.C_RECENT]
    np.fmin.reduce(recent, axis=0, out=out[2])
    np.fmax.reduce(recent, axis=0, out=out[3])
    out[4] = spread.slope[ch.C_RECENT]
    return out
