"""Harmonic content of a sampled waveform, where a capture belongs to the window."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from features.declaration import Feature
from features.windows import Float, Waveforms

ORDERS = (3, 5, 7, 11, 13)
HIGHEST_ORDER = 40
# A Hann window spreads a sinusoid over the nearest bins; two on either side hold more than 99.9 % of its
# power, also when the fundamental is off its bin by a tenth of a hertz.
REACH = 2
# With fewer cycles the bands of neighbouring harmonics would overlap.
FEWEST_CYCLES = 2 * REACH + 1
# A fundamental below this share of nominal is no reference: the channel is dead.
LEAST_FUNDAMENTAL_PU = 1e-3

NO_WAVEFORM = (
    f"NaN without a waveform, below {FEWEST_CYCLES} cycles, above the sampling's reach, or where the "
    f"fundamental of every phase is below {LEAST_FUNDAMENTAL_PU:g} pu"
)

FEATURES = tuple(
    feature
    for quantity, text, channel in (("v", "voltage", "waveform"), ("i", "current", "waveform"))
    for feature in (
        Feature(
            f"thd_{quantity}_wave_pct", "harmonic", "%",
            f"largest over the phases of 100·√(ΣG_h², h = 2…{HIGHEST_ORDER}) / G_1 of the {text}, "
            "G_h: RMS in the Hann-windowed FFT bins within ±2 of h times the measured frequency",
            "IEC 61000-4-7 (10-cycle capture); EN 50160 (to order 40)", (channel, "f"), NO_WAVEFORM,
        ),
        *(
            Feature(
                f"h{order}_{quantity}_pct", "harmonic", "%",
                f"largest over the phases of 100·G_{order} / G_1 of the {text}",
                "IEC 61000-4-7 (10-cycle capture)", (channel, "f"), NO_WAVEFORM,
            )
            for order in ORDERS
        ),
    )
)  # fmt: skip


def harmonic_features(waveforms: Waveforms, f_hz: Float, v_nom_v: Float, i_rated_a: Float) -> Float:
    """Harmonic features of k captures, [k, 12], in the order of `FEATURES`.

    Args:
        waveforms: The captures.
        f_hz: Frequency at each capture, [k].
        v_nom_v: Nominal phase-to-neutral voltage of each, V, [k].
        i_rated_a: Rated current of each, A, [k].
    """
    return np.concatenate(
        [
            _content(samples, waveforms.rate_hz, f_hz, nominal)
            for samples, nominal in ((waveforms.v, v_nom_v), (waveforms.i, i_rated_a))
        ],
        axis=1,
    )


def _content(samples: Float, rate_hz: float, f_hz: Float, nominal: Float) -> Float:
    """THD and the single orders of one quantity, % of the fundamental, largest phase, [k, 6]."""
    k, _, count = samples.shape
    cycles = f_hz * count / rate_hz
    rms = _band_rms(samples, cycles)
    fundamental = rms[:, :, :1]
    alive = fundamental >= LEAST_FUNDAMENTAL_PU * nominal[:, None, None]
    alive &= (cycles >= FEWEST_CYCLES)[:, None, None]
    ratio = 100.0 * rms / np.where(alive, fundamental, np.nan)
    highest = (count // 2 - REACH) / cycles
    out = np.empty((k, 1 + len(ORDERS)))
    above = ratio[:, :, 1:]
    worst = np.fmax.reduce(np.sqrt(np.add.reduce(above * above, axis=2)), axis=1)
    out[:, 0] = np.where(highest >= ORDERS[-1], worst, np.nan)
    for column, order in enumerate(ORDERS, start=1):
        reached = highest >= order
        out[:, column] = np.where(reached, np.fmax.reduce(ratio[:, :, order - 1], axis=1), np.nan)
    return out


@lru_cache(maxsize=8)
def _hann(count: int) -> tuple[Float, float]:
    """Periodic Hann window and the sum of its squares."""
    window = np.hanning(count + 1)[:-1]
    return window, float(window @ window)


def _band_rms(samples: Float, cycles: Float) -> Float:
    """RMS near each order 1…40 by Parseval, [k, 3, 40]; 0 above the sampling's reach."""
    k, phases, count = samples.shape
    window, squares = _hann(count)
    spectrum = np.fft.rfft(samples * window, axis=2)
    power = spectrum.real**2 + spectrum.imag**2
    known = np.where(np.isfinite(cycles), cycles, 0.0)
    centre = np.rint(known[:, None] * np.arange(1, HIGHEST_ORDER + 1)).astype(np.int64)
    bins = centre[:, :, None] + np.arange(-REACH, REACH + 1)
    reached = (centre + REACH < power.shape[2])[:, None, :]
    bins = np.clip(bins, 0, power.shape[2] - 1).reshape(k, 1, -1)
    band = np.take_along_axis(power, bins, axis=2).reshape(k, phases, HIGHEST_ORDER, -1)
    energy = np.where(reached, np.add.reduce(band, axis=3), 0.0)
    return np.asarray(np.sqrt(2.0 * energy / (count * squares)))
