"""What an item's waveform must keep beyond its types: six equal lengths, ten cycles, volts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data_contracts.ranges import CAPTURE_CYCLES, CAPTURE_SHARE, V_MAX_PU
from data_contracts.units import TOGETHER_BAND, VOLTAGE_BAND, near, voltage_scales
from data_contracts.wire.request import Waveform
from data_contracts.wire.response import FieldError

if TYPE_CHECKING:
    from data_contracts.wire.check import PointLimits


def waveform_errors(waveform: Waveform, limits: PointLimits) -> list[FieldError]:
    """The errors of one waveform; the first kind found hides the later ones.

    The rules are those of the table `waveforms`, but for dead channels: models must see these.
    """
    return _length_errors(waveform) or _span_errors(waveform, limits) or _voltage_errors(waveform, limits)


def _length_errors(waveform: Waveform) -> list[FieldError]:
    lengths = [len(series) for series in (*waveform.v, *waveform.i)]
    if len(set(lengths)) == 1:
        return []
    text = f"the six series must be equally long, got {lengths}"
    return [FieldError(field="waveform", rule="waveform_length", message=text)]


def _span_errors(waveform: Waveform, limits: PointLimits) -> list[FieldError]:
    samples = len(waveform.v[0])
    cycles = samples * limits.frequency_hz / waveform.rate_hz
    if abs(cycles - CAPTURE_CYCLES) <= CAPTURE_SHARE * CAPTURE_CYCLES:
        return []
    wanted = CAPTURE_CYCLES * waveform.rate_hz / limits.frequency_hz
    text = (
        f"a waveform lasts {CAPTURE_CYCLES:g} cycles of {limits.frequency_hz:g} Hz ± {CAPTURE_SHARE:.0%}: "
        f"{wanted:.0f} samples at rate_hz {waveform.rate_hz:g}; got {samples} samples, {cycles:.4g} cycles"
    )
    return [FieldError(field="waveform", rule="waveform_span", message=text, value=samples)]


def _voltage_errors(waveform: Waveform, limits: PointLimits) -> list[FieldError]:
    v = np.array(waveform.v, dtype=np.float64)
    peak = V_MAX_PU * 2.0**0.5 * limits.nominal_v
    largest = np.abs(v).argmax(axis=1).tolist()
    errors = []
    for phase, place in enumerate(largest):
        value = float(v[phase, place])
        if abs(value) > peak:
            text = f"must lie within {-peak:g} to {peak:g}; got {value:.6g} V"
            field = f"waveform.v[{phase}][{place}]"
            errors.append(FieldError(field=field, rule="range", message=text, value=value))
    return errors or _unit_errors(np.sqrt(np.square(v).mean(axis=1)), limits)


def _unit_errors(rms: NDArray[np.float64], limits: PointLimits) -> list[FieldError]:
    ratio, nominal = rms / limits.nominal_v, limits.nominal_v
    wrong = [(scale.found, near(ratio, scale.factor, VOLTAGE_BAND)) for scale in voltage_scales(nominal)]
    wrong.append(("a line voltage", near(ratio, 3.0**0.5, TOGETHER_BAND)))
    text = "looks like {} by its RMS of {:.6g}; send volts, phase to neutral (nominal here is {:.0f} V)"
    return [
        FieldError(
            field="waveform.v[0]",
            rule="unit",
            message=text.format(found, rms[0], nominal),
            value=float(rms[0]),
        )
        for found, phases in wrong
        if phases.all()
    ]
