"""Random processes in discrete time; every function draws from the generator that it is given."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SMALLEST = np.float32(1e-9)


def autoregressive(
    rng: np.random.Generator, steps: int, width: int, *, sigma: float, memory: float
) -> Floats:
    """Stationary first-order autoregressive noise (a sampled Ornstein–Uhlenbeck process).

    x[k+1] = ρ·x[k] + σ·√(1 − ρ²)·ε with ρ = exp(−1/memory), begun in its stationary distribution.

    Args:
        rng: Source of randomness.
        steps: Number of samples.
        width: Number of independent series.
        sigma: Stationary standard deviation.
        memory: Steps after which the correlation has fallen to 1/e.

    Returns:
        Array of shape [steps, width].
    """
    rho = math.exp(-1.0 / memory)
    shocks = rng.standard_normal((steps, width))
    shocks[1:] *= math.sqrt(1.0 - rho * rho)
    for k in range(1, steps):
        shocks[k] += rho * shocks[k - 1]
    shocks *= sigma
    return shocks


def largest_of(rng: np.random.Generator, count: int, shape: tuple[int, ...]) -> Floats:
    """Largest of `count` independent standard normal values, drawn at once by Gumbel's law.

    With a = √(2 ln n): location a − (ln ln n + ln 4π)/(2a), scale 1/a (Cramér's norming constants for the
    normal law; from common knowledge of extreme-value theory).

    Returns:
        Array of the given shape.
    """
    a = math.sqrt(2.0 * math.log(count))
    location = a - (math.log(math.log(count)) + math.log(4.0 * math.pi)) / (2.0 * a)
    # A single-precision draw may be exactly zero.
    drawn = np.maximum(rng.standard_exponential(shape, dtype=np.float32), _SMALLEST)
    return np.asarray(location - np.log(drawn) / a, dtype=np.float64)
