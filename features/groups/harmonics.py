"""Harmonic content of a sampled waveform, where a capture belongs to the window.

The frequency is estimated from the capture itself: a metered one is the mean of a second, carries the meter's
error and may be missing. Each order is the line fitted at its exact frequency (`features.spectrum`). Against
IEC 61000-4-7, for content that holds still, that is the harmonic subgroup (the bins h − 1, h, h + 1 of ten
whole cycles): what lies half-way between two orders is in neither, where the harmonic group would take half
of it.
"""

from __future__ import annotations

import numpy as np

from features.content import (
    FEWEST_CYCLES,
    FREQUENCY_RANGE,
    HIGHEST_ORDER,
    LEAST_FUNDAMENTAL_PU,
    LEAST_REACH,
    Content,
    fundamental_position,
)
from features.declaration import Feature
from features.numbers import HUNDRED
from features.spectrum import BETWEEN, REACH, Float, between, fit, transform
from features.windows import Waveforms

V_ORDERS = (2, 3, 5, 7, 9, 11, 13, 17, 19, 23, 25)
I_ORDERS = (3, 5, 7, 11, 13)
BANDS = ((2, 7), (8, 13), (14, 25), (26, 40))
# Captures that are transformed together: their spectra stay in a core's second-level cache.
CHUNK = 32

SUBGROUP = "IEC 61000-4-7 (harmonic subgroup, 10 cycles)"
NO_WAVEFORM = (
    f"NaN without a waveform, below {FEWEST_CYCLES} cycles, or where no fundamental of at least "
    f"{LEAST_FUNDAMENTAL_PU:g} pu lies within {100 * FREQUENCY_RANGE:g} % of the nominal frequency"
)
NO_ORDER = f"{NO_WAVEFORM}; NaN above the sampling's reach"
NO_TOTAL = f"{NO_WAVEFORM}; over the orders that the sampling reaches, NaN when they end below {LEAST_REACH}"
NEEDS = ("waveform",)


def _of(quantity: str) -> str:
    return f"of the {quantity}, phase of its largest THD"


def _thd(name: str, quantity: str) -> Feature:
    return Feature(
        name, "harmonic", "%",
        f"largest over the phases of 100·√(ΣG_h², h = 2…{HIGHEST_ORDER}) / G_1 of the {quantity}, "
        "G_h: RMS of the line at h times the frequency of the capture",
        f"{SUBGROUP}; EN 50160 (to order 40)", NEEDS, NO_TOTAL,
    )  # fmt: skip


def _orders(symbol: str, quantity: str, orders: tuple[int, ...]) -> tuple[Feature, ...]:
    return tuple(
        Feature(
            f"h{order}_{symbol}_pct", "harmonic", "%", f"100·G_{order} / G_1 {_of(quantity)}",
            SUBGROUP, NEEDS, NO_ORDER,
        )
        for order in orders
    )  # fmt: skip


def _crest(symbol: str, quantity: str) -> Feature:
    return Feature(
        f"{symbol}_crest", "harmonic", "1",
        f"largest |sample| / √(ΣG_h², h = 1…{HIGHEST_ORDER}) {_of(quantity)}",
        "IEEE 1459 (crest factor)", NEEDS, NO_WAVEFORM,
    )  # fmt: skip


VOLTAGE = (
    _thd("thd_v_wave_pct", "voltage"),
    *_orders("v", "voltage", V_ORDERS),
    *(
        Feature(
            f"thd_h{first}_h{last}_v_pct", "harmonic", "%",
            f"100·√(ΣG_h², h = {first}…{last}) / G_1 {_of('voltage')}", SUBGROUP, NEEDS, NO_ORDER,
        )
        for first, last in BANDS
    ),
    Feature(
        "even_v_pct", "harmonic", "%",
        f"100·√(ΣG_h², h = 2, 4…{HIGHEST_ORDER}) / G_1 {_of('voltage')}", SUBGROUP, NEEDS, NO_TOTAL,
    ),
    _crest("v", "voltage"),
    Feature(
        "v1_wave_pu", "harmonic", "pu",
        "G_1 of the voltage / nominal phase-to-neutral voltage, phase of its largest THD",
        SUBGROUP, NEEDS, NO_WAVEFORM,
    ),
    Feature(
        "thd_v_wave_spread_pct", "harmonic", "%", "largest − smallest over the phases of the voltage's THD",
        SUBGROUP, NEEDS, NO_TOTAL,
    ),
    Feature(
        "interharmonic_v_pct", "harmonic", "%",
        "largest over the phases of 100·G / G_1 of the voltage, G: RMS of the bins more than "
        f"{BETWEEN:g} bins from every order, from the second bin to half-way behind order {HIGHEST_ORDER}",
        "IEC 61000-4-7 (interharmonic centred subgroups)", NEEDS, NO_TOTAL,
    ),
)  # fmt: skip

CURRENT = (
    _thd("thd_i_wave_pct", "current"),
    *_orders("i", "current", I_ORDERS),
    _crest("i", "current"),
    Feature(
        "k_factor_i", "harmonic", "1",
        f"largest over the phases of Σh²G_h² / ΣG_h², h = 1…{HIGHEST_ORDER}, of the current",
        "UL 1561 (K-factor), the harmonic loss factor of IEEE C57.110", NEEDS, NO_TOTAL,
    ),
    Feature(
        "tdd_i_pct", "harmonic", "%",
        f"largest over the phases of 100·√(ΣG_h², h = 2…{HIGHEST_ORDER}) of the current / rated current",
        "IEEE 519 (total demand distortion), the rating as demand", NEEDS, NO_TOTAL,
    ),
)  # fmt: skip

