"""What the meters say: truth through instrument transformers, clocks, noise, steps and lost samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts.ranges import INVALID, QUESTIONABLE
from simulation.engine.network import Complexes
from simulation.errors import SimulationError
from simulation.instruments.accuracy import current_limits
from simulation.instruments.distortion import MeteredDistortion
from simulation.instruments.malfunction import Malfunction
from simulation.instruments.meters import CHANNELS, Meters
from simulation.instruments.seconds import (
    HALF_CYCLES,
    half_cycle_extremes,
    mean_over_seconds,
    restless_seconds,
)
from simulation.noise import Floats, largest_of
from simulation.scenario.recording import States, Timeline
from simulation.sequence import line_voltages

# Errors of real devices lie well inside their class: a normal law with this share of the limit as its
# deviation, cut off at another share of it.
_SPREAD, _CUT = 0.45, 0.95
# Noise of a one-second mean: voltage in shares of the ratio limit, current, power (of apparent power),
# frequency in Hz.
_V_NOISE, _I_NOISE, _S_NOISE, _F_NOISE_HZ = 0.02, 3.0e-4, 3.0e-4, 3.0e-4
_F_STEP_HZ = 1.0e-3
# Standard deviation of a synchronised clock and the most by which it is off; how far an unsynchronised one is
# off.
_CLOCK_S, _CLOCK_CUT_S, _LOST_CLOCK_S = 0.005, 0.02, 0.2
# Shares of the points that have lost their clock's signal and that lose a run of samples; share of lost rows.
_LOST_CLOCK_SHARE, _LOST_RUN_SHARE, _LOST_ROW_SHARE = 0.004, 0.004, 0.0010
_LOST_RUN = (2, 7)
# How much the flicker of a point differs from episode to episode (standard deviation of its logarithm).
_FLICKER_SPREAD = 0.3
_DEAD_PU = 0.1

Singles = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Readings:
    """What the meters said: SI units, NaN where nothing was said.

    Attributes:
        channels: Channels in the order of `meters.CHANNELS`, shape [p, t, 21].
        f: Frequency, shape [p, t].
        quality: Validity, shape [p, t].
        thd: Total harmonic distortion of the phase voltages, %, shape [p, t, 3]; None where harmonics were
            not solved.
        errors: Ratio and phase errors of the devices of voltage, then of current, as complex factors, shape
            [2, p, 3].
    """

    channels: Floats
    f: Floats
    quality: NDArray[np.int8]
    thd: Floats | None
    errors: Complexes

    @property
    def v(self) -> Floats:
        """Phase voltages, means, V, shape [p, t, 3]; a view."""
        return self.channels[..., 0:3]

    @property
    def v_ll(self) -> Floats:
        """Line voltages ab, bc, ca, means, V, shape [p, t, 3]; a view."""
        return self.channels[..., 3:6]

    @property
    def i(self) -> Floats:
        """Currents, means, A, shape [p, t, 3]; a view."""
        return self.channels[..., 6:9]

    @property
    def p(self) -> Floats:
        """Active powers, means, W, shape [p, t, 3]; a view."""
        return self.channels[..., 9:12]

    @property
    def q(self) -> Floats:
        """Reactive powers, means, var, shape [p, t, 3]; a view."""
        return self.channels[..., 12:15]

    @property
    def v_min(self) -> Floats:
        """Smallest half-cycle values of the phase voltages, V, shape [p, t, 3]; a view."""
        return self.channels[..., 15:18]

    @property
    def v_max(self) -> Floats:
        """Largest half-cycle values of the phase voltages, V, shape [p, t, 3]; a view."""
        return self.channels[..., 18:21]


def observe(
    rng: np.random.Generator,
    meters: Meters,
    states: States,
    timeline: Timeline,
    f_hz: Floats,
    *,
    malfunctions: tuple[Malfunction, ...] = (),
    distortion: MeteredDistortion | None = None,
) -> Readings:
    """Read every meter in every second.

    Each device's ratio and phase error is drawn once for the episode, inside its class. Powers and line
    voltages are computed by the meter from the same transformed phasors, so that one device's error shows in
    all of them.

    Args:
        rng: Source of randomness.
        meters: Nameplates.
        states: True phasors.
        timeline: Which state acts when.
        f_hz: True frequency, shape [t].
        malfunctions: What is wrong beyond the classes; only in episodes of undivided seconds.
        distortion: What the harmonics add, where they were solved.
    """
    points, seconds = meters.nominal_v.size, timeline.seconds
    skew_s = np.clip(_CLOCK_S * rng.standard_normal(points), -_CLOCK_CUT_S, _CLOCK_CUT_S)
    lost_clock = rng.random(points) < _LOST_CLOCK_SHARE
    skew_s[lost_clock] = rng.uniform(-_LOST_CLOCK_S, _LOST_CLOCK_S, int(lost_clock.sum()))
    v, i, errors = _transformed(rng, meters, states, timeline, malfunctions)
    v_abs, s = np.abs(v), v * np.conj(i)
    stacked = np.concatenate([v_abs, np.abs(line_voltages(v)), np.abs(i), s.real, s.imag], axis=2)
    means = mean_over_seconds(timeline, stacked, skew_s)
    if distortion is not None:
        _distort(means, distortion)
    # Single precision is plenty for noise, and twice as fast to draw.
    noise = rng.standard_normal((points, seconds, 15), dtype=np.float32)
    # Extremes of half-cycle values lie so many standard deviations below and above the mean.
    flicker = meters.flicker * np.exp(_FLICKER_SPREAD * rng.standard_normal(points))
    tails = flicker[:, None, None] * largest_of(rng, HALF_CYCLES, (points, seconds, 6))
    _freeze(malfunctions, noise, tails)
    said = np.empty((points, seconds, len(CHANNELS)))
    apparent = means[..., 0:3] * means[..., 6:9]
    said[..., 0:6] = means[..., 0:6] * (
        1.0 + (_V_NOISE * meters.ratio_limit)[:, None, None] * noise[..., 0:6]
    )
    said[..., 6:9] = means[..., 6:9] * (1.0 + _I_NOISE * noise[..., 6:9])
    said[..., 9:12] = means[..., 9:12] + _S_NOISE * apparent * noise[..., 9:12]
    said[..., 12:15] = means[..., 12:15] + _S_NOISE * apparent * noise[..., 12:15]
    said[..., 15:18] = said[..., 18:21] = said[..., 0:3]
    restless = restless_seconds(timeline)
    if restless.size:
        low, high = half_cycle_extremes(timeline, v_abs, skew_s, restless)
        said[:, restless, 15:18], said[:, restless, 18:21] = low, high
    said[..., 15:18] *= 1.0 - tails[..., :3]
    said[..., 18:21] *= 1.0 + tails[..., 3:]
    f = f_hz + _F_NOISE_HZ * rng.standard_normal((points, seconds))
    quality = np.zeros((points, seconds), dtype=np.int8)
    quality[lost_clock] = QUESTIONABLE
    _without_frequency(said[..., 0:3] / meters.nominal_v[:, None, None], f, quality)
    channels = np.rint(said / meters.steps) * (meters.steps * meters.blank)
    thd = None if distortion is None else distortion.thd_pct.copy()
    readings = Readings(channels, np.rint(f / _F_STEP_HZ) * _F_STEP_HZ, quality, thd, errors)
    _hold_whole_meters(malfunctions, readings)
    _lose_samples(rng, readings)
    return readings


def _transformed(
    rng: np.random.Generator,
    meters: Meters,
    states: States,
    timeline: Timeline,
    malfunctions: tuple[Malfunction, ...],
) -> tuple[Complexes, Complexes, Complexes]:
    """Phasors after the instrument transformers and what is wrong with them, and the devices' own errors.

    Returns:
        Voltages and currents, shape [k, p, 3] each; complex factors of both, shape [2, p, 3].
    """
    points = meters.nominal_v.size
    drawn = np.clip(_SPREAD * rng.standard_normal((4, points, 3)), -_CUT, _CUT)
    ratio = 1.0 + drawn[0] * meters.ratio_limit[:, None]
    v_error = ratio * np.exp(1j * drawn[1] * meters.phase_limit[:, None])
    v = states.v * v_error
    # The errors of a current transformer change little within an episode: they are taken at its middle
    # current.
    load_pu = np.median(np.abs(states.i), axis=0) / meters.rated_a[:, None]
    i_ratio, i_phase = current_limits(meters.ct_class, load_pu)
    i_error = (1.0 + drawn[2] * i_ratio) * np.exp(1j * drawn[3] * i_phase)
    i = states.i * i_error
    for each in malfunctions:
        if not timeline.is_steady:
            raise SimulationError(
                "a malfunction was drawn for an episode whose seconds are divided", "draw one or the other"
            )
        own = timeline.state
        v[own, each.point] = v[own, each.point][:, each.wiring] * each.gain
    return v, i, np.stack([v_error, i_error])


def _distort(means: Floats, distortion: MeteredDistortion) -> None:
    """Add the harmonics to means of the fundamental: RMS, active power, and what is left of V·I.

    The meters' Q is the non-active power √((V·I)² − P²) with the sign of the fundamental's (IEEE 1459,
    3.1.2): harmonic currents that carry no power show in it.
    """
    means[..., 0:3] *= distortion.v
    means[..., 3:6] *= distortion.v_ll
    means[..., 6:9] *= distortion.i
    means[..., 9:12] += distortion.p_w
    apparent = means[..., 0:3] * means[..., 6:9]
    rest = np.sqrt(np.maximum(apparent**2 - means[..., 9:12] ** 2, 0.0))
    means[..., 12:15] = np.copysign(rest, means[..., 12:15])


def _freeze(malfunctions: tuple[Malfunction, ...], noise: Singles, tails: Floats) -> None:
    """A register that stands still has no noise of its own."""
    for each in malfunctions:
        for phase in np.flatnonzero(each.held):
            point, first = each.point, each.held_from
            noise[point, first:, phase] = noise[point, first, phase]
            for column in (phase, 3 + phase):
                tails[point, first:, column] = tails[point, first, column]


def _hold_whole_meters(malfunctions: tuple[Malfunction, ...], readings: Readings) -> None:
    for each in malfunctions:
        if all(each.held):
            for channel in (readings.channels, readings.f):
                channel[each.point, each.held_from :] = channel[each.point, each.held_from]


def _without_frequency(v_pu: Floats, f: Floats, quality: NDArray[np.int8]) -> None:
    """A meter without voltage keeps the last frequency that it measured and calls its sample questionable."""
    dead = v_pu.max(axis=2) < _DEAD_PU
    for point in np.flatnonzero(dead.any(axis=1)):
        for second in np.flatnonzero(dead[point]):
            quality[point, second] = QUESTIONABLE
            if second:
                f[point, second] = f[point, second - 1]


def _lose_samples(rng: np.random.Generator, readings: Readings) -> None:
    points, seconds = readings.f.shape
    lost = rng.random((points, seconds)) < _LOST_ROW_SHARE
    for point in np.flatnonzero(rng.random(points) < _LOST_RUN_SHARE):
        first = int(rng.integers(0, seconds))
        lost[point, first : first + int(rng.integers(*_LOST_RUN))] = True
    readings.channels[lost] = np.nan
    readings.f[lost] = np.nan
    readings.quality[lost] = INVALID
    if readings.thd is not None:
        readings.thd[lost] = np.nan
