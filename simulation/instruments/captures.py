"""Taking an episode's captures: true phasors through the point's own devices into its recorder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_contracts.ranges import GOOD, QUESTIONABLE
from simulation.engine.network import Complexes
from simulation.harmonics.distortion import Distorted
from simulation.harmonics.states import HarmonicStates
from simulation.instruments.devices import Transfers
from simulation.instruments.meters import Meters
from simulation.instruments.observation import Readings
from simulation.instruments.waveform import Recorder, Samples, sample_times, started, synthesise, tones


@dataclass(frozen=True, slots=True)
class Captured:
    """One capture and the truth behind it.

    Attributes:
        point: Row of the point.
        v: Samples of the phase voltages, V, shape [3, n].
        i: Samples of the currents, A, shape [3, n].
        quality: Validity.
        f_hz: True frequency.
        true_v: True phasors at the first sample, V, shape [3, 40].
        true_i: Likewise of the currents, A.
        interharmonic_pct: RMS of what lies between the orders, % of the fundamental voltage.
    """

    point: int
    v: Samples
    i: Samples
    quality: int
    f_hz: float
    true_v: Complexes
    true_i: Complexes
    interharmonic_pct: float


def take_captures(
    rng: np.random.Generator,
    distorted: Distorted,
    arrived: HarmonicStates,
    transfers: Transfers,
    readings: Readings,
    *,
    meters: Meters,
    f_hz: float,
) -> tuple[Captured, ...]:
    """Record all captures of an episode.

    A capture and the readings of its second come from the same devices: ratio and phase errors of both are
    the same.

    Args:
        rng: Source of randomness.
        distorted: The episode's distortion.
        arrived: Phasors behind the instrument transformers, but for the errors of their class.
        transfers: The devices on the episode's day.
        readings: What the meters said in the same episode.
        meters: Nameplates.
        f_hz: Frequency in the last second.
    """
    times = sample_times(transfers.nominal_hz)
    between = distorted.interharmonics
    at = f_hz * between.order
    v_tones, i_tones = transfers.of_voltage(at), transfers.of_current(at)
    rows = [capture.point for capture in distorted.captures]
    starts = np.array([capture.start_rad for capture in distorted.captures])[:, None]
    v_error, i_error = readings.errors[:, rows, :, None]
    v = started(arrived.v[rows], starts) * v_error
    i = started(arrived.i[rows], starts) * i_error
    # All captures at once, shape [captures, 6, n]: voltages, then currents.
    waves = synthesise(np.concatenate([v, i], axis=1), f_hz, times)
    true_v, true_i = started(distorted.states.v[rows], starts), started(distorted.states.i[rows], starts)
    found = []
    for k, row in enumerate(rows):
        v_between = tones(between.share, between, v[k, :, 0], v_tones[row], f_hz * times)
        i_share = between.current_factor * between.share
        i_between = tones(i_share, between, i[k, :, 0], i_tones[row], f_hz * times)
        recorder = Recorder.of(float(meters.nominal_v[row]), float(meters.rated_a[row]))
        said_v, said_i = recorder.digitise(rng, waves[k, :3] + v_between, waves[k, 3:] + i_between)
        found.append(
            Captured(
                point=row,
                v=said_v,
                i=said_i,
                # The recorder keeps what it sampled where the meter's own row was lost.
                quality=GOOD if readings.quality[row, -1] == GOOD else QUESTIONABLE,
                f_hz=f_hz,
                true_v=true_v[k],
                true_i=true_i[k],
                interharmonic_pct=between.rms_pct,
            )
        )
    return tuple(found)
