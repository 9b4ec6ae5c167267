"""What a response says about the readings themselves: their quality, and the limits that they exceed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
from msgspec import UNSET, UnsetType

from data_contracts.ranges import INVALID, QUESTIONABLE
from data_contracts.wire import CHANNELS, InputQuality, LimitExceeded, Rows
from data_contracts.wire.request import Waveform
from serving import bands
from serving.distortion import voltage_distortion
from serving.sites import Site


def input_quality(rows: Rows, strangers: Mapping[str, list[str]]) -> InputQuality:
    """Quality of one item's readings, the worst of which names the whole, and inputs strange to models.

    Args:
        rows: Readings of one item.
        strangers: Inputs beyond what a model has learnt from, by model.
    """
    codes = rows.quality.tolist()
    questionable, invalid = codes.count(QUESTIONABLE), codes.count(INVALID)
    validity = "invalid" if invalid else "questionable" if questionable else "good"
    return InputQuality(
        validity=validity,  # type: ignore[arg-type]
        readings=len(codes),
        questionable=questionable,
        invalid=invalid,
        outside_training=dict(strangers) if strangers else UNSET,
    )


def limits_exceeded(rows: Rows, site: Site, waveform: Waveform | UnsetType = UNSET) -> list[LimitExceeded]:
    """Limits of the point that the latest valid reading, or the waveform, exceeds.

    A limit is judged on one second here, or on ten cycles; standards that judge 10-min means or weekly
    percentiles (EN 50160, IEC 61000-4-30, IEEE 519) are what `power_quality_index` is for.

    Args:
        rows: Readings of one item.
        site: Its point.
        waveform: Its capture, where it has one.
    """
    codes = rows.quality.tolist()
    latest = next((k for k in reversed(range(len(codes))) if codes[k] != INVALID), None)
    found = [] if latest is None else [*_of_reading(rows.values[latest].tolist(), site)]
    return found if waveform is UNSET else [*found, *_of_waveform(waveform, site)]


def _of_reading(values: list[float], site: Site) -> Iterator[LimitExceeded]:
    yield from _of_level(values, site)
    yield from _of_events(values, site)
    permitted = site.permitted
    if permitted is not None:
        line = _present(values, "v_ll")
        if len(line) == 3 and min(line) > 0 and (vuf := vuf_of_line_voltages(*line)) > permitted.vuf_pct:
            yield _exceeded("vuf", vuf, permitted.vuf_pct, "%", permitted.standard)
        thd = max(_present(values, "thd"), default=0.0)
        if thd > permitted.thd_pct:
            yield _exceeded("thd", thd, permitted.thd_pct, "%", permitted.standard)
    band = site.frequency
    for f in _present(values, "f"):
        if not band.low_hz <= f <= band.high_hz:
            limit = band.low_hz if f < band.low_hz else band.high_hz
            yield _exceeded("frequency", f, limit, "Hz", band.standard)
    current = max(_present(values, "i"), default=0.0)
    if current > site.rated_a:
        yield _exceeded("current", current, site.rated_a, "A", "rated current of the bay")


def _of_level(values: list[float], site: Site) -> Iterator[LimitExceeded]:
    """The mean of the second against the band of the voltage level, where that is known."""
    permitted, nominal = site.permitted, site.nominals.v_nom_v
    if permitted is None:
        return
    mean = [v / nominal for v in _present(values, "v")]
    if mean and min(mean) < permitted.v_min_pu:
        yield _exceeded("v_min", min(mean), permitted.v_min_pu, "pu", permitted.standard)
    if mean and max(mean) > permitted.v_max_pu:
        yield _exceeded("v_max", max(mean), permitted.v_max_pu, "pu", permitted.standard)


def _of_events(values: list[float], site: Site) -> Iterator[LimitExceeded]:
    """Half-cycle extremes against those of events; of an unknown nominal, which is NaN, nothing is one."""
    nominal = site.bounds.nominal_v
    lowest = min(_present(values, "v_min"), default=math.inf) / nominal
    if lowest < bands.INTERRUPTION_PU:
        yield _exceeded("interruption", lowest, bands.INTERRUPTION_PU, "pu", bands.EVENT_STANDARD)
    elif lowest < bands.SAG_PU:
        yield _exceeded("sag", lowest, bands.SAG_PU, "pu", bands.EVENT_STANDARD)
    highest = max(_present(values, "v_max"), default=0.0) / nominal
    if highest > bands.SWELL_PU:
        yield _exceeded("swell", highest, bands.SWELL_PU, "pu", bands.EVENT_STANDARD)


def _of_waveform(waveform: Waveform, site: Site) -> Iterator[LimitExceeded]:
    """Total and single distortion of the capture's voltages, each the largest of the phases."""
    permitted = site.permitted
    distortion = None if permitted is None else voltage_distortion(waveform, site.nominals)
    if permitted is None or distortion is None:
        return
    thd, ratio = (np.fmax.reduce(part, axis=0) for part in distortion)
    # What the sampling does not reach is NaN and exceeds nothing.
    if thd > permitted.thd_pct:
        yield _exceeded("thd_waveform", float(thd), permitted.thd_pct, "%", permitted.standard)
    for place in np.flatnonzero(ratio[1:] > permitted.single_harmonic_pct).tolist():
        value, limit = float(ratio[place + 1]), permitted.single_harmonic_pct
        yield _exceeded(f"h{place + 2}_waveform", value, limit, "%", permitted.standard)


def _exceeded(quantity: str, value: float, limit: float, unit: str, standard: str) -> LimitExceeded:
    return LimitExceeded(quantity=quantity, value=value, limit=limit, unit=unit, standard=standard)


def vuf_of_line_voltages(ab: float, bc: float, ca: float) -> float:
    """Voltage unbalance factor 100·|V2|/|V1| in % from the magnitudes of the line voltages, V.

    β = (Vab⁴ + Vbc⁴ + Vca⁴) / (Vab² + Vbc² + Vca²)²; VUF = √((1 − √(3 − 6β)) / (1 + √(3 − 6β))),
    IEC 61000-4-30, 5.7.1.
    """
    squares = (ab * ab, bc * bc, ca * ca)
    beta = sum(s * s for s in squares) / sum(squares) ** 2
    root = math.sqrt(max(3.0 - 6.0 * beta, 0.0))
    return 100.0 * math.sqrt(max(1.0 - root, 0.0) / (1.0 + root))


def _present(values: list[float], channel: str) -> list[float]:
    """The values of a channel that are there; NaN is the only number that differs from itself."""
    return [value for value in values[CHANNELS[channel]] if value == value]  # noqa: PLR0124
