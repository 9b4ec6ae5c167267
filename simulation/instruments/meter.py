"""What the meters say: truth through instrument transformers, clocks, noise, quantisation and lost samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts.ranges import INVALID, QUESTIONABLE
from simulation.engine.network import Complexes
from simulation.errors import SimulationError
from simulation.instruments.accuracy import current_limits, voltage_limits
from simulation.instruments.malfunction import Malfunction
from simulation.instruments.seconds import (
    HALF_CYCLES,
    half_cycle_extremes,
    mean_over_seconds,
    restless_seconds,
)
from simulation.noise import Floats, largest_of
from simulation.scenario.recording import States, Timeline
from simulation.sequence import line_voltages
from substations.description import Substation

# Errors of real devices lie well inside their class: a normal law with this share of the limit as its deviation, cut off.
_SPREAD, _CUT = 0.45, 0.95
# Noise of a one-second mean: voltage in shares of the ratio limit, current, power (of apparent power), frequency in Hz.
_V_NOISE, _I_NOISE, _S_NOISE, _F_NOISE_HZ = 0.02, 3.0e-4, 3.0e-4, 8.0e-4
# Steps of the digital outputs: voltage and current in pu of nominal, power of rated, frequency in Hz.
_V_STEP, _I_STEP, _S_STEP, _F_STEP_HZ = 2.0e-5, 5.0e-5, 2.0e-5, 1.0e-3
# Standard deviation of half-cycle values within a quiet second by voltage level, kV: arcs and starting motors are near 33 kV.
_FLICKER = ((100.0, 5.0e-4), (300.0, 2.5e-4), (np.inf, 1.5e-4))
_CLOCK_S, _LOST_CLOCK_S = 0.005, 0.2
_LOST_CLOCK_SHARE, _LOST_ROW_SHARE, _LOST_RUN_SHARE = 0.004, 0.0010, 0.004
_DEAD_PU = 0.1


@dataclass(frozen=True, slots=True)
class Meters:
    """The points' instruments as their nameplates have them, each of shape [p].

    Attributes:
        nominal_v: Phase-to-neutral nominal voltage.
        rated_a: Rated current.
        rated_va: Rated apparent power of one phase.
        ct_class: Class of the current transformers.
        ratio_limit: Ratio error that the voltage transformers' class allows, fraction.
        phase_limit: Phase displacement that it allows, radian.
        flicker: Standard deviation of half-cycle values in a quiet second, fraction.
        has_line, has_half_cycle: Whether line voltages and half-cycle extremes are measured.
    """

    nominal_v: Floats
    rated_a: Floats
    rated_va: Floats
    ct_class: Floats
    ratio_limit: Floats
    phase_limit: Floats
    flicker: Floats
    has_line: NDArray[np.bool_]
    has_half_cycle: NDArray[np.bool_]

    @classmethod
    def of(cls, substation: Substation) -> Meters:
        """Read the nameplates of all points, in the description's order."""
        points = substation.points
        ratio, phase = voltage_limits(np.array([point.vt_class for point in points]))
        return cls(
            nominal_v=np.array([point.nominal_kv * 1e3 / np.sqrt(3.0) for point in points]),
            rated_a=np.array([point.rated_a for point in points]),
            rated_va=np.array([point.rated_mva * 1e6 / 3.0 for point in points]),
            ct_class=np.array([point.ct_class for point in points]),
            ratio_limit=ratio,
            phase_limit=phase,
            flicker=np.array([next(s for kv, s in _FLICKER if point.nominal_kv < kv) for point in points]),
            has_line=np.array(["v_ll" in point.measures for point in points]),
            has_half_cycle=np.array(["v_min" in point.measures for point in points]),
        )


@dataclass(frozen=True, slots=True)
class Readings:
    """What the meters said: SI units, NaN where nothing was said. Shapes [p, t, 3], frequency and quality [p, t]."""

    v: Floats
    i: Floats
    p: Floats
    q: Floats
    f: Floats
    v_ll: Floats
    v_min: Floats
    v_max: Floats
    quality: NDArray[np.int8]


