"""What a record of three voltages tells: RMS of cycles, sags, and unbalance of the fundamental."""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SAG_PU, HYSTERESIS_PU = 0.9, 0.02
"""IEC 61000-4-30, 5.4: usual threshold of a dip, and what a voltage must exceed it by for its end."""

FIT_CYCLES, FEWEST_CYCLES = 5.0, 2.0
"""A sine is fitted to so many cycles at most, and its frequency too from so many on."""

FREQUENCY_SHARE, FREQUENCIES = 0.01, 20
"""Frequencies are tried within this share of the stated one, so many on either side."""

_ALPHA = np.exp(2j * np.pi / 3.0)


class Sag(msgspec.Struct, frozen=True, kw_only=True):
    """A voltage dip of a polyphase system (IEC 61000-4-30, 5.4.2).

    Attributes:
        start_s: From the record's first sample to its beginning, s.
        duration_s: Until all phases are back, s; to the record's end where they do not come back in it.
        residual_pu: Smallest one-cycle RMS of a phase.
        phase: That phase.
        ended: Whether it ends within the record.
    """

    start_s: float
    duration_s: float
    residual_pu: float
    phase: str
    ended: bool


def half_cycle_rms(samples: Floats, rate_hz: float, frequency_hz: float) -> tuple[Floats, Floats]:
    """U_rms(1/2): RMS over one cycle, renewed each half cycle (IEC 61000-4-30, 3.32).

    Args:
        samples: Shape [phases, n].
        rate_hz: Samples a second.
        frequency_hz: Frequency, Hz.

    Returns:
        Time of each window's end, s from the first sample, [w], and its RMS, [phases, w]; none where the
        record is shorter than a cycle.
    """
    cycle = rate_hz / frequency_hz
    length = max(1, round(cycle))
    count = samples.shape[1]
    windows = int((count - length) / (cycle / 2.0)) + 1 if count >= length else 0
    starts = np.rint(np.arange(windows) * cycle / 2.0).astype(np.int64)
    starts = starts[starts + length <= count]
    total = np.concatenate(
        [np.zeros((len(samples), 1)), np.cumsum(samples.astype(np.float64) ** 2, axis=1)], axis=1
    )
    rms: Floats = np.sqrt(np.maximum(total[:, starts + length] - total[:, starts], 0.0) / length)
    return (starts + length) / rate_hz, rms


def sags(samples: Floats, rate_hz: float, frequency_hz: float, nominal_v: float) -> list[Sag]:
    """Dips in a record of three phases.

    One begins when a phase's one-cycle RMS falls below 0.9 of nominal and ends when all are above 0.92.

    Args:
        samples: Phase-to-neutral voltages, V, shape [3, n].
        rate_hz: Samples a second.
        frequency_hz: Nominal frequency, Hz.
        nominal_v: Declared phase-to-neutral voltage, V RMS.
    """
    end, rms = half_cycle_rms(samples, rate_hz, frequency_hz)
    pu = rms / nominal_v
    lowest = pu.min(axis=0) if pu.size else np.empty(0)
    found: list[Sag] = []
    begin: int | None = None
    for place, value in enumerate(lowest.tolist()):
        if begin is None and value < SAG_PU:
            begin = place
        elif begin is not None and value >= SAG_PU + HYSTERESIS_PU:
            found.append(_sag(end, pu, begin, place, ended=True))
            begin = None
    if begin is not None:
        found.append(_sag(end, pu, begin, len(lowest) - 1, ended=False))
    return found


def _sag(end: Floats, pu: Floats, begin: int, until: int, *, ended: bool) -> Sag:
    part = pu[:, begin : until + 1]
    phase = int(part.min(axis=1).argmin())
    return Sag(
        start_s=float(end[begin]),
        duration_s=float(end[until] - end[begin]),
        residual_pu=float(part.min()),
        phase="abc"[phase],
        ended=ended,
    )


def phasors(samples: Floats, rate_hz: float, frequency_hz: float) -> NDArray[np.complex128]:
    """Fundamental of each phase by the four-parameter sine fit of IEEE Std 1057, one frequency for all.

    Neither a whole number of cycles nor the nominal frequency is needed: a constant, a cosine and a sine are
    fitted by least squares at frequencies around the stated one, and the one that leaves least is taken. A
    record of less than two cycles does not tell its frequency; the stated one is taken.

    Args:
        samples: Shape [phases, n].
        rate_hz: Samples a second.
        frequency_hz: Frequency near which to look, Hz.

    Returns:
        Phasors, RMS, [phases]; NaN where the record is shorter than a cycle.
    """
    cycles = samples.shape[1] * frequency_hz / rate_hz
    if cycles < 1.0 - 1e-6:
        return np.full(len(samples), np.nan + 0j)
    samples = samples[:, : round(FIT_CYCLES * rate_hz / frequency_hz)].astype(np.float64)
    if cycles < FEWEST_CYCLES:
        return _fit(samples, rate_hz, frequency_hz)[1]
    step = FREQUENCY_SHARE * frequency_hz / FREQUENCIES
    tried = frequency_hz + step * np.arange(-FREQUENCIES, FREQUENCIES + 1)
    left = [_fit(samples, rate_hz, float(f))[0] for f in tried]
    best = min(max(int(np.argmin(left)), 1), len(tried) - 2)
    before, here, after = left[best - 1 : best + 2]
    bend = before - 2.0 * here + after
    shift = 0.5 * (before - after) / bend if bend > 0.0 else 0.0
    return _fit(samples, rate_hz, float(tried[best] + step * min(max(shift, -1.0), 1.0)))[1]


def _fit(samples: Floats, rate_hz: float, frequency_hz: float) -> tuple[float, NDArray[np.complex128]]:
    """Sum of squares that a sine of a frequency leaves, and its phasors."""
    angle = 2.0 * np.pi * frequency_hz / rate_hz * np.arange(samples.shape[1])
    basis = np.stack([np.ones(len(angle)), np.cos(angle), np.sin(angle)], axis=1)
    fit = np.linalg.lstsq(basis, samples.T, rcond=None)[0]
    found: NDArray[np.complex128] = (fit[1] - 1j * fit[2]) / math.sqrt(2.0)
    return float(((samples.T - basis @ fit) ** 2).sum()), found


def sequences(abc: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Zero, positive and negative sequence of three phasors (Fortescue), [3]."""
    a, b, c = abc
    return (
        np.array(
            [a + b + c, a + _ALPHA * b + _ALPHA**2 * c, a + _ALPHA**2 * b + _ALPHA * c], dtype=np.complex128
        )
        / 3.0
    )


def vuf_pct(abc: NDArray[np.complex128]) -> float:
    """Voltage unbalance factor |V₂|/|V₁|, % (IEC 61000-4-30, 5.7); NaN without a positive sequence."""
    _, one, two = np.abs(sequences(abc))
    return float(100.0 * two / one) if one > 0.0 else math.nan
