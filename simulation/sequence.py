"""Symmetrical components of three phasors (C. L. Fortescue, AIEE Transactions 37, 1918)."""

from __future__ import annotations

import numpy as np

from simulation.engine.network import Complexes
from simulation.noise import Floats

_A = np.exp(2j * np.pi / 3.0)
_TO_SEQUENCE = np.array([[1.0, 1.0, 1.0], [1.0, _A, _A**2], [1.0, _A**2, _A]]) / 3.0
_ROTATION = np.array([1.0, _A**2, _A])
_NEXT = np.array([1, 2, 0])


def sequence_components(v: Complexes) -> Complexes:
    """Zero, positive and negative sequence of phasors a, b, c along the last axis.

    V0 = (Va + Vb + Vc)/3, V1 = (Va + a·Vb + a²·Vc)/3, V2 = (Va + a²·Vb + a·Vc)/3 with a = exp(j·120°).
    """
    # One product of matrices instead of one for each state.
    return np.asarray(v.reshape(-1, 3) @ _TO_SEQUENCE.T).reshape(v.shape)


def sequence_impedances(z: Complexes) -> Complexes:
    """Zero, positive and negative sequence of a phase impedance matrix, coupling between them left out.

    The diagonal of A⁻¹·Z·A; a transposed line or a symmetrical network has nothing beside it.

    Args:
        z: Impedances, shape [..., 3, 3].

    Returns:
        Z0, Z1, Z2, shape [..., 3].
    """
    return np.asarray(np.diagonal(_TO_SEQUENCE @ z @ np.linalg.inv(_TO_SEQUENCE), axis1=-2, axis2=-1))


def balanced(v_a: complex) -> Complexes:
    """Phasors a, b, c of a positive-sequence system, shape [3]."""
    return np.asarray(v_a * _ROTATION)


def unbalance_pct(v: Complexes) -> Floats:
    """Unbalance factor 100·|V2|/|V1| (IEC 61000-4-30, 5.7.1), infinite where V1 vanishes, [...]."""
    magnitude = np.abs(sequence_components(v))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(
            np.where(magnitude[..., 1] > 0.0, 100.0 * magnitude[..., 2] / magnitude[..., 1], np.inf)
        )


def line_voltages(v: Complexes) -> Complexes:
    """Phasors ab, bc, ca from a, b, c along the last axis."""
    return np.asarray(v - v.take(_NEXT, axis=-1))