def observe(
    rng: np.random.Generator,
    meters: Meters,
    states: States,
    timeline: Timeline,
    f_hz: Floats,
    malfunctions: tuple[Malfunction, ...],
) -> Readings:
    """Read every meter in every second.

    Each device's ratio and phase error is drawn once for the episode, inside its class. Powers and line voltages are
    computed by the meter from the same transformed phasors, so that one device's error shows in all of them.

    Args:
        rng: Source of randomness.
        meters: Nameplates.
        states: True phasors.
        timeline: Which state acts when.
        f_hz: True frequency, shape [t].
        malfunctions: What is wrong beyond the classes; only in episodes of whole seconds.
    """
    points, seconds = meters.nominal_v.size, timeline.seconds
    skew_s = np.clip(_CLOCK_S * rng.standard_normal(points), -0.02, 0.02)
    lost_clock = rng.random(points) < _LOST_CLOCK_SHARE
    skew_s[lost_clock] = rng.uniform(-_LOST_CLOCK_S, _LOST_CLOCK_S, int(lost_clock.sum()))
    v, i = _transformed(rng, meters, states, timeline, malfunctions)
    s = v * np.conj(i)
    stacked = np.concatenate([np.abs(v), np.abs(line_voltages(v)), np.abs(i), s.real, s.imag], axis=2)
    means = mean_over_seconds(timeline, stacked, skew_s)
    noise = rng.standard_normal((points, seconds, 15))
    v_noise = (_V_NOISE * meters.ratio_limit)[:, None, None]
    lows = 1.0 - meters.flicker[:, None, None] * largest_of(rng, HALF_CYCLES, (points, seconds, 3))
    highs = 1.0 + meters.flicker[:, None, None] * largest_of(rng, HALF_CYCLES, (points, seconds, 3))
    _freeze(malfunctions, noise, lows, highs)
    v_mean = means[..., 0:3] * (1.0 + v_noise * noise[..., 0:3])
    v_ll = means[..., 3:6] * (1.0 + v_noise * noise[..., 3:6])
    i_mean = means[..., 6:9] * (1.0 + _I_NOISE * noise[..., 6:9])
    apparent = means[..., 0:3] * means[..., 6:9]
    p = means[..., 9:12] + _S_NOISE * apparent * noise[..., 9:12]
    q = means[..., 12:15] + _S_NOISE * apparent * noise[..., 12:15]
    v_min, v_max = v_mean.copy(), v_mean.copy()
    restless = restless_seconds(timeline)
    if restless.size:
        v_min[:, restless], v_max[:, restless] = half_cycle_extremes(timeline, np.abs(v), skew_s, restless)
    v_min *= lows
    v_max *= highs
    f = f_hz + _F_NOISE_HZ * rng.standard_normal((points, seconds))
    quality = np.zeros((points, seconds), dtype=np.int8)
    quality[lost_clock] = QUESTIONABLE
    _without_frequency(v_mean / meters.nominal_v[:, None, None], f, quality)
    v_step = (_V_STEP * meters.nominal_v)[:, None, None]
    s_step = (_S_STEP * meters.rated_va)[:, None, None]
    readings = Readings(
        v=_rounded(v_mean, v_step),
        i=_rounded(i_mean, (_I_STEP * meters.rated_a)[:, None, None]),
        p=_rounded(p, s_step),
        q=_rounded(q, s_step),
        f=_rounded(f, np.asarray(_F_STEP_HZ)),
        v_ll=np.where(meters.has_line[:, None, None], _rounded(v_ll, v_step), np.nan),
        v_min=np.where(meters.has_half_cycle[:, None, None], _rounded(v_min, v_step), np.nan),
        v_max=np.where(meters.has_half_cycle[:, None, None], _rounded(v_max, v_step), np.nan),
        quality=quality,
    )
    _hold_whole_meters(malfunctions, readings)
    _lose_samples(rng, readings)
    return readings


def _transformed(
    rng: np.random.Generator,
    meters: Meters,
    states: States,
    timeline: Timeline,
    malfunctions: tuple[Malfunction, ...],
) -> tuple[Complexes, Complexes]:
    """Phasors after the instrument transformers and what is wrong with them, shape [k, p, 3] each."""
    points = meters.nominal_v.size
    drawn = np.clip(_SPREAD * rng.standard_normal((4, points, 3)), -_CUT, _CUT)
    ratio = 1.0 + drawn[0] * meters.ratio_limit[:, None]
    v = states.v * (ratio * np.exp(1j * drawn[1] * meters.phase_limit[:, None]))
    load_pu = np.abs(states.i) / meters.rated_a[:, None]
    i_ratio, i_phase = current_limits(meters.ct_class, load_pu)
    i = states.i * ((1.0 + drawn[2] * i_ratio) * np.exp(1j * drawn[3] * i_phase))
    for each in malfunctions:
        if not timeline.is_steady:
            raise SimulationError("a malfunction was drawn for an episode whose seconds are divided", "draw one of them")
        v[timeline.state, each.point] = v[timeline.state, each.point][:, each.wiring] * each.gain
    return v, i


def _freeze(malfunctions: tuple[Malfunction, ...], noise: Floats, lows: Floats, highs: Floats) -> None:
    """A register that stands still has no noise of its own."""
    for each in malfunctions:
        for phase in np.flatnonzero(each.held):
            first = each.held_from
            noise[each.point, first:, phase] = noise[each.point, first, phase]
            lows[each.point, first:, phase] = lows[each.point, first, phase]
            highs[each.point, first:, phase] = highs[each.point, first, phase]


def _hold_whole_meters(malfunctions: tuple[Malfunction, ...], readings: Readings) -> None:
    channels = (readings.v, readings.i, readings.p, readings.q, readings.v_ll, readings.v_min, readings.v_max)
    for each in malfunctions:
        if all(each.held):
            for channel in (*channels, readings.f):
                channel[each.point, each.held_from :] = channel[each.point, each.held_from]


def _without_frequency(v_pu: Floats, f: Floats, quality: NDArray[np.int8]) -> None:
    """A meter without voltage keeps the last frequency that it measured and calls its sample questionable."""
    dead = v_pu.max(axis=2) < _DEAD_PU
    for point in np.flatnonzero(dead.any(axis=1)):
        for second in np.flatnonzero(dead[point]):
            quality[point, second] = max(quality[point, second], QUESTIONABLE)
            if second:
                f[point, second] = f[point, second - 1]


def _lose_samples(rng: np.random.Generator, readings: Readings) -> None:
    points, seconds = readings.f.shape
    lost = rng.random((points, seconds)) < _LOST_ROW_SHARE
    for point in np.flatnonzero(rng.random(points) < _LOST_RUN_SHARE):
        first = int(rng.integers(0, seconds))
        lost[point, first : first + int(rng.integers(2, 7))] = True
    for channel in (readings.v, readings.i, readings.p, readings.q, readings.v_ll, readings.v_min, readings.v_max):
        channel[lost] = np.nan
    readings.f[lost] = np.nan
    readings.quality[lost] = INVALID


def _rounded(values: Floats, step: Floats) -> Floats:
    return np.asarray(np.round(values / step) * step)
