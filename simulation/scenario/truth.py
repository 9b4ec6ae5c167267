"""The true state of every point in every second, from the solved phasors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.harmonics.distortion import Distorted
from simulation.instruments.seconds import mean_over_seconds
from simulation.noise import Floats
from simulation.scenario.recording import States, Timeline
from simulation.sequence import line_voltages, sequence_components

# Below this share of nominal a positive-sequence voltage is the rounding error of a dead bus.
_VANISHED_PU = 1e-3


@dataclass(frozen=True, slots=True)
class Truth:
    """Means over true seconds.

    Attributes:
        v: Phase voltages, V, shape [p, t, 3].
        v_ll: Line voltages ab, bc, ca, V, shape [p, t, 3].
        vuf_pct: 100·|V2|/|V1|, NaN where V1 vanishes, shape [p, t].
        v0_pct: 100·|V0|/|V1|, NaN where V1 vanishes, shape [p, t].
        residual_p_pu: Largest active residual of the second's solutions, with its sign, shape [t].
        residual_q_pu: Largest reactive one, shape [t].
    """

    v: Floats
    v_ll: Floats
    vuf_pct: Floats
    v0_pct: Floats
    residual_p_pu: Floats
    residual_q_pu: Floats


def describe(
    states: States, timeline: Timeline, nominal_v: Floats, distorted: Distorted | None = None
) -> Truth:
    """Average the states over each second.

    In a second with several states the sequence magnitudes are averaged first and then divided.

    Args:
        states: Solved phasors.
        timeline: Which acts when.
        nominal_v: Phase-to-neutral nominal voltage of each point, shape [p].
        distorted: The harmonics, where they were solved: RMS values include them, sequences do not.
    """
    # Each quantity lies together in memory, whatever the order of the axes.
    stacked = np.empty((9, nominal_v.size, states.v.shape[0])).transpose(2, 1, 0)
    np.abs(states.v, out=stacked[..., 0:3])
    np.abs(line_voltages(states.v), out=stacked[..., 3:6])
    np.abs(sequence_components(states.v), out=stacked[..., 6:9])
    means = mean_over_seconds(timeline, stacked, np.zeros(nominal_v.size))
    zero, positive, negative = means[..., 6], means[..., 7], means[..., 8]
    alive = positive > _VANISHED_PU * nominal_v[:, None]
    divisor = np.where(alive, positive, np.nan)
    if distorted is not None:
        phases, lines = distorted.true_rms_factors()
        means[..., 0:3] *= phases
        means[..., 3:6] *= lines
    return Truth(
        v=means[..., 0:3],
        v_ll=means[..., 3:6],
        vuf_pct=100.0 * negative / divisor,
        v0_pct=100.0 * zero / divisor,
        residual_p_pu=_worst(timeline, states.residual_p_pu),
        residual_q_pu=_worst(timeline, states.residual_q_pu),
    )


def _worst(timeline: Timeline, residual: Floats) -> Floats:
    second = np.floor(timeline.begin).astype(np.int64)
    worst = np.zeros(timeline.seconds)
    values = residual[timeline.state]
    order = np.argsort(np.abs(values), kind="stable")
    # Written in rising order of size: the largest of a second stays.
    worst[second[order]] = values[order]
    return worst
