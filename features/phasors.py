"""Symmetrical components from magnitudes alone.

All functions take per-unit magnitudes of one base each: phase voltages per nominal phase voltage, line
voltages per nominal line voltage. Shapes broadcast; the result has the shape of one magnitude.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.numbers import FOUR, HALF, ONE, ROOT3_HALF, THREE_HALVES, TWO

Float = NDArray[np.float64]

ROOT3 = float(np.sqrt(3.0))

# Below this apparent power, per unit, a current has no angle to speak of and fades out of the sums.
S_FLOOR_PU = np.array(1e-9)


def negative_sequence(squares: Float) -> tuple[Float, Float]:
    """W = (a² + αb² + α²c²)/(a² + b² + c²), α = exp(j2π/3): real and imaginary part [2, ...], and divisor.

    For three phasors that sum to zero W is conj(V1)·V2/(|V1|² + |V2|²): its magnitude gives the unbalance
    factor (see `unbalance_factor`), its angle says which phase is the odd one. The line voltages bc, ca, ab,
    each opposite to its phase, give −W. To first order, a zero sequence adds conj(V0)/V1 to the phases' W
    and, as it cancels in differences, nothing to the lines'.

    Args:
        squares: Squared magnitudes of a, b, c, [3, ...].
    """
    x, y, z = squares
    others = y + z
    total = x + others
    others *= HALF
    w = np.empty((2, *total.shape))
    real, imaginary = w
    np.subtract(x, others, out=real)
    np.subtract(y, z, out=imaginary)
    imaginary *= ROOT3_HALF
    w /= total
    return w, total


def unbalance_factor(w_squared: Float) -> Float:
    """Negative over positive sequence of three phasors that sum to zero, from |W|² of their magnitudes.

    This is the CIGRE formula: with β = (a⁴ + b⁴ + c⁴)/(a² + b² + c²)² and r = √(3 − 6β), the factor is
    √((1 − r)/(1 + r)). As 6β − 2 = 4|W|², it is 2|W|/(1 + √(1 − 4|W|²)), which loses no digits near balance.
    Exact for line voltages, whose phasors always sum to zero. Magnitudes that no triangle has (2|W| > 1)
    give 1. Source: CIGRE paper 36-05 (1986), quoted in IEC 61000-4-30.
    """
    squared = np.minimum(FOUR * w_squared, ONE)
    return np.asarray(np.sqrt(squared) / (ONE + np.sqrt(ONE - squared)))


def planarity(phase: Float, opposite: Float, total: Float, line_total: Float) -> Float:
    """How far six magnitudes are from being three phasors and their differences, per unit, signed.

    Three phasors in a plane have a Gram matrix G of rank two; its entries follow from the magnitudes by the
    cosine law (G_bc = (b² + c² − |bc|²)/2). The residual is 2·det G/(3·T²·√(T/3)) with T the larger of the
    sums of squares of phases and lines: zero exactly where the six agree, whatever the unbalance; to first
    order near balance the mean error of the phase voltages minus the mean error of the line voltages; and
    bounded when a side is dead.

    Args:
        phase: Squared phase voltages a, b, c, [3, m].
        opposite: Squared line voltages bc, ca, ab, [3, m].
        total: Sum of the squared phase voltages, [m].
        line_total: Sum of the squared line voltages, [m].
    """
    # Opposite each phase: G_bc = (tr G − a²)/2 − 3·bc²/2, where 3 takes line to phase base.
    gram = total - phase
    gram *= HALF
    gram -= THREE_HALVES * opposite
    crossed = phase * gram
    crossed *= gram
    determinant = phase[0] * phase[1] * phase[2] + TWO * gram[0] * gram[1] * gram[2]
    determinant = determinant - (crossed[0] + crossed[1] + crossed[2])
    norm = np.maximum(total, line_total)
    return np.asarray(determinant / (ROOT3_HALF * norm * norm * np.sqrt(norm)))


def _fortescue() -> Float:
    """Coefficients of the zero, positive and negative sequence, [6 inputs, 6 outputs, 1].

    Inputs are p of a, b, c and q of a, b, c, each times i/|S|: the conjugates of the currents, each behind
    its own voltage. Outputs are the sequences' real, then their imaginary parts. The voltages' own angles
    (0, −120°, +120°) are folded into the coefficients.
    """
    third = np.exp(2j * np.pi / 3.0 * np.arange(3)) / 3.0
    rows = np.stack([third, np.full(3, 1.0 / 3.0), third.conj()])
    real_of_p, imaginary_of_p = rows.real, rows.imag
    matrix = np.block([[real_of_p, -imaginary_of_p], [imaginary_of_p, real_of_p]])
    return np.ascontiguousarray(matrix.T[:, :, None])


FORTESCUE = _fortescue()


def sequence_currents(i: Float, power: Float, apparent: Float) -> Float:
    """Magnitudes of the zero, positive and negative sequence of three currents, per unit, [3, m].

    A meter gives no angles, but P − jQ gives each current's angle behind its own voltage; the voltages are
    taken as 120° apart (their unbalance is a few per cent at most, that of currents is not).

    Args:
        i: Current magnitudes, [3, m].
        power: Active and reactive powers of the phases, [2, 3, m].
        apparent: √(P² + Q²) of the phases, [3, m].
    """
    phasors = power * (i / np.maximum(apparent, S_FLOOR_PU))
    # The inputs come first and are added one after the other, in the same order for one window as for many.
    parts = np.add.reduce(phasors.reshape(6, 1, -1) * FORTESCUE, axis=0)
    parts *= parts
    return np.asarray(np.sqrt(parts[:3] + parts[3:]))
