"""Telling a wrong unit from an unusual value.

A meter that sends kilovolts for volts is off by exactly a thousand at every sample; a dead, drifting or
swapped channel, a blown fuse or a short circuit is not. So a unit is judged by how many of a channel's
samples lie close to a known wrong scale, never by one sample, and noise around zero does not qualify: of
normally distributed noise less than half falls into any band used here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SHARE = 0.75
"""A channel has the wrong unit if at least this share of its samples lies on a wrong scale."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A wrong scale: factor between the value found and the right one, and what it is called."""

    factor: float
    found: str


VOLTAGE_SCALES = (
    Scale(1e-3, "kilovolts"),
    Scale(1e-6, "megavolts"),
    Scale(1e3, "millivolts"),
)
"""Wrong scales of a phase-to-neutral voltage; per unit is added from the point's nominal."""

POWER_SCALES = (
    Scale(1e-3, "P and Q a thousand times too small (kW for W, or mV or mA beside W)"),
    Scale(1e-6, "P and Q a million times too small (MW for W)"),
    Scale(1e3, "P and Q a thousand times too large beside V and I (kV or kA beside W)"),
    Scale(1e6, "P and Q a million times too large beside V and I (kV and kA beside W)"),
)
"""Wrong scales of sqrt(P² + Q²) against V·I of one phase."""

VOLTAGE_BAND = (0.6, 1.4)
"""A live voltage on a wrong scale lies within these multiples of it."""

POWER_BAND = (0.7, 1.4)
"""P, Q, V and I of one phase on a wrong scale agree within these multiples of it."""

TOGETHER_BAND = (0.93, 1.07)
"""Line voltages in place of phase-to-neutral ones lie within these multiples of √3, in all three phases."""

LIVE_PU = (0.3, 1.5)
"""A phase with a voltage within these multiples of nominal has voltage."""

TRIANGLE_PU = 0.1
"""Room for instruments' errors in the triangle of two phase voltages and the line voltage between them."""

IDLE_SHARE = 0.05
"""A phase with at most this share of another one's power carries none."""


def voltage_scales(nominal_v: float) -> tuple[Scale, ...]:
    """Wrong scales of a voltage at a point of nominal voltage `nominal_v`, V."""
    return (*VOLTAGE_SCALES, Scale(1.0 / nominal_v, "per unit"))


def near(ratio: Floats, factor: float | Floats, band: tuple[float, float]) -> NDArray[np.bool_]:
    """Where `ratio` lies within `band` of `factor`; false at NaN.

    Args:
        ratio: Value found over value expected, any shape.
        factor: The wrong scale's factor; broadcast.
        band: Lower and upper multiple of the factor.
    """
    inside: NDArray[np.bool_] = (ratio >= band[0] * factor) & (ratio <= band[1] * factor)
    return inside


def collapsed(v: Floats, line: Floats, power: Floats) -> NDArray[np.bool_]:
    """Where a phase has next to no voltage beside one that is live: an interruption, not a wrong unit.

    Behind an open conductor or a blown fuse of its transformer a phase may keep a thousandth of its voltage,
    which is what kilovolts look like.
    Line voltages tell the two apart, by the triangle that they make with the phases' own; where none is
    known, the power does, which a phase without voltage does not carry.

    Args:
        v: Phase voltages over nominal, [..., 3].
        line: Line voltages ab, bc, ca over the same nominal, NaN where not known, [..., 3].
        power: Apparent powers of the phases, in any unit, NaN where not known, [..., 3].
    """
    live = (v >= LIVE_PU[0]) & (v <= LIVE_PU[1])
    found = np.zeros(v.shape, dtype=bool)
    for k in range(3):
        after, before = (k + 1) % 3, (k + 2) % 3
        ends = ((k, after), (before, before))
        open_by = np.stack([np.abs(line[..., at] - v[..., other]) - v[..., k] for at, other in ends])
        told = ~np.isnan(open_by).all(axis=0)
        by_lines = told & ~(open_by > TRIANGLE_PU).any(axis=0)
        others = np.fmax(power[..., after], power[..., before])
        by_power = ~told & (others > 0.0) & (power[..., k] <= IDLE_SHARE * others)
        beside = live[..., after] | live[..., before]
        found[..., k] = (v[..., k] < LIVE_PU[0]) & beside & (by_lines | by_power)
    return found


def apparent_ratio(v: Floats, i: Floats, p: Floats, q: Floats) -> Floats:
    """sqrt(P² + Q²) over V·I, elementwise; NaN where V·I or sqrt(P² + Q²) is zero or one is missing.

    For sinusoidal quantities the two are equal (IEEE 1459, single-phase apparent power); distortion makes the
    quotient smaller by 1/sqrt(1 + THD_I²).
    """
    product = v * i
    power = np.hypot(p, q)
    usable = (product > 0.0) & (power > 0.0)
    ratio: Floats = np.divide(power, product, out=np.full(product.shape, np.nan), where=usable)
    return ratio