FEATURES = (
    *VOLTAGE,
    *CURRENT,
    Feature(
        "f_wave_hz", "harmonic", "Hz",
        "frequency of the fundamental in the capture, between the two largest bins of its Hann window, the "
        "powers of the phases added; of the currents where the voltages are dead",
        "Grandke 1983 (interpolation); range as IEC 61000-4-30 class A", NEEDS, NO_WAVEFORM,
    ),
)  # fmt: skip

SQUARED_ORDERS = np.arange(1.0, HIGHEST_ORDER + 1.0) ** 2
V_PLACES, I_PLACES = np.array(V_ORDERS) - 1, np.array(I_ORDERS) - 1
BAND_STARTS, BAND_ENDS = np.array(BANDS).T - 1


def harmonic_features(waveforms: Waveforms, f_nom_hz: Float, v_nom_v: Float, i_rated_a: Float) -> Float:
    """Harmonic features of k captures, [k, features], in the order of `FEATURES`.

    Args:
        waveforms: The captures.
        f_nom_hz: Nominal frequency at each capture, [k].
        v_nom_v: Nominal phase-to-neutral voltage of each, V, [k].
        i_rated_a: Rated current of each, A, [k].
    """
    k, _, count = waveforms.v.shape
    out = np.full((k, len(FEATURES)), np.nan)
    cycles = f_nom_hz * count / waveforms.rate_hz
    most = (1.0 + FREQUENCY_RANGE) * cycles
    usable = np.flatnonzero((most >= FEWEST_CYCLES) & (most < count // 2 - 2 * REACH))
    nominal = np.stack([v_nom_v, i_rated_a], axis=1)
    for start in range(0, usable.shape[0], CHUNK):
        part = usable[start : start + CHUNK]
        samples = np.concatenate([waveforms.v[part], waveforms.i[part]], axis=1)
        out[part] = _features(samples, cycles[part], nominal[part], waveforms.rate_hz)
    return out


def _features(samples: Float, cycles: Float, nominal: Float, rate_hz: float) -> Float:
    """Features of one chunk.

    Args:
        samples: Three voltages and three currents, [k, 6, N].
        cycles: Nominal cycles in the capture, [k].
        nominal: Nominal voltage and current, [k, 2].
        rate_hz: Samples a second.
    """
    count = samples.shape[2]
    out = np.empty((len(FEATURES), samples.shape[0]))
    spectra = transform(samples)
    position = fundamental_position(spectra, cycles, nominal, count)
    known = np.isfinite(position)
    # An unknown fundamental is put somewhere harmless and left out at the end.
    position = np.where(known, position, FEWEST_CYCLES)
    lines = fit(spectra, count, position, HIGHEST_ORDER)
    rest = between(spectra[:, :3], count, position, lines.part(slice(3)))
    v, i = (Content.of(lines, place, nominal[:, place], known) for place in range(2))
    _voltage(out[: len(VOLTAGE)], v, samples[:, :3], nominal[:, 0], rest)
    _current(out[len(VOLTAGE) : -1], i, samples[:, 3:], nominal[:, 1])
    out[-1] = np.where(known, position * (rate_hz / count), np.nan)
    return out.T


def _voltage(out: Float, v: Content, samples: Float, nominal: Float, rest: Float) -> None:
    """Write the features of the voltages into the rows of `out`; `rest`: RMS between the orders, [k, 3]."""
    v.common(out, V_PLACES)
    others, squares = out[1 + len(V_ORDERS) :], v.chosen(v.squares).T
    bands, (even, crest, fundamental, spread, interharmonic) = others[: len(BANDS)], others[len(BANDS) :]
    # The bands follow each other, the first one after the fundamental.
    np.multiply(np.sqrt(np.add.reduceat(squares, BAND_STARTS, axis=0)), v.reached[BAND_ENDS], out=bands)
    np.multiply(np.sqrt(np.add.reduce(squares[1::2], axis=0)), v.total, out=even)
    crest[:] = v.crest(samples)
    np.divide(v.chosen(v.fundamental), nominal, out=fundamental)
    np.subtract(np.fmax.reduce(v.thd, axis=1), np.fmin.reduce(v.thd, axis=1), out=spread)
    spread *= v.total
    np.multiply(np.fmax.reduce(rest / v.fundamental, axis=1), HUNDRED * v.total, out=interharmonic)


def _current(out: Float, i: Content, samples: Float, nominal: Float) -> None:
    """Write the features of the currents into the rows of `out`."""
    i.common(out, I_PLACES)
    crest, k_factor, demand = out[1 + len(I_ORDERS) :]
    crest[:] = i.crest(samples)
    heating = np.add.reduce(i.squares * SQUARED_ORDERS, axis=2) / np.add.reduce(i.squares, axis=2)
    np.multiply(np.fmax.reduce(heating, axis=1), i.total, out=k_factor)
    np.multiply(np.fmax.reduce(i.thd * i.fundamental, axis=1) / nominal, i.total, out=demand)
