"""Spectral lines of short captures whose frequency is not known beforehand.

A capture of N samples at r samples a second has bins r/N apart; positions are counted in bins. With the
periodic Hann window a sinusoid of amplitude a at position c gives, for the N/2 + 1 bins b of its transform,

    X[b] = a·(N/4)·e^(jψ)·(−1)^b·κ(b − c),    κ(d) = sin(πd) / (πd·(1 − d²)),    κ(0) = 1, κ(±1) = ½,

exact but for terms of order N⁻⁴ (Harris, "On the use of windows for harmonic analysis with the DFT", 1978).
Two consequences are used here: the ratio of the two largest bins says where c lies between them, and the
least-squares fit of a to the bins within ±`REACH` removes the leakage of a capture that holds no whole number
of cycles: it is a transform by the squared window at the exact frequency, whose side lobes fall with d⁻⁵.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Complex = NDArray[np.complex128]

REACH = 2
"""Bins on either side of a line that it is fitted to."""

BETWEEN = 1.5
"""Bins further than this from every order lie between the orders."""

HANN_POWER = 3.0 / 8.0
"""Mean of the squared Hann window."""

OFFSETS = np.arange(-REACH, REACH + 1)


@lru_cache(maxsize=8)
def _hann(count: int) -> Float:
    """Periodic Hann window."""
    return np.asarray(0.5 - 0.5 * np.cos(2.0 * np.pi / count * np.arange(count)))


def transform(samples: Float) -> Complex:
    """Hann-windowed spectra of captures [..., N]: bins 0 … N/2, [..., N // 2 + 1]."""
    return np.asarray(np.fft.rfft(samples * _hann(samples.shape[-1])))


def strongest(spectra: Complex, nominal: Float, tolerance: float) -> tuple[Float, Float]:
    """Where the strongest line near a nominal position lies.

    The two largest bins of a line have the ratio r = |X[q]|/|X[p]| = (1 + δ)/(2 − δ), so that the line lies
    δ = (2r − 1)/(1 + r) bins from p towards q (Grandke, "Interpolation algorithms for discrete Fourier
    transforms of weighted signals", 1983). The channels hold the same line: their powers are added.

    Args:
        spectra: Hann-windowed spectra of c channels, [k, c, bins].
        nominal: Nominal position, [k].
        tolerance: Largest deviation, as a share of it.

    Returns:
        The position, NaN where no line has its peak within the tolerance, and the power of its largest bin,
        [k] each.
    """
    low, high = (1.0 - tolerance) * nominal, (1.0 + tolerance) * nominal
    first = max(int(low.min()) - 2, 0)
    near = spectra[:, :, first : int(high.max()) + 4]
    power = np.add.reduce(near.real**2 + near.imag**2, axis=1)
    bins = np.arange(first, first + power.shape[1], dtype=np.float64)
    inner = np.where((bins > low[:, None] - 1.0) & (bins < high[:, None] + 1.0), power, -1.0)
    # Every peak has a neighbour on either side: the ends of the range are further off.
    peak = np.argmax(inner, axis=1)
    rows = np.arange(peak.shape[0])
    height, below, above = power[rows, peak], power[rows, peak - 1], power[rows, peak + 1]
    ratio = np.sqrt(np.maximum(below, above) / height)
    position = bins[peak] + np.copysign((2.0 * ratio - 1.0) / (1.0 + ratio), above - below)
    position[(position < low) | (position > high)] = np.nan
    return position, height


@dataclass(slots=True, eq=False)
class Lines:
    """Orders 1 … H of k captures of c channels.

    Attributes:
        level: Complex amplitude of each order times N/4, its angle with the sign of the bin next to it,
            [k, c, H]; 0 where the sampling does not reach.
        rms: RMS of each order, [k, c, H].
        offset: Position of the order minus that of the bin next to it, [k, H].
        reached: Orders within the sampling's reach, [k].
    """

    level: Complex
    rms: Float
    offset: Float
    reached: Int

    def part(self, channels: slice) -> Lines:
        """The orders of some channels."""
        return Lines(self.level[:, channels], self.rms[:, channels], self.offset, self.reached)


def fit(spectra: Complex, count: int, position: Float, orders: int) -> Lines:
    """Fit a line at every multiple of a fundamental.

    Args:
        spectra: Hann-windowed spectra, [k, c, bins].
        count: Samples of each capture.
        position: Position of the fundamental, finite, [k].
        orders: Highest order.
    """
    k, channels, size = spectra.shape
    exact = position[:, None] * np.arange(1, orders + 1)
    centre = np.rint(exact)
    offset = exact - centre
    within = centre + REACH < size
    bins = np.minimum(centre.astype(np.int64)[:, :, None] + OFFSETS, size - 1)
    near = _along(spectra, bins.reshape(k, -1)).reshape(k, channels, orders, OFFSETS.shape[0])
    shape = _shape(offset)
    shape /= np.add.reduce(shape * shape, axis=2, keepdims=True)
    shape *= within[:, :, None]
    level = np.asarray(np.einsum("kcob,kob->kco", near, shape))
    return Lines(level, np.abs(level) * (np.sqrt(8.0) / count), offset, np.count_nonzero(within, axis=1))


def _along(values: Complex, places: Int) -> Complex:
    """`values` [k, c, …] at `places` [k, p] of their last axis, [k, c, p]."""
    k, channels, size = values.shape
    starts = (np.arange(k * channels) * size).reshape(k, channels, 1)
    return np.asarray(values.reshape(-1).take(starts + places[:, None]))


def _shape(offset: Float) -> Float:
    """κ at the five bins around lines that lie `offset` off the middle one, with the bins' signs, [..., 5].

    Written so that nothing cancels near whole bins.
    """
    x = offset
    out = np.empty((*x.shape, OFFSETS.shape[0]))
    two_below, below, above, two_above = 2.0 + x, 1.0 + x, 1.0 - x, 2.0 - x
    sinc = np.sinc(x)
    out[..., 2] = sinc / (below * above)
    out[..., 1] = -sinc / (below * two_below)
    out[..., 3] = -sinc / (above * two_above)
    out[..., 0] = out[..., 1] * x / (3.0 + x)
    out[..., 4] = -out[..., 3] * x / (3.0 - x)
    return out


def between(spectra: Complex, count: int, position: Float, lines: Lines) -> Float:
    """RMS of what lies more than `BETWEEN` bins from every order, up to half-way behind the last, [k, c].

    The leakage of the nearest order and of the fundamental is taken off first. By Parseval, the energy of the
    bins that are left is that of the windowed samples.

    Args:
        spectra: Hann-windowed spectra, [k, c, bins].
        count: Samples of each capture.
        position: Position of the fundamental, finite, [k].
        lines: What `fit` found in them.
    """
    size = spectra.shape[2]
    orders = lines.offset.shape[1]
    top = min(size, int((orders + 0.5) * float(position.max())) + 1)
    bins = np.arange(top, dtype=np.float64)
    nearest = np.rint(bins / position[:, None])
    distance = bins - nearest * position[:, None]
    counts = (np.abs(distance) > BETWEEN) & (nearest <= lines.reached[:, None])
    # The bins' signs cancel those of sin(π(b − c)): what is left depends on the line alone.
    tail = lines.level * (np.sin(np.pi * lines.offset) / np.pi)[:, None, :]
    place = np.minimum(np.maximum(nearest.astype(np.int64) - 1, 0), orders - 1)
    leaked = _along(tail, place) * _tail(distance, counts & (nearest > 0.0))[:, None]
    off = bins - position[:, None]
    leaked += tail[:, :, :1] * _tail(off, counts & (nearest != 1.0))[:, None]
    rest = spectra[:, :, :top] + leaked
    energy = np.add.reduce((rest.real**2 + rest.imag**2) * counts[:, None], axis=2)
    return np.asarray(np.sqrt(energy * (2.0 / (HANN_POWER * count * count))))


def _tail(distance: Float, wanted: NDArray[np.bool_]) -> Float:
    """1 / (d·(1 − d²)) where wanted, else 0."""
    return np.divide(1.0, distance * (1.0 - distance * distance), out=np.zeros_like(distance), where=wanted)
