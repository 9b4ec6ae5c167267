"""Quiet movement of the frequency: what load and generation do from second to second.

Two terms. The near one is a Matérn-3/2 process (a critically damped oscillator driven by white noise, as an
inertia with primary control is). The far one is an Ornstein–Uhlenbeck process, the drift that secondary
control leaves, behind a lag, because an inertia does not let the frequency jump.

Their figures are fitted so that means of whole seconds have the mean absolute change over 1, 5, 10, 30, 60
and 300 s that was measured in continental Europe (1.1, 4.0, 6.2, 9.5, 11.3, 19.8 mHz), and so that ten
seconds say as much about the fifth second after them.
"""

from __future__ import annotations

import math

import numpy as np

from simulation.noise import Floats

_NEAR_HZ, _NEAR_S = 0.00629, 5.59
_FAR_HZ, _FAR_S, _FAR_LAG_S = 0.0259, 600.0, 0.64


def covariance(lag_s: Floats) -> Floats:
    """Covariance of quiet frequency at two instants, Hz².

    c(τ) = σ₁²·(1 + |τ|/T₁)·exp(−|τ|/T₁) + σ₂²·(T₂·exp(−|τ|/T₂) − T₃·exp(−|τ|/T₃))/(T₂ − T₃)

    Args:
        lag_s: Seconds between them, any shape.
    """
    apart = np.abs(lag_s)
    near = (1.0 + apart / _NEAR_S) * np.exp(-apart / _NEAR_S)
    far = _FAR_S * np.exp(-apart / _FAR_S) - _FAR_LAG_S * np.exp(-apart / _FAR_LAG_S)
    return np.asarray(_NEAR_HZ**2 * near + _FAR_HZ**2 / (_FAR_S - _FAR_LAG_S) * far)


def covariance_of_means(lag_s: Floats) -> Floats:
    """Covariance of means over two seconds within which the frequency moves in a straight line, Hz².

    Args:
        lag_s: Whole seconds between them, any shape.
    """
    beside = covariance(lag_s - 1.0) + covariance(lag_s + 1.0)
    return np.asarray(0.5 * covariance(lag_s) + 0.25 * beside)


def draw_shocks(rng: np.random.Generator, seconds: int) -> Floats:
    """Standard normal shocks of one episode for `quiet`, shape [seconds + 1, 4]."""
    return rng.standard_normal((seconds + 1, 4))


def quiet(shocks: Floats) -> Floats:
    """Departure of quiet frequency from nominal at the seconds' bounds, Hz.

    The exact discrete-time solution of both terms, begun in its stationary distribution of covariance P:
    state x[k+1] = Φ·x[k] + C·ε with C·Cᵀ = P − Φ·P·Φᵀ. Multiplications and additions of whole rows only, so
    that an episode's values do not depend on how many are computed beside it.

    Args:
        shocks: Standard normal, shape [bounds, 4, episodes].

    Returns:
        Shape [bounds, episodes].
    """
    near = _path(*_near(), shocks[:, :2])
    return near + _path(*_far(), shocks[:, 2:])


def _near() -> tuple[Floats, Floats]:
    """Transition over one second and stationary covariance of place and speed."""
    rate = 1.0 / _NEAR_S
    step = math.exp(-rate) * np.array([[1.0 + rate, 1.0], [-rate * rate, 1.0 - rate]])
    return step, np.diag([_NEAR_HZ**2, (_NEAR_HZ * rate) ** 2])


def _far() -> tuple[Floats, Floats]:
    """Transition over one second and stationary covariance of the lagged drift and of the drift itself."""
    drift, lag = math.exp(-1.0 / _FAR_S), math.exp(-1.0 / _FAR_LAG_S)
    step = np.array([[lag, _FAR_S / (_FAR_S - _FAR_LAG_S) * (drift - lag)], [0.0, drift]])
    return step, _FAR_HZ**2 * np.array([[1.0, 1.0], [1.0, 1.0 + _FAR_LAG_S / _FAR_S]])


def _path(step: Floats, standing: Floats, shocks: Floats) -> Floats:
    """First state of a process of two states, shape [bounds, episodes]."""
    first, kick = np.linalg.cholesky(standing), np.linalg.cholesky(standing - step @ standing @ step.T)
    one = first[0, 0] * shocks[0, 0]
    other = first[1, 0] * shocks[0, 0] + first[1, 1] * shocks[0, 1]
    found = np.empty((shocks.shape[0], shocks.shape[2]))
    found[0] = one
    for k in range(1, shocks.shape[0]):
        one, other = (
            step[0, 0] * one + step[0, 1] * other + kick[0, 0] * shocks[k, 0],
            step[1, 0] * one + step[1, 1] * other + kick[1, 0] * shocks[k, 0] + kick[1, 1] * shocks[k, 1],
        )
        found[k] = one
    return found
