"""Symmetrical components of the voltages of m windows, estimated from magnitudes in one pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.numbers import ONE, QUARTER, ZERO
from features.phasors import negative_sequence, planarity, unbalance_factor

Float = NDArray[np.float64]


@dataclass(slots=True, eq=False)
class VoltageComponents:
    """Ratios to the positive sequence unless said otherwise, [m] each.

    Attributes:
        vuf_phase: Negative sequence by the phase voltages.
        vuf_line: Negative sequence by the line voltages.
        vuf_joint: Negative sequence by both.
        v0_proxy: Zero sequence by the sum of squares.
        v0_phasor: Zero sequence by the difference between the two negative sequences.
        residual: Disagreement of phase and line voltages, per unit (see `phasors.planarity`).
    """

    vuf_phase: Float
    vuf_line: Float
    vuf_joint: Float
    v0_proxy: Float
    v0_phasor: Float
    residual: Float


def voltage_components(phase: Float, line: Float) -> VoltageComponents:
    """Components from per-unit magnitudes.

    Args:
        phase: Window means of the phase voltages, [3, m].
        line: Window means of the line voltages ab, bc, ca, [3, m].
    """
    m = phase.shape[1]
    squares = np.empty((2, 3, m))
    by_phase, by_line = squares
    by_phase[:] = phase
    # Each line voltage in the place of the phase that it does not touch.
    by_line[:2] = line[1:]
    by_line[2] = line[0]
    squares *= squares
    w, totals = negative_sequence(squares.swapaxes(0, 1))
    # The lines' W is minus the phases': half the difference is the joint estimate, the sum the zero sequence.
    pair = np.empty((2, 2, m))
    np.subtract(w[:, 0], w[:, 1], out=pair[0])
    np.add(w[:, 0], w[:, 1], out=pair[1])
    w *= w
    pair *= pair
    joint, apart = pair[:, 0] + pair[:, 1]
    magnitudes = np.empty((3, m))
    np.add(w[0], w[1], out=magnitudes[:2])
    np.multiply(joint, QUARTER, out=magnitudes[2])
    vuf = unbalance_factor(magnitudes)
    vuf_line, line_total = vuf[1], totals[1]
    return VoltageComponents(
        vuf_phase=vuf[0],
        vuf_line=vuf_line,
        vuf_joint=vuf[2],
        # |V0|² = (Σv_ph² − Σv_ll²)/3 and |V1|² = Σv_ll²/(3·(1 + VUF²)), both per unit of their nominals.
        v0_proxy=np.sqrt(np.maximum(totals[0] - line_total, ZERO) * (ONE + vuf_line * vuf_line) / line_total),
        v0_phasor=np.sqrt(apart),
        residual=planarity(by_phase, by_line, totals[0], line_total),
    )
