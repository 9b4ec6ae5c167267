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
from simulation.instruments.flicker import MeteredFlicker
from simulation.instruments.luck import Luck, Singles, draw_luck
from simulation.instruments.malfunction import Malfunction
from simulation.instruments.meters import CHANNELS, Meters
from simulation.instruments.seconds import half_cycle_extremes, mean_over_seconds, restless_seconds
from simulation.noise import Floats
from simulation.scenario.recording import States, Timeline
from simulation.sequence import line_voltages

# Errors of real devices lie well inside their class: a normal law with this share of the limit as its
# deviation, cut off at another share of it.
_SPREAD, _CUT = 0.45, 0.95
# Noise of a one-second mean: voltage in shares of the ratio limit, current, power (of apparent power),
# frequency in Hz.
_V_NOISE, _I_NOISE, _S_NOISE, _F_NOISE_HZ = 0.02, 3.0e-4, 3.0e-4, 3.0e-4
_F_STEP_HZ = 1.0e-3
# How much the flicker of a point differs from episode to episode (standard deviation of its logarithm).
_FLICKER_SPREAD = 0.3
_DEAD_PU = 0.1


@dataclass(frozen=True, slots=True)
class Readings:
    """What the meters said: SI units, NaN where nothing was said.

    Attributes:
        channels: Channels in the order of `meters.CHANNELS`, shape [p, t, 21].
        f: Frequency, shape [p, t].
        quality: Validity, shape [p, t].
        thd: Total harmonic distortion of the phase voltages, %, shape [p, t, 3]; None where harmonics were
            not solved.
        pst: Short-term flicker severity of the worst phase, shape [p, t]; None where it was not simulated.
        errors: Ratio and phase errors of the devices of voltage, then of current, as complex factors, shape
            [2, p, 3].
    """

    channels: Floats
    f: Floats
    quality: NDArray[np.int8]
    thd: Floats | None
    pst: Floats | None
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
    flicker: MeteredFlicker | None = None,
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
        flicker: What fluctuating loads add; a quiet second's own flicker of the level where None.
    """
    points, seconds = meters.nominal_v.size, timeline.seconds
    luck = draw_luck(rng, points, seconds)
    v, i, errors = _transformed(luck, meters, states, timeline, malfunctions)
    # Here and below each channel lies together in memory, whatever the order of the axes.
    by_state = np.empty((15, points, v.shape[0])).transpose(2, 1, 0)
    np.abs(v, out=by_state[..., 0:3])
    np.abs(line_voltages(v), out=by_state[..., 3:6])
    np.abs(i, out=by_state[..., 6:9])
    s = v * np.conj(i)
    by_state[..., 9:12], by_state[..., 12:15] = s.real, s.imag
    means = mean_over_seconds(timeline, by_state, luck.skew_s)
    if distortion is not None:
        _distort(means, distortion)
    # Extremes of half-cycle values lie so many standard deviations below and above the mean.
    tails = luck.tails
    if flicker is None:
        tails *= (meters.flicker * np.exp(_FLICKER_SPREAD * luck.flicker))[:, None, None]
    else:
        tails *= np.concatenate([flicker.sigma, flicker.sigma], axis=2)
    _freeze(malfunctions, luck.noise, tails)
    said = np.empty((len(CHANNELS), points, seconds)).transpose(1, 2, 0)
    factor = luck.noise[..., 0:9] * _relative_noise(meters)
    factor += 1.0
    np.multiply(means[..., 0:9], factor, out=said[..., 0:9])
    apparent = means[..., 0:3] * means[..., 6:9]
    apparent *= _S_NOISE
    for own in (slice(9, 12), slice(12, 15)):
        np.multiply(luck.noise[..., own], apparent, out=said[..., own])
        said[..., own] += means[..., own]
    lowest, highest = said[..., 15:18], said[..., 18:21]
    lowest[:] = highest[:] = said[..., 0:3]
    restless = restless_seconds(timeline)
    if restless.size:
        lowest[:, restless], highest[:, restless] = half_cycle_extremes(
            timeline, by_state[..., 0:3], luck.skew_s, restless
        )
    lowest *= 1.0 - tails[..., :3]
    highest *= 1.0 + tails[..., 3:]
    f = f_hz + _F_NOISE_HZ * luck.f
    quality = np.zeros((points, seconds), dtype=np.int8)
    quality[luck.lost_clock] = QUESTIONABLE
    _without_frequency(said[..., 0:3], _DEAD_PU * meters.nominal_v, f, quality)
    said /= meters.steps
    np.rint(said, out=said)
    said *= meters.steps * meters.blank
    thd = None if distortion is None else distortion.thd_pct.copy()
    pst = None if flicker is None else flicker.pst.copy()
    readings = Readings(said, np.rint(f / _F_STEP_HZ) * _F_STEP_HZ, quality, thd, pst, errors)
    _hold_whole_meters(malfunctions, readings)
    _lose_samples(luck.lost, readings)
    return readings


def _relative_noise(meters: Meters) -> Floats:
    """Noise of voltages and currents as a share of their mean, shape [p, 1, 9]."""
    noise = np.full((meters.ratio_limit.size, 1, 9), _I_NOISE)
    noise[:, 0, 0:6] = (_V_NOISE * meters.ratio_limit)[:, None]
    return noise


def _transformed(
    luck: Luck,
    meters: Meters,
    states: States,
    timeline: Timeline,
    malfunctions: tuple[Malfunction, ...],
) -> tuple[Complexes, Complexes, Complexes]:
    """Phasors after the instrument transformers and what is wrong with them, and the devices' own errors.

    Returns:
        Voltages and currents, shape [k, p, 3] each; complex factors of both, shape [2, p, 3].
    """
    drawn = np.clip(_SPREAD * luck.devices, -_CUT, _CUT)
    ratio = 1.0 + drawn[0] * meters.ratio_limit[:, None]
    v_error = ratio * np.exp(1j * drawn[1] * meters.phase_limit[:, None])
    v = np.empty(states.v.shape[::-1], dtype=np.complex128).transpose(2, 1, 0)
    np.multiply(states.v, v_error, out=v)
    # The errors of a current transformer change little within an episode: they are taken at its middle
    # current.
    load_pu = _middle(np.abs(states.i)) / meters.rated_a[:, None]
    i_ratio, i_phase = current_limits(meters.ct_class, load_pu)
    i_error = (1.0 + drawn[2] * i_ratio) * np.exp(1j * drawn[3] * i_phase)
    i = np.empty_like(v)
    np.multiply(states.i, i_error, out=i)
    for each in malfunctions:
        if not timeline.is_steady:
            raise SimulationError(
                "a malfunction was drawn for an episode whose seconds are divided", "draw one or the other"
            )
        own = timeline.state
        v[own, each.point] = v[own, each.point][:, each.wiring] * each.gain
        if each.current_gain is not None:
            i[own, each.point] *= np.array(each.current_gain)
    return v, i, np.stack([v_error, i_error])


def _middle(values: Floats) -> Floats:
    """Median over the first axis."""
    ordered, half = np.sort(values, axis=0), values.shape[0] // 2
    return np.asarray(ordered[half] if values.shape[0] % 2 else 0.5 * (ordered[half - 1] + ordered[half]))


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


def _without_frequency(v: Floats, dead_v: Floats, f: Floats, quality: NDArray[np.int8]) -> None:
    """A meter without voltage keeps the last frequency that it measured and calls its sample questionable."""
    dead = v[..., 0] < dead_v[:, None]
    if not dead.any():
        return
    dead &= (v[..., 1] < dead_v[:, None]) & (v[..., 2] < dead_v[:, None])
    for point in np.flatnonzero(dead.any(axis=1)):
        for second in np.flatnonzero(dead[point]):
            quality[point, second] = QUESTIONABLE
            if second:
                f[point, second] = f[point, second - 1]


def _lose_samples(lost: NDArray[np.bool_], readings: Readings) -> None:
    readings.channels[lost] = np.nan
    readings.f[lost] = np.nan
    readings.quality[lost] = INVALID
    for beside in (readings.thd, readings.pst):
        if beside is not None:
            beside[lost] = np.nan
